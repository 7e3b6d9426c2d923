"""One living peer under the probe: lines in, lines out, and what became of it.

Owns the process, bounded in time, memory and lines whatever it does, and the sorting of its events by id. Holds no rules but
that a peer which floods is ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from harness.launch.process import PeerProcess, ProcessLauncher
from harness.peer import contract
from harness.peer.build import Built
from harness.smoke.diary import Diary, Listener
from harness.smoke.probe import Broken

HELLO_SECONDS = 20.0
PATIENCE = 3.0
"""Seconds to wait for what a peer does at once."""
MAX_LINES = 20_000
MAX_REST = 2 * contract.MAX_LINE
KILL_SECONDS = 3.0
_LOG = 2000


class Talk:
    """All that was said for one id, or for one connection (``conns``) of a TCP service."""

    def __init__(self, subject: Subject, id_: str) -> None:
        self.subject, self.id = subject, id_
        self.steps: list[dict[str, Any]] = []
        self.conns: dict[int, Talk] = {}
        self.errors: list[dict[str, Any]] = []
        self.done = self.flushed = False
        self.news = asyncio.Event()

    def take(self, event: dict[str, Any]) -> None:
        """One more event."""
        kind, conn, steps = event.get("event"), event.get("conn"), event.get("steps")
        if isinstance(conn, int):
            inner = self.conns.setdefault(conn, Talk(self.subject, self.id))
            inner.take({k: v for k, v in event.items() if k != "conn"})
        elif kind == "steps":
            self.steps += [s for s in steps if isinstance(s, dict)] if isinstance(steps, list) else []
            self.done = self.done or event.get("done") is True
        elif kind == "error":
            self.errors.append(event)
        elif kind == "flushed":
            self.flushed = True
        self.news.set()

    def names(self) -> list[str]:
        """The steps so far, by name."""
        return [str(s.get("step")) for s in self.steps]

    def all(self, name: str) -> list[dict[str, Any]]:
        """The steps of that name."""
        return [s for s in self.steps if s.get("step") == name]

    def said(self) -> str:
        """What came so far, in a few words."""
        if self.errors:
            return "the error " + excerpt(self.errors[0])
        words = ", ".join(_short(s) for s in self.steps) or "nothing"
        return words + (f" for {self.id!r}" if not self.steps else "") + (", then 'done'" if self.done else "")

    async def until(self, ready: Callable[[Talk], object], expected: str, remedy: str = "", *, seconds: float = 0) -> Talk:
        """Waits for something; raises ``Broken`` if it does not come in time, or can no longer come."""
        limit = asyncio.get_running_loop().time() + (seconds or PATIENCE)
        errors = len(self.errors) if not self.id else 0
        while not ready(self):
            if self.subject.trouble:
                raise Broken(expected, self.subject.trouble, remedy, mute=True)
            if len(self.errors) > errors or self.done:
                raise Broken(expected, self.said(), remedy)
            self.news.clear()
            try:
                async with asyncio.timeout_at(limit):
                    await self.news.wait()
            except TimeoutError:
                if not ready(self):
                    mute = not self.steps and not self.conns
                    raise Broken(expected, f"{self.said()}, in {seconds or PATIENCE:g} s", remedy, mute=mute) from None
        return self

    async def over(self, remedy: str = "", *, seconds: float = 0) -> Talk:
        """Waits for ``done``."""
        return await self.until(lambda t: t.done, 'steps up to one event with "done":true for it', remedy, seconds=seconds)


class Subject:
    """A peer's process. ``trouble`` says why it is of no use any more, once it is."""

    def __init__(self, launcher: ProcessLauncher, built: Built, diary: Diary) -> None:
        self._launcher, self._built = launcher, built
        self._listener = Listener(diary)
        self._rest = b""
        self._log = b""
        self._count = self._said = 0
        self._process: PeerProcess | None = None
        self.talks: dict[str, Talk] = {"": Talk(self, "")}
        self.hellos: list[dict[str, Any]] = []
        self.first = b""
        self.status = ""
        self.trouble = ""
        self.news = asyncio.Event()

    async def start(self) -> None:
        """Starts the process, and says nothing to it. Raises ``LaunchError``."""
        self._process = await self._launcher.start(self._built, self._built.manifest.name, self._output, self._errors, self._exit)

    async def greet(self, version: int = 1, **more: Any) -> dict[str, Any]:
        """Says hello; returns the answer. Raises ``Broken`` when there is none."""
        before = len(self.hellos)
        expected = "a 'hello' event in answer to the 'hello' command"
        remedy = "Read standard input line by line, answer each line at once, and flush standard output after it."
        self.raw(contract.command("hello", contract=version, **more))
        limit = asyncio.get_running_loop().time() + HELLO_SECONDS
        while len(self.hellos) == before:
            self.news.clear()
            try:
                async with asyncio.timeout_at(limit):
                    if not self.trouble:
                        await self.news.wait()
            except TimeoutError:
                raise Broken(expected, f"{self.shown_first() or 'nothing'}, in {HELLO_SECONDS:g} s", remedy, mute=True) from None
            if self.trouble and len(self.hellos) == before:
                raise Broken(expected, self.trouble, remedy, mute=True)
        return self.hellos[-1]

    def shown_first(self) -> str:
        """The first line that it said, cut for show."""
        return contract.excerpt(self.first, 300)

    # -- out --------------------------------------------------------------------------------------------------

    def raw(self, line: bytes) -> None:
        """Octets to its standard input, as they are."""
        if self._process and not self.trouble:
            self._process.write(line)

    def new_id(self, tcp_service: bool = False) -> str:
        """An id that was not used before."""
        self._count += 1
        id_ = f"{'s' if tcp_service else 'c'}{self._count}"
        self._listener.given[id_] = tcp_service
        self.talks[id_] = Talk(self, id_)
        return id_

    def send(self, do: str, **members: Any) -> Talk:
        """A command with a new id."""
        id_ = self.new_id(do == "serve" and members.get("transport") == "tcp")
        self.raw(contract.command(do, id=id_, **members))
        return self.talks[id_]

    def stop(self, talk: Talk) -> None:
        """Asks it to stop something."""
        self.raw(contract.command("stop", id=talk.id))

    async def flush(self, remedy: str = "") -> None:
        """Asks for a sign of life, and for all that happened so far."""
        talk = self.send("flush")
        await talk.until(lambda t: t.flushed, f'{{"event":"flushed","id":"{talk.id}"}} in answer to \'flush\'', remedy or "Answer 'flush' at once.")

    # -- in ---------------------------------------------------------------------------------------------------

    def _output(self, data: bytes) -> None:
        if self.trouble:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > MAX_REST:
            self._flood(f"it sent more than {MAX_REST:,} octets without a newline, and was ended for it: {contract.excerpt(self._rest)}")

    def _line(self, line: bytes) -> None:
        if self.trouble:
            return
        self.first = self.first or line
        self._said += 1
        if self._said > MAX_LINES:
            self._flood(f"it said more than {MAX_LINES:,} lines, which nobody asked for, and was ended for it; the last: {contract.excerpt(line)}")
            return
        event = self._listener.hear(line)
        if event is not None and event.get("event") == "hello":
            self.hellos.append(event)
        elif event is not None and isinstance(event.get("id"), str) and event["id"] in self.talks:
            self.talks[event["id"]].take(event)
        self.news.set()

    def _flood(self, says: str) -> None:
        self._end(says)
        if self._process:
            self._process.kill()

    def _errors(self, data: bytes) -> None:
        self._log = (self._log + data)[-_LOG:]

    def _exit(self, how: str) -> None:
        self.status = how
        words = [line for line in self._log.decode("utf-8", "replace").splitlines() if line.strip()][-3:]
        last = f"; the end of its standard error: {contract.excerpt(' | '.join(words).encode(), 400)}" if words else ""
        self._end(f"the peer ended by itself ({how}){last}")

    def _end(self, says: str) -> None:
        self.trouble = self.trouble or says
        self.news.set()
        for talk in self.talks.values():
            for each in (talk, *talk.conns.values()):
                each.news.set()

    # -- end --------------------------------------------------------------------------------------------------

    def end_input(self) -> None:
        """Ends its standard input."""
        if self._process:
            self._process.end_input()

    async def gone(self, seconds: float) -> bool:
        """Whether it ends within that time."""
        if self._process is None:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.gone(), seconds)
            return True
        return bool(self.status)

    async def close(self) -> None:
        """Ends it without asking."""
        self.trouble = self.trouble or "the peer was ended by smoke"
        if self._process:
            self._process.kill()
            await self.gone(KILL_SECONDS)


def excerpt(value: Any, limit: int = 300) -> str:
    """JSON on one line, cut."""
    return contract.excerpt(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace"), limit)


def _short(step: dict[str, Any]) -> str:
    more = [f"{k} {v}" for k, v in step.items() if k in ("octets", "error", "at", "by", "status", "target")]
    return f"'{step.get('step')}'" + (f" ({', '.join(more)})" if more else "")
