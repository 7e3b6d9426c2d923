"""The small services of RFC 862 to 868, over TCP and UDP."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import socket
import time
from collections.abc import Callable
from typing import Any

import listening
import payload
import sockets
from report import Output, Reporter, Silent, digest

DRAIN_SECONDS = 5
_CYCLE = payload.text(1, 95 * 74)
_QUOTE = b"Be conservative in what you send, be liberal in what you accept.\r\n"
_EPOCH_1900 = 2208988800


def _daytime() -> bytes:
    return time.strftime("%A, %B %d, %Y %H:%M:%S-UTC\r\n", time.gmtime()).encode()


def _time() -> bytes:
    return ((int(time.time()) + _EPOCH_1900) % 2**32).to_bytes(4, "big")


ONE_SHOT: dict[str, Callable[[], bytes]] = {"qotd": lambda: _QUOTE, "daytime": _daytime, "time": _time}
NAMES = ("echo", "discard", "chargen", *ONE_SHOT)
Answer = Callable[..., "bytes | None"]
"""What a service that has questions answers: the octets of one, and whether they are a datagram."""


class Tally:
    """Octets that passed a socket call, counted and digested."""

    def __init__(self, silent: bool) -> None:
        self.octets = 0
        self._hash = None if silent else hashlib.sha256()

    def add(self, data: bytes | memoryview) -> None:
        """Counts octets."""
        self.octets += len(data)
        if self._hash is not None:
            self._hash.update(data)

    def members(self) -> dict[str, object]:
        """As a step tells them."""
        return {"octets": self.octets, "digest": self._hash.hexdigest() if self._hash else ""}


class Connection:
    """One accepted connection of a TCP service."""

    def __init__(self, sock: socket.socket, reporter: Reporter | Silent, silent: bool, answer: Answer | None = None) -> None:
        self.sock = sock
        self.answer = answer
        self.reporter = reporter
        self.loop = asyncio.get_running_loop()
        self.got = Tally(silent)
        self.gave = Tally(silent)
        self.told_sent = False

    async def serve(self, service: str) -> None:
        """Serves to the end, and reports it."""
        self.reporter.step("accepted", local=sockets.shown(self.sock.getsockname()), remote=sockets.shown(self.sock.getpeername()))
        ended = reset = False
        try:
            ended = await (getattr(self, service)() if hasattr(self, service) else self.one_shot(ONE_SHOT[service]()))
        except OSError:
            reset = True
        finally:
            self.reporter.step("received", **self.got.members())
            if ended:
                self.reporter.step("end")
            if not self.told_sent:
                self.reporter.step("sent", **self.gave.members())
            if reset:
                self.reporter.step("reset", by="them")
            self.sock.close()
            self.reporter.step("closed")
            self.reporter.done()

    async def read(self) -> bytes:
        """The next octets, counted; none at the client's FIN."""
        data = await self.loop.sock_recv(self.sock, sockets.CHUNK)
        self.got.add(data)
        return data

    async def echo(self) -> bool:
        while data := await self.read():
            await self.loop.sock_sendall(self.sock, data)
            self.gave.add(data)
        return True

    async def discard(self) -> bool:
        while await self.read():
            pass
        return True

    async def dns(self) -> bool:
        """Messages with two octets of length before each, answered one after the other (RFC 1035 4.2.2)."""
        assert self.answer is not None
        held = b""
        while data := await self.read():
            held += data
            while len(held) >= 2 and len(held) >= (end := 2 + int.from_bytes(held[:2], "big")):
                answer, held = self.answer(held[2:end], datagram=False), held[end:]
                if answer is not None:
                    framed = len(answer).to_bytes(2, "big") + answer
                    await self.loop.sock_sendall(self.sock, framed)
                    self.gave.add(framed)
        return True

    async def chargen(self) -> bool:
        sender = asyncio.ensure_future(self._generate())
        try:
            return await self.discard()
        finally:
            sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sender  # a reset that the sender met is told, even if the reader then saw an end

    async def _generate(self) -> None:
        """Sends without end; what the kernel took is counted exactly."""
        view = memoryview(_CYCLE)
        at = 0
        while True:
            try:
                count = self.sock.send(view[at : at + 65536])
            except (BlockingIOError, InterruptedError):
                await self._writable()
                continue
            self.gave.add(view[at : at + count])
            at = (at + count) % len(_CYCLE)
            await asyncio.sleep(0)

    async def _writable(self) -> None:
        await sockets.ready(self.sock.fileno(), writing=True)

    async def one_shot(self, answer: bytes) -> bool:
        """Sends, half-closes, and reads to the client's FIN, so that no RST can destroy the answer."""
        await self.loop.sock_sendall(self.sock, answer)
        self.gave.add(answer)
        self.reporter.step("sent", **self.gave.members())
        self.told_sent = True
        self.sock.shutdown(socket.SHUT_WR)
        self.reporter.step("half-closed")
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                return await self.discard()
        except TimeoutError:
            return False


class TcpService:
    """A listening service."""

    def __init__(self, command: dict[str, Any], output: Output, answer: Answer | None = None) -> None:
        self._answer = answer
        self._id = command["id"]
        self._service = command["service"]
        self._silent = command.get("report") == "none"
        self._output = output
        self._reporter = Reporter(output, self._id)
        self._numbers = itertools.count(1)
        self._connections: set[asyncio.Task[None]] = set()
        self._address = (command["address"], command["port"])

    async def run(self) -> None:
        """Serves until it is cancelled."""
        try:
            listener = self._listen()
        except OSError as error:
            listening.failed(self._reporter, error)
            return
        try:
            await self._accept(listener)
        finally:
            listener.close()
            for task in list(self._connections):
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            self._reporter.step("closed")
            self._reporter.done()

    def _listen(self) -> socket.socket:
        return listening.listen(self._address, self._reporter)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(listener)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            sock.setblocking(False)
            sockets.no_delay(sock)
            reporter = Silent() if self._silent else Reporter(self._output, self._id, next(self._numbers))
            task = loop.create_task(self._serve(sock, reporter))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _serve(self, sock: socket.socket, reporter: Reporter | Silent) -> None:
        try:
            await Connection(sock, reporter, self._silent, self._answer).serve(self._service)
        except OSError:
            sock.close()  # gone before it could be named


class UdpService:
    """A service that answers datagrams."""

    def __init__(self, command: dict[str, Any], output: Output, answer: Answer | None = None) -> None:
        self._questioned = answer
        self._command = command
        self._service = command["service"]
        self._reporter = Reporter(output, command["id"])

    async def run(self) -> None:
        """Serves until it is cancelled."""
        sock = sockets.make("udp", self._command["address"])
        self._reporter.step("created")
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
            sock.bind((self._command["address"], self._command["port"]))
        except OSError as error:
            listening.failed(self._reporter, error)
            return
        self._reporter.step("bound", local=sockets.shown(sock.getsockname()))
        self._reporter.flush()
        try:
            while True:
                await self._one(sock)
        finally:
            sock.close()
            self._reporter.flush()
            self._reporter.step("closed")
            self._reporter.done()

    async def _one(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            octets, remote = await loop.sock_recvfrom(sock, 65536)
            self._reporter.step("received", octets=len(octets), digest=digest(octets), remote=sockets.shown(remote))
            answer = self._answer(octets)
            if answer is not None:
                await loop.sock_sendto(sock, answer, remote)
                self._reporter.step("sent", octets=len(answer), digest=digest(answer), remote=sockets.shown(remote))
        except OSError:
            return  # an ICMP error for an answer that nobody waits for any more

    def _answer(self, octets: bytes) -> bytes | None:
        if self._questioned is not None:
            return self._questioned(octets, datagram=True)
        if self._service == "echo":
            return octets
        if self._service == "chargen":
            return _CYCLE[:256]
        return ONE_SHOT[self._service]() if self._service in ONE_SHOT else None


def make(command: dict[str, Any], output: Output, answer: Answer | None = None) -> TcpService | UdpService:
    """The service that a ``serve`` asks for."""
    return (TcpService if command["transport"] == "tcp" else UdpService)(command, output, answer)
