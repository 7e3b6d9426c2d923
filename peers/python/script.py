"""The ``script`` command: one conversation at the socket interface, step by step."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import socket
from typing import Any

import machine
import payload
import sockets
from report import Reporter, digest
from stream import Stream

DEFAULT_DEADLINE = 10_000


class BadCommand(Exception):
    """The command cannot be understood."""


class Unsupported(Exception):
    """The command is understood, and not done here."""


def whole(held: dict[str, Any], member: str, *, needed: bool = True) -> None:
    """Refuses a member that is not a whole number from 0 on, or missing where it is needed."""
    value = held.get(member)
    if value is None and not needed:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadCommand(f"'{member}' must be a whole number, it is {value!r}")


def text(held: dict[str, Any], member: str) -> None:
    """Refuses a member that is missing or no text."""
    if not isinstance(held.get(member), str):
        raise BadCommand(f"'{member}' must be a text, it is {held.get(member)!r}")


async def run(command: dict[str, Any], reporter: Reporter) -> None:
    """Holds the conversation, and reports it to its end."""
    script = _kind(command["transport"])(command, reporter)
    script.check()
    try:
        async with asyncio.timeout(command.get("deadline", DEFAULT_DEADLINE) / 1000):
            await script.perform()
    except (OSError, sockets.Ended, sockets.Named, TimeoutError) as error:
        script.failed(error)
    finally:
        await script.end()
        reporter.done()


def _kind(transport: str) -> type[Script]:
    """Who holds scripts over it; what few conversations need is loaded for the first of them."""
    if transport == "multicast":
        found: type[Script] = importlib.import_module("groups").GroupScript
        return found
    return {"tcp": TcpScript, "udp": UdpScript}.get(transport) or machine.kind(transport)


class Script:
    """What both transports share: the walk through the steps."""

    def __init__(self, command: dict[str, Any], reporter: Reporter) -> None:
        self.command = command
        self.reporter = reporter
        self.at = -1
        self.loop = asyncio.get_running_loop()
        self.sock: socket.socket | None = None

    def check(self) -> None:
        """Refuses what cannot be done before anything is done."""
        if self.command["role"] not in ("client", "server"):
            raise BadCommand("'role' is 'client' or 'server'")
        whole(self.command, "backlog", needed=False)
        for step in self.command["steps"]:
            if not isinstance(step, dict) or not hasattr(self, f"do_{str(step.get('do')).replace('-', '_')}"):
                raise Unsupported(f"there is no step {step!r} here")
            for member in ("ms", "within", "quiet", "octets", "count", "keep", "gap"):
                whole(step, member, needed=step["do"] == "wait" and member == "ms" and "messages" not in step)
            if step["do"] == "send":
                payload.octets(step["payload"])
            if step["do"] == "receive" and isinstance(self, TcpScript) and not step.keys() & {"octets", "until", "through", "quiet"}:
                raise BadCommand("a receive over a stream has 'octets', 'until', 'through' or 'quiet'")

    async def perform(self) -> None:
        """All steps in order."""
        await self.begin()
        for step in self.command["steps"]:
            self.at += 1
            work = getattr(self, f"do_{step['do'].replace('-', '_')}")
            if "within" in step:
                async with asyncio.timeout(step["within"] / 1000):
                    await work(step)
            else:
                await work(step)

    async def begin(self) -> None:
        """What comes before the first step."""
        raise NotImplementedError

    def failed(self, error: BaseException) -> None:
        """Reports the failure of the current step."""
        name = sockets.error_name(error)
        if name == "reset":
            self.reporter.step("reset", by="them")
        says = "the deadline passed" if name == "timeout" and not getattr(error, "errno", None) else str(error)
        self.reporter.step("failed", at=self.at, error=name, says=says)

    async def do_wait(self, step: dict[str, Any]) -> None:
        await asyncio.sleep(step["ms"] / 1000)

    async def leave(self) -> None:
        """Closes what is open."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None
            self.reporter.step("closed")

    async def end(self) -> None:
        """The conversation is over, however it ended."""
        await self.leave()
        self.unmake()

    def unmake(self) -> None:
        """Removes what a server has besides its connection."""

    def make(self) -> socket.socket:
        made = sockets.make(self.command["transport"], self.command["address"])
        self.reporter.step("created")
        return made

    def bind(self, sock: socket.socket) -> None:
        sock.bind((self.command["address"], self.command["port"]))
        self.reporter.step("bound", local=sockets.shown(sock.getsockname()))

    @property
    def target(self) -> tuple[str, int]:
        return self.command["address"], self.command["port"]


def kept(step: dict[str, Any], octets: bytes) -> dict[str, object]:
    """The octets that are told themselves, where the step asks for that."""
    keep = step.get("keep", 0)
    return {"hex": octets[:keep].hex()} if keep else {}


class TcpScript(Script):
    """A script over one connection."""

    stream: Stream | None = None
    listener: socket.socket | None = None

    async def begin(self) -> None:
        if self.command["role"] == "server":
            self.listener = self.make()
            sockets.reuse(self.listener)
            self.bind(self.listener)
            self.listener.listen(self.command.get("backlog", sockets.BACKLOG))
            self.reporter.step("listening", local=sockets.shown(self.listener.getsockname()))
            self.reporter.flush()

    def _open(self, sock: socket.socket, name: str) -> None:
        self.sock = sock
        sockets.no_delay(sock)
        self.reporter.step(name, local=sockets.shown(sock.getsockname()), remote=sockets.shown(sock.getpeername()))
        self.stream = Stream(sock, self.command.get("reading", "eager") == "eager")

    async def do_connect(self, step: dict[str, Any]) -> None:
        sock = self.sock = self.make()
        self.reporter.step("connecting", remote=list(self.target))
        await self.loop.sock_connect(sock, self.target)
        self._open(sock, "connected")

    async def do_accept(self, step: dict[str, Any]) -> None:
        assert self.listener is not None
        sock, _ = await self.loop.sock_accept(self.listener)
        sock.setblocking(False)
        self._open(sock, "accepted")

    def _talking(self) -> tuple[socket.socket, Stream]:
        if self.sock is None or self.stream is None:
            raise OSError(107, "there is no connection")
        return self.sock, self.stream

    async def do_send(self, step: dict[str, Any]) -> None:
        for k in range(step.get("count", 1)):
            await self._send(step, payload.octets(step["payload"], k))

    async def _send(self, step: dict[str, Any], octets: bytes) -> None:
        _, stream = self._talking()
        sizes, gap, start = step.get("writes") or [len(octets)], step.get("gap", 0), 0
        for number in range(len(octets)):
            size = sizes[min(number, len(sizes) - 1)]
            await stream.send(octets[start : start + size])
            start += size
            if start >= len(octets):
                break
            if gap:
                stream.read_meanwhile()
                await asyncio.sleep(gap / 1000)
        self.reporter.step("sent", octets=len(octets), digest=digest(octets))

    async def do_receive(self, step: dict[str, Any]) -> None:
        _, stream = self._talking()
        if "quiet" in step:
            await self._quiet(stream, step)
            return
        try:
            count = await self._arrived(stream, step)
            more = await self._received(stream, step)
        except (sockets.Ended, OSError):
            self._rest(stream, step)
            raise
        octets = stream.take(count)
        self.reporter.step("received", octets=len(octets), digest=digest(octets), **more, **kept(step, octets))
        if step.get("until") == "end":
            self.reporter.step("end")

    async def _received(self, stream: Stream, step: dict[str, Any]) -> dict[str, object]:
        """What else is to be told of what came."""
        return {}

    async def _arrived(self, stream: Stream, step: dict[str, Any]) -> int:
        if "through" in step:
            return await stream.through(bytes.fromhex(step["through"]))
        if step.get("until") == "reply":
            return await stream.reply()
        if step.get("until") == "end":
            await stream.to_end()
            return len(stream.held)
        await stream.exactly(step["octets"])
        return int(step["octets"])

    def _rest(self, stream: Stream, step: dict[str, Any]) -> None:
        """What there was when a stream ended, broke or was late too early."""
        octets = stream.take(len(stream.held))
        if octets or stream.ended:
            self.reporter.step("received", octets=len(octets), digest=digest(octets), **kept(step, octets))
        if stream.ended:
            self.reporter.step("end")

    def failed(self, error: BaseException) -> None:
        step = self.command["steps"][self.at] if self.at >= 0 else {}
        if isinstance(error, TimeoutError) and self.stream is not None and step.get("do") == "receive":
            self._rest(self.stream, step)
        super().failed(error)

    async def _quiet(self, stream: Stream, step: dict[str, Any]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(step["quiet"] / 1000):
                while not stream.held:
                    await stream.more()
        if stream.held:
            octets = stream.take(len(stream.held))
            self.reporter.step("received", octets=len(octets), digest=digest(octets), **kept(step, octets))
        else:
            self.reporter.step("quiet")

    async def do_wait(self, step: dict[str, Any]) -> None:
        if self.stream is not None:
            self.stream.read_meanwhile()
        await super().do_wait(step)

    async def do_half_close(self, step: dict[str, Any]) -> None:
        sock, _ = self._talking()
        sock.shutdown(socket.SHUT_WR)
        self.reporter.step("half-closed")

    async def do_close(self, step: dict[str, Any]) -> None:
        await self.leave()

    async def do_reset(self, step: dict[str, Any]) -> None:
        sock, stream = self._talking()
        await stream.stop()
        sockets.abort(sock)
        self.sock = self.stream = None
        self.reporter.step("reset", by="us")
        self.reporter.step("closed")

    async def leave(self) -> None:
        if self.stream is not None:
            await self.stream.stop()
            self.stream = None
        await super().leave()

    def unmake(self) -> None:
        if self.listener is not None:
            self.listener.close()


class UdpScript(Script):
    """A script over one datagram socket."""

    peer: tuple[Any, ...] | None = None
    connected = False
    told = False

    async def begin(self) -> None:
        self.sock = self.make()
        if self.command["role"] == "server":
            self.bind(self.sock)
            self.told = True
            self.reporter.flush()

    async def do_connect(self, step: dict[str, Any]) -> None:
        assert self.sock is not None
        self.reporter.step("connecting", remote=list(self.target))
        self.sock.connect(self.target)
        self.connected = self.told = True
        self.reporter.step("connected", local=sockets.shown(self.sock.getsockname()), remote=list(self.target))

    async def do_send(self, step: dict[str, Any]) -> None:
        sock = self._open()
        remote = self.target if self.command["role"] == "client" else self.peer
        if remote is None:
            raise OSError(89, "no datagram came yet that could be answered")
        for k in range(step.get("count", 1)):
            octets = payload.octets(step["payload"], k)
            if self.connected:
                await self.loop.sock_sendall(sock, octets) if octets else sock.send(b"")
            else:
                await self.loop.sock_sendto(sock, octets, remote)
                self._tell_local(sock)
            self.reporter.step("sent", octets=len(octets), digest=digest(octets), remote=sockets.shown(remote))

    def _tell_local(self, sock: socket.socket) -> None:
        """The address that the system chose: the port is the socket's, the address that of the route."""
        if self.told:
            return
        self.told = True
        with sockets.make("udp", self.command["address"]) as probe:
            probe.connect(self.target)
            local = [sockets.shown(probe.getsockname())[0], sock.getsockname()[1]]
        self.reporter.step("bound", local=local)

    def _open(self) -> socket.socket:
        if self.sock is None:
            raise OSError(9, "the socket is closed")
        return self.sock

    async def do_receive(self, step: dict[str, Any]) -> None:
        sock = self._open()
        if "quiet" in step:
            await self._quiet(sock, step)
            return
        for _ in range(step.get("count", 1)):
            self._arrived(step, *await self.loop.sock_recvfrom(sock, 65536))

    def _arrived(self, step: dict[str, Any], octets: bytes, remote: tuple[Any, ...]) -> None:
        self.peer = remote
        self.reporter.step("received", octets=len(octets), digest=digest(octets), remote=sockets.shown(remote), **kept(step, octets))

    async def _quiet(self, sock: socket.socket, step: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(step["quiet"] / 1000):
                arrived = await self.loop.sock_recvfrom(sock, 65536)
        except TimeoutError:
            self.reporter.step("quiet")
        else:
            self._arrived(step, *arrived)

    async def do_close(self, step: dict[str, Any]) -> None:
        await self.leave()
