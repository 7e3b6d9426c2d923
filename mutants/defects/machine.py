"""What goes wrong between two processes of one machine (``peers/machine.md``)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import Any

import channels
import local_records
import local_signals
import local_streams
import posix_calls as posix
import services
from report import digest

from .base import defect


def _told(script: Any, octets: bytes) -> None:
    script.reporter.step("sent", octets=len(octets), digest=digest(octets))


# -- sockets of the Unix domain -------------------------------------------------------------------------------


@defect("posix-stream-drops-an-octet")
class DropsAnOctet(channels.UnixSocket):
    """Leaves octet 100 out of what it sends."""

    def send(self, octets: bytes) -> int:
        return super().send(octets) if len(octets) < 1000 else super().send(octets[:100] + octets[101:]) + 1


@defect("posix-record-is-cut")
class CutsRecords(local_records.SeqpacketScript):
    """Sends a record of more than 8000 octets as two."""

    async def give(self, octets: bytes, step: dict[str, Any]) -> None:
        for at in range(0, len(octets), 8000):
            await super().give(octets[at : at + 8000], step)


@defect("posix-datagram-is-cut")
class CutsDatagrams(local_records.DatagramScript):
    """Answers without the last octet."""

    async def give(self, octets: bytes, step: dict[str, Any]) -> None:
        await super().give(octets[:-1] if self.command["role"] == "server" else octets, step)


@defect("posix-half-close-does-nothing")
class NoHalfClose(local_streams.UnixScript):
    """Reports to have half-closed, and does not."""

    async def do_half_close(self, step: dict[str, Any]) -> None:
        self.reporter.step("half-closed")


@defect("posix-missing-is-refused")
class MissingIsRefused(local_streams.UnixScript):
    """Tells of a name that is not there that it refuses."""

    async def do_connect(self, step: dict[str, Any]) -> None:
        try:
            await super().do_connect(step)
        except FileNotFoundError as error:
            raise ConnectionRefusedError(111, "Connection refused") from error


@defect("posix-epipe-is-swallowed")
class SwallowsEpipe(local_streams.UnixScript):
    """Takes no notice of an EPIPE."""

    async def _send(self, step: dict[str, Any], octets: bytes) -> None:
        with contextlib.suppress(OSError):
            await super()._send(step, octets)
            return
        _told(self, octets)


@defect("posix-descriptor-of-another-file")
class AnotherDescriptor(channels.UnixSocket):
    """Passes a descriptor of /dev/null instead."""

    async def send_with(self, octets: bytes, descriptor: int) -> int:
        null = os.open("/dev/null", os.O_RDONLY)
        try:
            return await super().send_with(octets, null)
        finally:
            os.close(null)


@defect("posix-abstract-name-is-a-path")
class AbstractIsAPath(local_streams.UnixScript):
    """Takes an abstract name for a path."""

    def serve(self) -> None:
        self.command["address"] = f"./{self.name[1:]}" if self.name.startswith("@") else self.name
        super().serve()


@defect("posix-own-credentials")
class OwnCredentials(channels.UnixSocket):
    """Tells its own credentials as those of the other side."""

    def credentials(self) -> dict[str, int]:
        return local_streams.own()


# -- pipes and FIFOs ------------------------------------------------------------------------------------------


@defect("posix-pipe-last-in-first-out")
class LastInFirstOut(channels.Ends):
    """Hands the second half of what it reads over before the first."""

    async def receive(self) -> bytes:
        octets = await super().receive()
        return octets[len(octets) // 2 :] + octets[: len(octets) // 2]


@defect("posix-pipe-keeps-an-end")
class KeepsAnEnd(channels.Ends):
    """Keeps a copy of its writing end open: nobody sees an end."""

    def shutdown(self, how: int) -> None:
        if self._writing is not None:
            os.dup(self._writing)
        super().shutdown(how)


@defect("posix-pipe-epipe-is-swallowed")
class SwallowsPipesEpipe(channels.Ends):
    """Takes no notice of an EPIPE."""

    def send(self, octets: bytes) -> int:
        try:
            return super().send(octets)
        except BrokenPipeError:
            return len(octets)

    async def send_rest(self, octets: memoryview[Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            await super().send_rest(octets)


@defect("posix-pipe-writes-in-two")
class WritesInTwo(local_streams.PipeScript):
    """Makes two writes of each, with a pause between them."""

    async def _send(self, step: dict[str, Any], octets: bytes) -> None:
        half = len(octets) // 2
        await super()._send({**step, "writes": [half, len(octets) - half], "gap": 1}, octets)


@defect("posix-pipe-drops-what-does-not-fit")
class DropsWhatDoesNotFit(channels.Ends):
    """Gives up what the pipe has no room for."""

    async def send_rest(self, octets: memoryview[Any]) -> None:
        return


@defect("posix-fifo-does-not-wait")
class DoesNotWait(local_streams.FifoScript):
    """Opens a FIFO for reading and writing, which waits for nobody."""

    async def do_connect(self, step: dict[str, Any]) -> None:
        self.created()
        ends = [os.open(self.name + way, os.O_RDWR | os.O_NONBLOCK) for way in (".down", ".up")]
        self.opened(channels.Ends(*ends), "connected")


@defect("posix-fifo-makes-what-is-missing")
class MakesFifos(local_streams.FifoScript):
    """Makes the FIFO that is not there."""

    async def do_connect(self, step: dict[str, Any]) -> None:
        for way in (".up", ".down"):
            if not Path(self.name + way).exists():
                os.mkfifo(self.name + way)
        await super().do_connect({**step, "within": 300})


# -- shared memory --------------------------------------------------------------------------------------------


@defect("posix-ring-does-not-wrap")
class DoesNotWrap(channels.Ring):
    """Stores the octets behind the end of its ring."""

    def _copy_in(self, start: int, octets: bytes) -> None:
        base = self.HEAD + self._mine * self._capacity + start
        octets = octets[: len(self._memory) - base]
        self._memory[base : base + len(octets)] = octets


@defect("posix-memory-makes-what-is-missing")
class MakesMemory(local_streams.MemoryScript):
    """Makes the object that is not there."""

    async def do_connect(self, step: dict[str, Any]) -> None:
        os.close(posix.shm_open(self.name, os.O_RDWR | os.O_CREAT))
        try:
            async with asyncio.timeout(0.3):
                await super().do_connect(step)
        finally:
            posix.shm_unlink(self.name)


# -- message queues -------------------------------------------------------------------------------------------


@defect("posix-message-is-cut")
class CutsMessages(posix.Queue):
    """Leaves the last octet of a long message out."""

    def send(self, octets: bytes, priority: int) -> None:
        super().send(octets[:-1] if len(octets) > 1000 else octets, priority)


@defect("posix-priority-is-forgotten")
class NoPriority(posix.Queue):
    """Sends every message with priority 0."""

    def send(self, octets: bytes, priority: int) -> None:
        super().send(octets, 0)


class _Drops(posix.Queue):
    def send(self, octets: bytes, priority: int) -> None:
        with contextlib.suppress(BlockingIOError):
            super().send(octets, priority)


@defect("posix-full-queue-loses")
class FullQueueLoses(_Drops):
    """Drops what a full queue has no room for."""


@defect("posix-full-queue-is-waited-for")
class WaitsForRoom(local_records.QueueScript):
    """Waits at a full queue though it was told not to."""

    async def give(self, octets: bytes, step: dict[str, Any]) -> None:
        await super().give(octets, {k: v for k, v in step.items() if k != "now"})


@defect("posix-empty-queue-is-waited-for")
class WaitsForMessages(local_records.QueueScript):
    """Waits at an empty queue though it was told not to."""

    async def take(self, step: dict[str, Any]) -> tuple[bytes, dict[str, object]]:
        return await super().take({k: v for k, v in step.items() if k != "now"})


@defect("posix-large-message-is-cut")
class CutsLargeMessages(posix.Queue):
    """Cuts a message to what the queue takes."""

    def send(self, octets: bytes, priority: int) -> None:
        super().send(octets[: self._size], priority)


@defect("posix-queue-makes-what-is-missing")
class MakesQueues(posix.Queue):
    """Makes the queue that is not there."""

    def __init__(self, name: str, flags: int, room: tuple[int, int] | None = None) -> None:
        super().__init__(name, flags | os.O_CREAT, room or (8, 1024))
        if not flags & os.O_CREAT and name.endswith("-down"):
            for way in ("-up", "-down"):
                with contextlib.suppress(OSError):
                    posix.mq_unlink(name.removesuffix("-down") + way)


# -- signals --------------------------------------------------------------------------------------------------


class _Sends(local_signals.SignalScript):
    """``change`` says what is sent instead of each signal: its name and value, or None for nothing."""

    def change(self, name: str, value: int | None) -> tuple[str, int | None] | None:
        raise NotImplementedError

    async def do_send(self, step: dict[str, Any]) -> None:
        reporter, self.reporter = self.reporter, _Mute()
        changed = self.change(step["signal"], step.get("value"))
        try:
            if changed is not None:
                await super().do_send({"do": "send", "signal": changed[0], **({} if changed[1] is None else {"value": changed[1]})})
        finally:
            self.reporter = reporter
        reporter.step("sent", signal=step["signal"], **({"value": step["value"]} if "value" in step else {}))


class _Mute:
    def step(self, name: str, **members: object) -> None:
        """Nothing."""


@defect("posix-signal-is-not-sent")
class NotSent(_Sends):
    """Reports a HUP as sent, and sends none."""

    def change(self, name: str, value: int | None) -> tuple[str, int | None] | None:
        return None if name == "HUP" else (name, value)


@defect("posix-missing-process-is-no-error")
class NoSuchProcess(_Sends):
    """Takes no notice of it that there is no such process."""

    def change(self, name: str, value: int | None) -> tuple[str, int | None] | None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(self.command["address"]), 0)
            return name, value
        return None


@defect("posix-value-is-forgotten")
class NoValue(_Sends):
    """Queues every signal with the value 0."""

    def change(self, name: str, value: int | None) -> tuple[str, int | None] | None:
        return name, None if value is None else 0


@defect("posix-queued-signals-become-one")
class OneOfEach(local_signals.SignalScript):
    """Keeps one of the signals that are pending more than once."""

    def _tell(self, found: tuple[int, int, int | None]) -> None:
        super()._tell(found)
        self.arrived = [a for a in self.arrived if a[0] != found[0]]

    async def _more(self) -> None:
        await super()._more()
        with contextlib.suppress(BlockingIOError):
            while True:
                self.arrived.append(posix.siginfo(os.read(self.fd, posix.SIGINFO_OCTETS)))


@defect("posix-highest-signal-first")
class HighestFirst(local_signals.SignalScript):
    """Delivers the highest number first."""

    async def _more(self) -> None:
        await super()._more()
        with contextlib.suppress(BlockingIOError):
            while True:
                self.arrived.append(posix.siginfo(os.read(self.fd, posix.SIGINFO_OCTETS)))
        self.arrived.sort(key=lambda one: -one[0])


@defect("posix-blocked-signal-is-delivered")
class BlocksNothing(local_signals.SignalScript):
    """Reports signals as blocked, and delivers them."""

    async def do_block(self, step: dict[str, Any]) -> None:
        self._take_in()
        self.reporter.step("blocked")


# -- loopback -------------------------------------------------------------------------------------------------


@defect("posix-loopback-is-one-address")
class OneLoopback(services.TcpService):
    """Listens at 127.0.0.1, whatever address of the loopback it was given."""

    def _listen(self) -> socket.socket:
        if self._address[0].startswith("127."):
            self._address = ("127.0.0.1", self._address[1])
        return super()._listen()
