"""The harness's end of the witness: starts the process, hands it the packet sockets, asks it, and says which frames to keep.

Owns the process and the socket to it. Knows hosts and endpoints, no cases. Nothing here waits for the process but ``see`` and ``close``; one
that ends before its time makes all evidence incomplete, and never a verdict wrong.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections import deque
from pathlib import Path
from typing import Protocol

import msgspec

from harness.model.wire import Wire
from harness.network.base import Host
from harness.wire import messages

INTERFACE = "eth0"
FINISH_SECONDS = 10.0
ANSWER_SECONDS = 20.0
_ROOT = Path(__file__).resolve().parent.parent.parent


class Witness(Protocol):
    """Whoever can tell what the wire showed."""

    absent: str
    """Why there is nothing to be seen; empty if there is."""

    async def see(self, ask: messages.Ask) -> Wire:
        """What the wire showed. Never raises."""

    def keep(self, ticket: int, file: str = "", comment: str = "") -> None:
        """Appends the frames of that answer to a capture file, or lets them go."""


class Blind:
    """The witness where there is no wire to watch."""

    def __init__(self, why: str) -> None:
        self.absent = why
        self._wire = Wire(absent=why)

    async def see(self, ask: messages.Ask) -> Wire:
        """Just the reason."""
        return self._wire

    def keep(self, ticket: int, file: str = "", comment: str = "") -> None:
        """Nothing to keep."""


class Link:
    """A living witness."""

    def __init__(self) -> None:
        self.absent = ""
        self.finished: messages.Finished | None = None
        self._ended = ""
        self._count = 0
        self._asked: dict[int, asyncio.Future[Wire]] = {}
        self._out: deque[messages.ToWitness] = deque()
        self._unsent: deque[bytes] = deque()
        self._pieces = messages.Pieces(messages.decode_from_witness)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done: asyncio.Future[None] | None = None
        self._control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.wire.witness", str(far.fileno())],
                cwd=_ROOT, pass_fds=[far.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip

    # -- hosts ------------------------------------------------------------------------------------------------

    def watch(self, host: Host) -> None:
        """Begins to catch all that leaves the host and what arrives there. The socket catches before this returns."""
        from harness.network.netns import inside
        from harness.wire.capture import open_socket

        if host.namespace is None or self.absent:
            return
        try:
            packets = inside(host.namespace, lambda: open_socket(INTERFACE))
        except OSError as error:
            self.absent = f"no packet socket can be had here: {error.strerror or error}"
            return
        with packets, contextlib.suppress(OSError):
            message = messages.encode([messages.Host(host.number, host.name)])
            socket.send_fds(self._control, [message], [packets.fileno()])

    def forget(self, host: Host) -> None:
        """The host is no more."""
        if self._control.fileno() >= 0 and not self._ended:
            self._send(messages.Gone(host.number))

    # -- questions --------------------------------------------------------------------------------------------

    async def see(self, ask: messages.Ask) -> Wire:
        """What the wire showed. Never raises: a witness that is gone makes the evidence incomplete."""
        if self.absent:
            return Wire(absent=self.absent)
        if self._ended:
            return Wire(incomplete=self._ended)
        self._listen()
        self._count += 1
        number = self._count
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        self._send(msgspec.structs.replace(ask, number=number))
        try:
            return await asyncio.wait_for(answer, ANSWER_SECONDS)
        except TimeoutError:
            return Wire(incomplete=f"the capture gave no answer within {ANSWER_SECONDS:.0f} s")
        finally:
            self._asked.pop(number, None)

    def keep(self, ticket: int, file: str = "", comment: str = "") -> None:
        """Appends the frames of that answer to a capture file, or lets them go."""
        if ticket and not self._ended:
            self._send(messages.Keep(ticket, file, comment))

    def _send(self, message: messages.ToWitness) -> None:
        """Queues a message; those of one turn of the event loop leave together."""
        self._out.append(message)
        if self._loop is None:
            self._flush()
        elif len(self._out) == 1:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        if self._control.fileno() < 0:
            return
        self._unsent.extend(messages.packets(self._out))
        try:
            while self._unsent:
                self._control.send(self._unsent[0], socket.MSG_DONTWAIT)
                self._unsent.popleft()
        except BlockingIOError:
            if self._loop:
                self._loop.add_writer(self._control, self._flush)
            return
        except OSError:
            self._unsent.clear()
            self._end()
        if self._loop:
            self._loop.remove_writer(self._control)

    def _listen(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._control, self._hear)

    def _hear(self) -> None:
        for _ in range(64):
            try:
                data = self._control.recv(messages.MAX_PACKET, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._end()
                return
            for message in self._pieces.take(data):
                self._take(message)

    def _take(self, message: messages.FromWitness) -> None:
        if isinstance(message, messages.Finished):
            self.finished = message
            return
        waiting = self._asked.pop(message.number, None)
        if waiting and not waiting.done():
            waiting.set_result(msgspec.structs.replace(message.wire, ticket=message.number))

    def _end(self) -> None:
        """The process is gone, or about to go."""
        self._ended = self._ended or "the capture process ended before its time"
        if self._loop:
            self._loop.remove_reader(self._control)
            self._loop.remove_writer(self._control)
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_result(Wire(incomplete=self._ended))
        if self._done and not self._done.done():
            self._done.set_result(None)

    async def close(self) -> tuple[str, ...]:
        """Ends the process once all files are written; returns what went wrong with it, in sentences. May be called twice."""
        if self._control.fileno() < 0:
            return ()
        if not self._ended:
            self._listen()
            self._done = asyncio.get_running_loop().create_future()
            self._send(messages.Finish())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._done, FINISH_SECONDS)
        if self._loop:
            self._loop.remove_reader(self._control)
            self._loop.remove_writer(self._control)
        self._ended = self._ended or "the capture is closed"
        self._control.close()
        problems = self.finished.problems if self.finished else ()
        last_words = await asyncio.to_thread(self._reap)
        return (*problems, f"the capture process broke off: {last_words}") if last_words else problems

    def _reap(self) -> str:
        """Waits for the process; returns the last line that it logged, if any."""
        try:
            _, log = self._process.communicate(timeout=FINISH_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            _, log = self._process.communicate()
        lines = log.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def cuts(*reports: tuple[int, ...]) -> messages.Cuts:
    """How reports cut a stream, without those that tell nothing."""
    return tuple(r for r in dict.fromkeys(reports) if r)
