"""Scripts over what keeps records apart on one machine: sockets of the Unix domain and POSIX message queues (``machine.md``)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from typing import Any

import payload
import posix_calls as posix
from channels import UnixSocket
from local_names import LOOK_SECONDS, NamedScript, own, unlink
from local_unix import ListeningScript, bound, came_with, credentials, send_with, unix_name
from report import digest
from script import BadCommand, Unsupported, kept, whole
from sockets import Ended, Named, ready

_ROOM = {"messages": 8, "size": 1024}


class RecordScript(NamedScript):
    """What these share: one ``sent`` a record, one ``received`` a record."""

    def created(self) -> None:
        self.reporter.step("created", credentials=own())

    async def do_send(self, step: dict[str, Any]) -> None:
        for k in range(step.get("count", 1)):
            octets = payload.octets(step["payload"], k)
            await self.give(octets, step)
            self.reporter.step("sent", octets=len(octets), digest=digest(octets))

    async def give(self, octets: bytes, step: dict[str, Any]) -> None:
        """Sends one record."""
        raise NotImplementedError

    async def take(self, step: dict[str, Any]) -> tuple[bytes, dict[str, object]]:
        """Receives one, and what else is to be told of it."""
        raise NotImplementedError

    async def do_receive(self, step: dict[str, Any]) -> None:
        if "quiet" in step:
            await self._quiet(step)
            return
        for _ in range(step.get("count", 1)):
            self._arrived(step, *await self.take(step))
        if step.get("until") == "end":
            await self.wait_end(step)

    async def wait_end(self, step: dict[str, Any]) -> None:
        """Waits for the end, where there is one."""
        raise Unsupported(f"over {self.command['transport']} there is no end")

    def _arrived(self, step: dict[str, Any], octets: bytes, more: dict[str, object]) -> None:
        self.reporter.step("received", octets=len(octets), digest=digest(octets), **more, **kept(step, octets))

    async def _quiet(self, step: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(step["quiet"] / 1000):
                arrived = await self.take(step)
        except TimeoutError:
            self.reporter.step("quiet")
        else:
            self._arrived(step, *arrived)

    async def do_close(self, step: dict[str, Any]) -> None:
        await self.leave()


class DatagramScript(RecordScript):
    """A datagram socket of the Unix domain."""

    answers_to: Any = None

    def serve(self) -> None:
        self.sock = bound(self.name, socket.SOCK_DGRAM)
        self.made = True
        self.created()

    def remove(self) -> None:
        unlink(self.name if self.command["role"] == "server" else f"{self.name}.client")

    def _open(self) -> socket.socket:
        if self.sock is None:
            raise OSError(9, "the socket is closed")
        return self.sock

    async def do_connect(self, step: dict[str, Any]) -> None:
        self.sock = bound(f"{self.name}.client", socket.SOCK_DGRAM)
        self.made = True
        self.created()
        self.sock.connect(unix_name(self.name))
        self.answers_to = unix_name(self.name)
        self.reporter.step("connected")

    async def give(self, octets: bytes, step: dict[str, Any]) -> None:
        sock = self._open()
        if self.answers_to is None:
            raise OSError(89, "no datagram came yet that could be answered")
        while True:
            try:
                sock.send(octets) if self.command["role"] == "client" else sock.sendto(octets, self.answers_to)
                return
            except (BlockingIOError, OSError) as error:
                if error.errno not in (errno.EAGAIN, errno.ENOBUFS):
                    raise
            await asyncio.sleep(LOOK_SECONDS)

    async def take(self, step: dict[str, Any]) -> tuple[bytes, dict[str, object]]:
        sock = self._open()
        octets, sender = await self.loop.sock_recvfrom(sock, 262144)
        self.answers_to = sender if self.command["role"] == "server" else self.answers_to
        return octets, {}


class SeqpacketScript(ListeningScript, RecordScript):
    """A connection of records of the Unix domain."""

    kind = socket.SOCK_SEQPACKET
    channel: UnixSocket | None = None

    def _found(self, sock: socket.socket, name: str, step: dict[str, Any]) -> None:
        self.sock = self.channel = UnixSocket(sock)  # type: ignore[assignment]
        self.reporter.step(name, **credentials(self.channel, step))

    async def do_connect(self, step: dict[str, Any]) -> None:
        self._found(await self.connection(), "connected", step)

    async def do_accept(self, step: dict[str, Any]) -> None:
        self._found(await self.accepted(), "accepted", step)

    def _talking(self) -> UnixSocket:
        if self.channel is None or self.sock is None:
            raise OSError(107, "there is no connection")
        return self.channel

    async def give(self, octets: bytes, step: dict[str, Any]) -> None:
        channel = self._talking()
        if "descriptor" in step:
            await send_with(channel, octets, step["descriptor"])
        else:
            await channel.send_rest(memoryview(octets))

    async def take(self, step: dict[str, Any]) -> tuple[bytes, dict[str, object]]:
        channel = self._talking()
        octets = await channel.receive()
        if not octets:
            self.reporter.step("end")
            raise Ended("the connection ended")
        if not step.get("descriptor"):
            return octets, {}
        if not channel.descriptors:
            raise Ended("no descriptor came with it")
        return octets, came_with(channel)

    async def wait_end(self, step: dict[str, Any]) -> None:
        octets = await self._talking().receive()
        if octets:
            self._arrived(step, octets, {})
            raise OSError(0, "another record came where the end was expected")
        self.reporter.step("end")

    async def do_half_close(self, step: dict[str, Any]) -> None:
        self._talking().shutdown(socket.SHUT_WR)
        self.reporter.step("half-closed")


class QueueScript(RecordScript):
    """Two message queues, one a direction."""

    sending: posix.Queue | None = None
    receiving: posix.Queue | None = None

    def check(self) -> None:
        super().check()
        room = {**_ROOM, **self.command.get("room", {})}
        if not all(isinstance(room[m], int) and room[m] > 0 for m in _ROOM):
            raise BadCommand("'room' has 'messages' and 'size', whole numbers from 1 on")
        self.room = (room["messages"], room["size"])
        for step in self.command["steps"]:
            whole(step, "priority", needed=False)
            whole(step, "messages", needed=False)

    def created(self) -> None:
        self.reporter.step("created")

    def serve(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        self.receiving = posix.Queue(f"{self.name}-up", flags, self.room)
        self.made = True
        try:
            self.sending = posix.Queue(f"{self.name}-down", flags, self.room)
        except OSError:
            posix.mq_unlink(f"{self.name}-up")
            self.made = False
            self._close_both()
            raise
        self.sock = _Both(self)  # type: ignore[assignment]
        self.created()

    def remove(self) -> None:
        if self.command["role"] == "server":
            for way in ("-up", "-down"):
                with contextlib.suppress(FileNotFoundError):
                    posix.mq_unlink(self.name + way)

    def _close_both(self) -> None:
        for queue in (self.sending, self.receiving):
            if queue is not None:
                queue.close()
        self.sending = self.receiving = None

    async def do_connect(self, step: dict[str, Any]) -> None:
        self.created()
        self.sock = _Both(self)  # type: ignore[assignment]
        self.sending = posix.Queue(f"{self.name}-up", os.O_RDWR)
        self.receiving = posix.Queue(f"{self.name}-down", os.O_RDWR)
        self.reporter.step("connected")

    async def give(self, octets: bytes, step: dict[str, Any]) -> None:
        queue = self._open(self.sending)
        while True:
            try:
                queue.send(octets, step.get("priority", 0))
                return
            except OSError as error:
                if error.errno == errno.EMSGSIZE:
                    raise Named("too-large", error.strerror) from None
                if error.errno != errno.EAGAIN:
                    raise
                if step.get("now"):
                    raise Named("full", error.strerror) from None
            await ready(queue.fd, writing=True)

    async def take(self, step: dict[str, Any]) -> tuple[bytes, dict[str, object]]:
        queue = self._open(self.receiving)
        while True:
            try:
                octets, priority = queue.receive()
                return octets, {"priority": priority}
            except BlockingIOError as error:
                if step.get("now"):
                    raise Named("empty", error.strerror) from None
            await ready(queue.fd, writing=False)

    @staticmethod
    def _open(queue: posix.Queue | None) -> posix.Queue:
        if queue is None:
            raise OSError(9, "the queue is closed")
        return queue

    async def do_wait(self, step: dict[str, Any]) -> None:
        if "messages" not in step:
            await super().do_wait(step)
            return
        while self._open(self.receiving).held < step["messages"]:
            await asyncio.sleep(LOOK_SECONDS)


class _Both:
    """Both queues of a script, as what is closed at its end."""

    def __init__(self, script: QueueScript) -> None:
        self._script = script

    def close(self) -> None:
        """Closes both."""
        self._script._close_both()
