"""The witness: a process of its own that drains the rings of all hosts, and says what the wire showed of a conversation.

It is a process so that nothing else that the harness does can make it miss frames. Owns the rings, the frames not yet asked for, and the
capture files. Knows endpoints and times, no cases. It ends when its socket does.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import struct
import sys
import time
from collections import OrderedDict, deque
from pathlib import Path
from typing import BinaryIO

import msgspec

from harness.bound import binder
from harness.model.wire import SHOWN_FRAMES, Frame, Wire
from harness.wire import messages, observe
from harness.wire.clock import wall_ahead
from harness.wire.gathering import Gathering
from harness.wire.hosts import BUSY_SECONDS, IDLE_SECONDS, Hosts
from harness.wire.pcapng import Writer
from harness.wire.shelf import Shelf, Shelved

TIDY_SECONDS = 1.0
MAX_OPEN_FILES = 64
_DESCRIPTOR = struct.Struct("i")
_ROOM_FOR_ONE = socket.CMSG_SPACE(_DESCRIPTOR.size)


class Witness:
    """The state of the process; ``step`` does what there is to do."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._hosts = Hosts()
        self._shelf = Shelf()
        self._waiting: deque[tuple[float, messages.Ask]] = deque()
        self._answered: OrderedDict[int, list[Shelved]] = OrderedDict()
        self._files = _Files()
        self._tidied = time.monotonic()
        self._frames = 0
        self._out: deque[messages.FromWitness] = deque()
        self._unsent: deque[bytes] = deque()
        self._pieces = messages.Pieces(messages.decode_to_witness)

    def serve(self) -> None:
        """Goes on until the socket ends or ``Finish`` comes."""
        pause = IDLE_SECONDS
        while True:
            ready, _, _ = select.select([self._control], [], [], 0 if self._waiting and pause == BUSY_SECONDS else pause)
            if ready and not self._listen():
                return
            pause = BUSY_SECONDS if self.drain() or self._waiting or self._unsent else IDLE_SECONDS
            self._answer_waiting()
            self._speak()
            if self._waiting and not ready:
                time.sleep(0.001)
            if time.monotonic() - self._tidied > TIDY_SECONDS:
                self._tidied = time.monotonic()
                self._shelf.tidy(time.time_ns())

    def drain(self) -> int:
        """Files what all rings hold; says how many frames that were."""
        before, put = self._frames, self._shelf.put
        for number, nanoseconds, left, frame in self._hosts.take():
            put(number, nanoseconds, left, frame)
            self._frames += 1
        return self._frames - before

    # -- messages ---------------------------------------------------------------------------------------------

    def _listen(self) -> bool:
        """Takes the messages that are there; False at the end."""
        for _ in range(64):
            try:
                data, ancillary, _, _ = self._control.recvmsg(messages.MAX_PACKET, _ROOM_FOR_ONE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return True
            if not data:
                return False
            # what comes with a socket comes by itself, also between pieces
            told = messages.decode_to_witness(data) if ancillary else self._pieces.take(data)
            if not all(self._obey(message, ancillary) for message in told):
                return False
        return True

    def _obey(self, message: messages.ToWitness, ancillary: list[tuple[int, int, bytes]]) -> bool:
        if isinstance(message, messages.Ask):
            self._waiting.append((time.monotonic() + message.wait / 1000, message))
        elif isinstance(message, messages.Keep):
            frames = self._answered.pop(message.number, [])
            if message.file and frames:
                self._files.write(message.file, frames, self._hosts.names, message.comment)
        elif isinstance(message, messages.Host):
            packets = socket.socket(fileno=_DESCRIPTOR.unpack_from(ancillary[0][2])[0])
            self._hosts.add(message.number, message.name, packets)
        elif isinstance(message, messages.Gone):
            self._hosts.remove(message.number)
        else:
            self._finish()
            return False
        return True

    def _finish(self) -> None:
        self.drain()
        dropped = self._hosts.close()
        problems = self._files.close()
        self._control.setblocking(True)
        self._out.append(messages.Finished(self._frames, dropped, problems))
        for packet in (*self._unsent, *messages.packets(self._out)):
            self._control.send(packet)

    def _speak(self) -> None:
        """Sends what there is room for: the rings do not wait for a harness that does not listen."""
        self._unsent.extend(messages.packets(self._out))
        with contextlib.suppress(BlockingIOError):
            while self._unsent:
                self._control.send(self._unsent[0], socket.MSG_DONTWAIT)
                self._unsent.popleft()

    # -- answers ----------------------------------------------------------------------------------------------

    def _answer_waiting(self) -> None:
        now = time.monotonic()
        for _ in range(len(self._waiting)):
            deadline, ask = self._waiting.popleft()
            if now < deadline and not self._settled(ask):
                self._waiting.append((deadline, ask))
                continue
            self._answer(ask)

    def _settled(self, ask: messages.Ask) -> bool:
        """Whether what is asked for looks complete: datagrams are on the wire before the call that sends them returns."""
        if ask.transport == "udp":
            return True
        bundles = [self._shelf.stream(client, ask.server) for client in ask.clients]
        return bool(bundles) and all(b is not None and b.ended() for b in bundles)

    def _answer(self, ask: messages.Ask) -> None:
        """Observes, and keeps the frames until it is told what to do with them."""
        clock = wall_ahead()
        frames: list[Frame] = []
        if ask.transport == "udp":
            taken = self._shelf.take_datagrams(ask.clients[0], ask.since, ask.until) if ask.clients else []
            shelved = [s for s in taken if s[1] in ask.hosts]  # what goes to a group comes to others, too
            found, errors, frames = observe.datagrams(_entries(shelved, clock), ask.clients[0], ask.talk) if ask.clients else ((), (), frames)
            wire = Wire(datagrams=found, errors=errors)
        else:
            gathered = Gathering(self._shelf, ask, clock)
            gathered.all()
            frames, shelved = gathered.frames, gathered.shelved
            wire = Wire(flows=(*gathered.flows, *gathered.data))
        total = len(shelved)
        shown = _shown(frames) if ask.shown else ()
        wire = msgspec.structs.replace(wire, frames=shown, total_frames=total, incomplete=self._incomplete(ask))
        self._answered[ask.number] = shelved
        while len(self._answered) > 4096:
            self._answered.popitem(last=False)
        self._out.append(messages.Answer(ask.number, wire))

    def _incomplete(self, ask: messages.Ask) -> str:
        """Why what was seen since then may not be all; empty if it is."""
        lost = ask.stepped or self._hosts.lost(ask.hosts, ask.since)
        if lost:
            return lost
        return "frames were let go for want of memory" if self._shelf.crowded_at >= ask.since else ""


def _entries(shelved: list[Shelved], clock: int) -> list[observe.Entry]:
    return [((nanoseconds - clock) // 1000, left, frame) for nanoseconds, _, left, frame in shelved]


def _shown(frames: list[Frame]) -> tuple[Frame, ...]:
    if len(frames) <= SHOWN_FRAMES:
        return tuple(frames)
    end = SHOWN_FRAMES // 4
    return (*frames[: SHOWN_FRAMES - end], *frames[-end:])


class _Files:
    """Capture files that are open, each with an interface a host. A full disk costs captures, never verdicts."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[BinaryIO, Writer, dict[int, int]]] = OrderedDict()
        self._begun: set[str] = set()
        self._problems: dict[str, str] = {}

    def write(self, name: str, frames: list[Shelved], hosts: dict[int, str], comment: str) -> None:
        """Appends frames as they left their hosts, in the order of time; the first carries the comment."""
        if name in self._problems:
            return
        try:
            _, writer, interfaces = self._opened(name)
            for nanoseconds, host, left, frame in sorted(frames):
                if left:
                    if host not in interfaces:
                        interfaces[host] = writer.interface(hosts.get(host, f"host {host}"))
                    writer.frame(interfaces[host], nanoseconds, frame, outgoing=True, comment=comment)
                    comment = ""
        except OSError as error:
            self._problems[name] = f"{name}: {error.strerror}"

    def _opened(self, name: str) -> tuple[BinaryIO, Writer, dict[int, int]]:
        known = self._open.get(name)
        if known is not None:
            self._open.move_to_end(name)
            return known
        while len(self._open) >= MAX_OPEN_FILES:
            self._open.popitem(last=False)[1][0].close()
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab" if name in self._begun else "wb", buffering=1 << 16)
        self._begun.add(name)
        self._open[name] = (file, Writer(file), {})  # a second section, where a file is opened again
        return self._open[name]

    def close(self) -> tuple[str, ...]:
        """Closes all; says which could not be written."""
        for name, (file, _, _) in self._open.items():
            try:
                file.close()
            except OSError as error:
                self._problems.setdefault(name, f"{name}: {error.strerror}")
        self._open.clear()
        return tuple(self._problems.values())


def main(descriptor: int) -> None:
    """The process: ``descriptor`` is its end of a sequenced-packet socket pair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the harness, which ends this one when it is done
    bind = binder()
    if bind:
        bind()
    with contextlib.suppress(OSError):  # an ordinary user may not, and does without
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    sys.setswitchinterval(0.001)  # seconds: the rings do not wait long for whatever else goes on
    gc.freeze()
    gc.set_threshold(200_000, 50, 1000)  # frames are many and short-lived, and nothing here makes circles
    with socket.socket(fileno=descriptor) as control:
        Witness(control).serve()


if __name__ == "__main__":
    main(int(sys.argv[1]))
