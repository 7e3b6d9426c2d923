"""One living peer: handshake, commands out, events in, and what it means when it breaks off.

Owns the routing of events to whoever waits for them. Knows nothing of cases, verdicts or how the process was made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from harness.errors import ContractError
from harness.launch.base import Launcher, Process
from harness.model.trace import Address
from harness.peer import contract
from harness.peer.build import Built
from harness.run.service import Activity, Service

HELLO_SECONDS = 20.0
END_SECONDS = 2.0
FLUSH_SECONDS = 5.0
MAX_LOG = 16 * 1024 * 1024
MAX_FINISHED = 20_000
MAX_STEPS = 100_000
"""Steps of one conversation: beyond this a peer floods."""


class LivePeer:
    """A started peer. ``place`` is where it runs (its role in the matrix); ``at`` is where it serves if nobody has to ask it to;
    ``on_end`` is called once when it is no more; ``shares``: what it has in common with others on one machine, empty: it has a host of its own.
    """

    slower = 1.0
    """Whatever it does may take so many times longer."""

    def __init__(self, built: Built, place: str, log: Callable[[bytes], None], on_end: Callable[[LivePeer], None], shares: str = "") -> None:
        self.name = built.manifest.name
        self.place = place
        self.at: Address | None = None
        self.hello: contract.Event | None = None
        self.trouble = ""
        self.says = ""
        self.offset = 0
        self.incidents: list[str] = []
        self.services: dict[tuple[str, str, str], asyncio.Future[str]] = {}
        self.ports: dict[tuple[str, str], int] = {}
        """By service and address, where it is reached over UDP and TCP alike."""
        self.controls: dict[tuple[str, str], asyncio.Future[Any]] = {}
        self.busy = 0
        self.busy_at_end = 0
        self._built = built
        self.slower = built.manifest.platform.slower if built.manifest.platform else 1.0
        self._shares = shares
        self._on_end = on_end
        self._log = log
        self._logged = 0
        self._tail = b""
        self._decoder = contract.LineDecoder()
        self._activities: dict[str, Activity] = {}
        self._finished: dict[str, None] = {}
        self._flushes: dict[str, asyncio.Future[None]] = {}
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._process: Process | None = None
        self._out: list[bytes] = []
        self._count = 0
        self._leaving = False

    # -- life -------------------------------------------------------------------------------------------------

    async def start(self, launcher: Launcher) -> None:
        """Starts and greets. Raises ``LaunchError``, ``NetworkError`` or ``ContractError``."""
        self._process = await launcher.start(self._built, self.place, self._output, self._errors, self._exit, self._shares)
        self._process.write(contract.HELLO)
        try:
            await asyncio.wait_for(asyncio.shield(self._greeted), HELLO_SECONDS * self.slower)
        except TimeoutError:
            self._break("silent", f"it did not say hello within {HELLO_SECONDS * self.slower:.0f} s")
        if not self.alive or self.hello is None:
            await self.end()
            raise ContractError(f"peer {self.name}: {self.says}")
        self.offset = time.monotonic_ns() // 1000 - self.hello.t

    @property
    def alive(self) -> bool:
        """Whether it may still be spoken to."""
        return not self.trouble and not self._leaving

    @property
    def silent(self) -> bool:
        """Whether it cannot tell what its services do: a program serves, and only a stand-in keeps the contract."""
        return self._built.manifest.program

    @property
    def host(self) -> Any:
        """The host it runs on."""
        assert self._process is not None
        return self._process.host

    async def end(self) -> None:
        """Ends it: by the end of its input, and after two seconds without asking."""
        self._leaving = True
        if self._process is None:
            return
        self._process.end_input()
        try:
            await asyncio.wait_for(self._process.gone(), END_SECONDS * self.slower)
        except TimeoutError:
            self.incidents.append(f"it did not end within {END_SECONDS * self.slower:.0f} s of the end of its input")
            self._process.kill()
            await self._process.gone()

    # -- commands ---------------------------------------------------------------------------------------------

    def new_id(self, kind: str) -> str:
        """An id that this peer has not seen."""
        self._count += 1
        return f"{kind}{self._count}"

    def watch(self, id_: str, activity: Activity) -> None:
        """Events for ``id_`` go to ``activity`` from now on."""
        self._activities[id_] = activity

    def activity(self, id_: str) -> Activity:
        """What ``watch`` was given for ``id_``."""
        return self._activities[id_]

    def forget(self, id_: str) -> None:
        """What still comes for ``id_`` is late, not foreign: it is dropped in silence."""
        if self._activities.pop(id_, None) is not None:
            self._finished[id_] = None
            if len(self._finished) > MAX_FINISHED:
                del self._finished[next(iter(self._finished))]

    def send(self, line: bytes) -> None:
        """Queues a command line; lines of one turn of the event loop leave together."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._write)
        self._out.append(line)

    def _write(self) -> None:
        data = b"".join(self._out)
        self._out.clear()
        if self._process and self.alive:
            self._process.write(data)

    async def flush(self) -> bool:
        """Waits until everything that happened so far is reported; False if the peer does not answer."""
        waiting = next(iter(self._flushes.values()), None)
        if waiting is None or waiting.done():
            id_ = self.new_id("f")
            waiting = self._flushes[id_] = asyncio.get_running_loop().create_future()
            self.send(contract.command("flush", id=id_))
        try:
            await asyncio.wait_for(asyncio.shield(waiting), FLUSH_SECONDS * self.slower)
        except TimeoutError:
            return False
        return self.alive

    def hang(self) -> None:
        """Gives up on a peer that no longer answers."""
        self._break("silent", f"it did not answer 'flush' within {FLUSH_SECONDS * self.slower:.0f} s")

    # -- events -----------------------------------------------------------------------------------------------

    def _output(self, data: bytes) -> None:
        if self.trouble:
            return
        broken = ""
        try:
            self._decoder.feed(data)
        except ContractError as error:
            broken = error.what
        for event in self._decoder.take():
            if self.trouble:
                return
            self._event(event)
        if broken:
            self._break("broke-contract", broken)

    def _event(self, event: contract.Event) -> None:
        if event.event == "steps":
            activity = self._activities.get(event.id)
            if event.steps:
                self._align(event.steps[-1].t)
            if activity is None:
                self._unknown(event)
            else:
                activity.take(event)
                if len(activity.steps) > MAX_STEPS:
                    self._break("broke-contract", f"it reported more than {MAX_STEPS:,} steps for one conversation")
        elif self.hello is None:
            self._greet(event)
        elif event.event == "flushed":
            waiting = self._flushes.pop(event.id, None)
            if waiting and not waiting.done():
                waiting.set_result(None)
        elif event.event == "error":
            self._refused(event)
        else:
            self._break("broke-contract", f"it sent an event of an unknown kind: {event.event!r}")

    def _align(self, t: int) -> None:
        """What is told now happened before: the shortest way that a report ever took shows best how the peer's clock stands to ours."""
        self.offset = min(self.offset, time.monotonic_ns() // 1000 - t)

    def _greet(self, event: contract.Event) -> None:
        try:
            contract.check_hello(event)
        except ContractError as error:
            self._break("broke-contract", error.what)
            return
        self.hello = event
        if not self._greeted.done():
            self._greeted.set_result(None)

    def _refused(self, event: contract.Event) -> None:
        activity = self._activities.get(event.id)
        if activity is None:
            self.incidents.append(f"it answered with an error that belongs to nothing: {event.says or event.fault}")
            return
        activity.fault = f"{event.fault}: {event.says}"
        activity.done = True
        activity.wake()

    def _unknown(self, event: contract.Event) -> None:
        if self.hello is None:
            self._break("broke-contract", "its first event is 'steps', not 'hello': nothing may be said before the handshake")
        elif event.id not in self._finished and len(self.incidents) < 20:
            self.incidents.append(f"it reported steps for the id {event.id!r}, which it was never given")

    def _last_words(self) -> str:
        """The last line that it logged, if any."""
        lines = self._tail.strip().splitlines()
        return f"; its last words: {contract.excerpt(lines[-1].strip(), 200)}" if lines else ""

    def _errors(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-1000:]
        if self._logged < MAX_LOG:
            self._logged += len(data)
            self._log(data if self._logged < MAX_LOG else b"\n... this log is cut here: it grew past 16 MiB\n")

    def _exit(self, how: str) -> None:
        if not self._leaving and not self.trouble:
            self._break("crashed", f"it ended by itself ({how}){self._last_words()}")

    def _break(self, trouble: str, says: str) -> None:
        """From here on it is of no use: everybody who waits is told, and the process is ended."""
        if self.trouble:
            return
        self.trouble, self.says = trouble, says
        self.busy_at_end = self.busy
        for activity in list(self._activities.values()):
            activity.wake()
            for inner in activity.waiting() if isinstance(activity, Service) else ():
                inner.wake()
        for waiting in (*self._flushes.values(), self._greeted):
            if not waiting.done():
                waiting.set_result(None)
        if self._process:
            self._process.kill()
        self._on_end(self)
