"""Scripts over the streams of one machine: sockets of the Unix domain, FIFOs, pipes, shared memory (``machine.md``).

Owns how each is named, opened and removed. The steps themselves are those of TCP.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from pathlib import Path
from typing import Any

import payload
import posix_calls as posix
import sockets
from channels import Ends, Ring, UnixSocket, map_memory, pass_descriptors
from local_names import LOOK_SECONDS, NamedScript, own, unlink
from local_unix import ListeningScript, came_with, credentials, send_with
from report import digest
from script import BadCommand, TcpScript, Unsupported
from stream import Stream

MAX_DESCRIPTOR_OCTETS = 4096
DEFAULT_RING = 65_536


class ChannelStream(Stream):
    """A stream over what is no socket of the loop's own."""

    async def _receive(self) -> bytes:
        return await self.sock.receive()  # type: ignore[attr-defined,no-any-return]

    async def _send_rest(self, octets: memoryview[Any]) -> None:
        await self.sock.send_rest(octets)  # type: ignore[attr-defined]


class LocalScript(NamedScript, TcpScript):
    """What these share: the opening of a channel."""

    listens = True

    def check(self) -> None:
        super().check()
        if any(step["do"] == "reset" for step in self.command["steps"]):
            raise Unsupported("there is no reset but over TCP")
        for step in self.command["steps"]:
            if "descriptor" in step and not isinstance(self, UnixScript):
                raise Unsupported(f"no descriptors are passed over {self.command['transport']}")
            if isinstance(step.get("descriptor"), dict) and len(payload.octets(step["descriptor"])) > MAX_DESCRIPTOR_OCTETS:
                raise BadCommand(f"a passed descriptor holds at most {MAX_DESCRIPTOR_OCTETS} octets")

    def opened(self, channel: Any, name: str, **members: object) -> None:
        """The connection stands."""
        self.sock = channel
        self.reporter.step(name, **members)
        self.stream = ChannelStream(channel, self.command.get("reading", "eager") == "eager")


class UnixScript(ListeningScript, LocalScript):
    """A stream socket of the Unix domain."""

    def created(self) -> None:
        self.reporter.step("created", credentials=own())

    def _found(self, channel: UnixSocket, name: str, step: dict[str, Any]) -> None:
        self.opened(channel, name, **credentials(channel, step))

    async def do_connect(self, step: dict[str, Any]) -> None:
        self._found(UnixSocket(await self.connection()), "connected", step)

    async def do_accept(self, step: dict[str, Any]) -> None:
        self._found(UnixSocket(await self.accepted()), "accepted", step)

    async def do_send(self, step: dict[str, Any]) -> None:
        if "descriptor" not in step:
            await super().do_send(step)
            return
        channel, stream = self._talking()
        octets = payload.octets(step["payload"])
        count = await send_with(channel, octets, step["descriptor"])  # type: ignore[arg-type]
        await stream.send(octets[count:])
        self.reporter.step("sent", octets=len(octets), digest=digest(octets))

    async def _received(self, stream: Stream, step: dict[str, Any]) -> dict[str, object]:
        if not step.get("descriptor"):
            return {}
        channel, _ = self._talking()
        while not channel.descriptors:
            await stream.more()
        return came_with(channel)  # type: ignore[arg-type]


class PipeScript(ListeningScript, LocalScript):
    """Anonymous pipes, handed over a socket of the Unix domain."""

    async def do_accept(self, step: dict[str, Any]) -> None:
        sock = await self.accepted()
        up, up_end = os.pipe()
        down_end = down = None
        if self.command.get("joined"):
            down = os.dup(up_end)
        else:
            down_end, down = os.pipe()
        with sock:
            pass_descriptors(sock, [end for end in (down_end, up_end) if end is not None])
        for end in (down_end, up_end):
            if end is not None:
                os.close(end)
        self.opened(Ends(up, down), "accepted")

    async def do_connect(self, step: dict[str, Any]) -> None:
        channel = UnixSocket(await self.connection())
        try:
            while not channel.descriptors:
                if not await channel.receive():
                    raise sockets.Ended("no pipe came")
            ends, channel.descriptors = channel.descriptors, []
        finally:
            channel.close()
        self.opened(Ends(ends[0] if len(ends) > 1 else None, ends[-1]), "connected")


class FifoScript(LocalScript):
    """Two named FIFOs. Opens never wait in the system: a reader's succeeds at once, a writer's is tried until there is a reader (open(2), ENXIO)."""

    def serve(self) -> None:
        for way in (".up", ".down"):
            os.mkfifo(self.name + way, 0o600)
            self.made = True
        self.created()

    def remove(self) -> None:
        for way in (".up", ".down"):
            unlink(self.name + way)

    async def do_accept(self, step: dict[str, Any]) -> None:
        reading = _open_reading(self.name + ".up")
        await self._open_writing(".down", reading, "accepted")

    async def do_connect(self, step: dict[str, Any]) -> None:
        self.sock = Ends(None, None)  # type: ignore[assignment]
        self.created()
        self.reporter.step("connecting")
        await self._open_writing(".up", None, "connected")

    async def _open_writing(self, way: str, reading: int | None, name: str) -> None:
        try:
            writing = await _writer(self.name + way)
        except BaseException:
            if reading is not None:
                os.close(reading)
            raise
        self.opened(Ends(_open_reading(self.name + ".down") if reading is None else reading, writing), name)


def _open_reading(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)


async def _writer(path: str) -> int:
    """The writing end, once somebody has opened the other. Raises ``OSError``."""
    if not stat.S_ISFIFO(Path(path).stat().st_mode):
        raise OSError(22, "it is no FIFO")
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != 6:
                raise
        await asyncio.sleep(LOOK_SECONDS)


class MemoryScript(LocalScript):
    """Two rings in one shared memory object."""

    def check(self) -> None:
        super().check()
        capacity = self.command.get("room", {}).get("octets", DEFAULT_RING)
        if not isinstance(capacity, int) or capacity < 1:
            raise BadCommand("'room' has 'octets', a whole number from 1 on")
        self.capacity = capacity

    def serve(self) -> None:
        memory = map_memory(self.name, os.O_RDWR | os.O_CREAT | os.O_EXCL, Ring.HEAD + 2 * self.capacity)
        self.made = True
        self._ring: Ring | None = Ring(memory, self.capacity, 1)
        self.created()
        self._ring.store(0, self.capacity)

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            posix.shm_unlink(self.name)
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    async def do_accept(self, step: dict[str, Any]) -> None:
        ring = self._ring
        if ring is None:
            raise Unsupported("a second connection over one shared memory object")
        while not ring.word(64):
            await asyncio.sleep(LOOK_SECONDS / 2)
        self._ring = None
        self.opened(ring, "accepted")

    async def do_connect(self, step: dict[str, Any]) -> None:
        self.sock = Ends(None, None)  # type: ignore[assignment]
        self.created()
        ring = await self._attached()
        ring.store(64, 1)
        self.opened(ring, "connected")

    async def _attached(self) -> Ring:
        """The server's memory, once it is laid out. It is mapped again until it has its size."""
        while True:
            with contextlib.suppress(ValueError):  # it has no size yet
                memory = map_memory(self.name, os.O_RDWR)
                capacity = int.from_bytes(memory[:8], "little")
                if capacity and len(memory) >= Ring.HEAD + 2 * capacity:
                    return Ring(memory, capacity, 0)
                memory.close()
            await asyncio.sleep(LOOK_SECONDS / 2)
