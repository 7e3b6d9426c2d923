"""The peer under probe: its process, its lines, and the waiting for them.

Owns the control channel as a probe sees it: raw, nothing taken for granted. Knows no rule but that lines are JSON and fit the schema.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from harness.launch.process import ProcessLauncher
from harness.network.base import Loopback
from harness.peer.build import Built
from harness.peer.contract import MAX_LINE, excerpt
from harness.peer.schema import problem

WAIT_SECONDS = 5.0
FAMILIES = {"ipv4": "127.0.0.1", "ipv6": "::1"}
Json = dict[str, Any]


class Broken(Exception):
    """A rule is broken; the message says what was expected and what came."""


@dataclass(frozen=True)
class Probe:
    """What became of one rule: ``held``, ``broken`` or ``skipped``, and why."""

    rule: str
    outcome: str
    says: str = ""


@dataclass(frozen=True)
class Trial:
    """A rule and how it is probed. ``alone``: with a process of its own; ``greet``: after the handshake."""

    rule: str
    work: Callable[[Patient], Awaitable[None]]
    needs: str = ""
    alone: bool = False
    greet: bool = True


def each_family(work: Callable[[Patient, str], Awaitable[None]]) -> Callable[[Patient], Awaitable[None]]:
    """A probe over every family that the peer declares, one after the other."""

    async def all_of_them(patient: Patient) -> None:
        for family in patient.families:
            await work(patient, FAMILIES[family])

    return all_of_them


class Patient:
    """One process of the peer."""

    def __init__(self, built: Built) -> None:
        self._built = built
        self._launcher = ProcessLauncher(Loopback())
        self._process: Any = None
        self._rest = b""
        self._news = asyncio.Event()
        self._count = 0
        self._problems: list[str] = []
        self._log = b""
        self._last_t: dict[tuple[str, Any], int] = {}
        self.lines: list[Json] = []
        self.octets_out = 0
        self.hello: Json | None = None
        self.status = ""

    async def start(self, *, greet: bool = True) -> None:
        """Starts it and, if asked, greets it. Raises ``LaunchError`` or ``Broken``."""
        self._process = await self._launcher.start(self._built, "smoke", self._output, self._errors, self._exit)
        if greet:
            self.send({"do": "hello", "contract": 1})
            self.hello = await self.wait(lambda e: e.get("event") == "hello", "a hello event", 20)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process is not None and not self.status

    @property
    def families(self) -> list[str]:
        """The families that it declares, and that this machine's loopback has."""
        declared = (self.hello or {}).get("families", [])
        return [f for f in FAMILIES if f in declared]

    async def close(self) -> None:
        """Ends it, by force if need be."""
        if self._process is not None:
            self._process.end_input()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._process.gone(), 2)
        await self._launcher.close()

    async def end_input(self) -> float:
        """Ends its input; returns how many seconds it then took to end. Raises ``Broken`` after three."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._process.end_input()
        try:
            await asyncio.wait_for(self._process.gone(), 3)
        except TimeoutError:
            raise Broken("standard input ended, and the peer still ran after 3 s: end when reading it gives the end of file") from None
        return loop.time() - began

    # -- lines ------------------------------------------------------------------------------------------------

    def send(self, command: Json | bytes) -> None:
        """One command line; octets go as they are."""
        self._process.write(command if isinstance(command, bytes) else json.dumps(command).encode() + b"\n")

    def new_id(self) -> str:
        """An id not used before."""
        self._count += 1
        return f"smoke{self._count}"

    def _output(self, data: bytes) -> None:
        self.octets_out += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > MAX_LINE:
            self._note(f"it sent {len(self._rest):,} octets without a newline; a line has at most {MAX_LINE:,}")
            self._rest = b""
            self._process.kill()
        self._news.set()

    def _line(self, line: bytes) -> None:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            self._note(f"standard output is for events only, one JSON object a line; it wrote: {excerpt(line)}")
            return
        wrong = problem("event", event)
        if wrong:
            self._note(f"a line breaks contract.schema.json: {wrong}; the line: {excerpt(line)}")
        if isinstance(event, dict):
            self.lines.append(event)
            self._in_time(event)

    def _in_time(self, event: Json) -> None:
        key = (str(event.get("id")), event.get("conn"))
        for step in event.get("steps") or ():
            t = step.get("t") if isinstance(step, dict) else None
            if isinstance(t, int):
                if t < self._last_t.get(key, t):
                    self._note(f"'t' goes back within one conversation: {t} comes after {self._last_t[key]}")
                self._last_t[key] = t

    def _note(self, says: str) -> None:
        if len(self._problems) < 20:
            self._problems.append(says)

    def take_problems(self) -> list[str]:
        """What was wrong with its lines since the last time."""
        problems, self._problems = self._problems, []
        return problems

    def _errors(self, data: bytes) -> None:
        self._log = (self._log + data)[-2000:]

    def _exit(self, how: str) -> None:
        self.status = how
        self._news.set()

    # -- waiting ----------------------------------------------------------------------------------------------

    async def wait(self, wanted: Callable[[Json], bool], words: str, seconds: float = WAIT_SECONDS) -> Json:
        """The first line that is wanted. Raises ``Broken`` if it does not come in time, or the peer ends first."""
        limit = asyncio.get_running_loop().time() + seconds
        while True:
            found = next((e for e in self.lines if wanted(e)), None)
            if found is not None:
                return found
            left = limit - asyncio.get_running_loop().time()
            if self.status or left <= 0:
                raise Broken(f"expected {words}; {self._instead(seconds)}")
            self._news.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)

    def _instead(self, seconds: float) -> str:
        if self._problems:
            return self.take_problems()[0]
        log = f" Its last words on standard error: {excerpt(self._log.strip(), 300)}" if self._log.strip() else ""
        if self.status:
            return f"the peer ended instead ({self.status}).{log}"
        last = excerpt(json.dumps(self.lines[-1]).encode(), 300) if self.lines else "nothing at all"
        return f"nothing like it came within {seconds:.0f} s; the last line was {last}.{log}"

    def told(self, id_: str, conn: int | None = None) -> list[Json]:
        """All steps told so far for an id (and connection)."""
        return [s for e in self.lines if e.get("event") == "steps" and e.get("id") == id_ and e.get("conn") == conn for s in e.get("steps", ())]

    async def done(self, id_: str, seconds: float = WAIT_SECONDS) -> list[Json]:
        """All steps of a conversation, once it is done."""

        def over(event: Json) -> bool:
            if event.get("event") == "error" and event.get("id") == id_:
                raise Broken(f"it declares this, and answered with an error: {event.get('fault')}: {event.get('says')}")
            return event.get("id") == id_ and event.get("conn") is None and bool(event.get("done"))

        await self.wait(over, f"an event with \"done\":true for the conversation '{id_}'", seconds)
        return self.told(id_)

    async def error(self, id_: str, fault: str) -> None:
        """Waits for an error event with that fault, and makes sure that the peer goes on."""
        event = await self.wait(lambda e: e.get("event") == "error" and e.get("id") == id_, f"an error event with id {id_!r}")
        if event.get("fault") != fault:
            raise Broken(f"expected fault {fault!r}, got {event.get('fault')!r} ({event.get('says')})")
        await self.flush()

    async def flush(self) -> None:
        """A whole flush."""
        id_ = self.new_id()
        self.send({"do": "flush", "id": id_})
        await self.wait(lambda e: e.get("event") == "flushed" and e.get("id") == id_, f"a flushed event with id {id_!r}")

    async def serve(self, service: str, transport: str, address: str, **more: Any) -> tuple[str, int]:
        """Starts a service on a free port; returns its id and port."""
        id_ = self.new_id()
        self.send({"do": "serve", "id": id_, "service": service, "transport": transport, "address": address, "port": 0, **more})
        return id_, await self.port(id_, transport)

    async def port(self, id_: str, transport: str) -> int:
        """The port that it says it listens on."""
        name = "listening" if transport == "tcp" else "bound"

        def ready(event: Json) -> bool:
            if event.get("id") == id_ and (event.get("event") == "error" or event.get("done")):
                raise Broken(f"expected a step '{name}'; got {excerpt(json.dumps(event).encode(), 200)}")
            return event.get("id") == id_ and any(s.get("step") == name for s in event.get("steps", ()))

        await self.wait(ready, f"a step '{name}' for '{id_}'")
        step = next(s for s in self.told(id_) if s["step"] == name)
        port = step.get("local", ["", 0])[1]
        if not port:
            raise Broken(f"port 0 asks for any free port, and '{name}' must tell which: {step}")
        return int(port)

    async def script(self, role: str, transport: str, address: str, port: int, *steps: Json, **more: Any) -> str:
        """Sends a script; returns its id."""
        id_ = self.new_id()
        command = {"do": "script", "id": id_, "role": role, "transport": transport, "address": address, "port": port, "steps": steps}
        self.send({**command, **more})
        return id_


def names(steps: list[Json]) -> list[str]:
    """The names of steps, in order."""
    return [str(s.get("step")) for s in steps]


def expect_names(steps: list[Json], *wanted: str, without: tuple[str, ...] = ("created", "bound", "listening", "connecting")) -> None:
    """Raises ``Broken`` unless the steps are these, those in ``without`` left aside."""
    got = [n for n in names(steps) if n not in without]
    if got != list(wanted):
        raise Broken(f"expected the steps {', '.join(wanted)}; got {', '.join(got) or 'none'}")


def expect_octets(step: Json, octets: bytes, what: str) -> None:
    """Raises ``Broken`` unless the step tells just these octets."""
    from harness.model.payload import sha256

    if step.get("octets") != len(octets) or step.get("digest") != sha256(octets):
        told = f"{step.get('octets')} octets with digest {str(step.get('digest'))[:16]}..."
        raise Broken(f"'{step.get('step')}' {what}: expected {len(octets)} octets with digest {sha256(octets)[:16]}..., it tells {told}")


def first(steps: list[Json], name: str) -> Json:
    """The first step of that name. Raises ``Broken`` if there is none."""
    for step in steps:
        if step.get("step") == name:
            return step
    raise Broken(f"there is no step '{name}' among {', '.join(names(steps)) or 'none'}")
