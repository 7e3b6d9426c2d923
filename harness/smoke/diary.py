"""Everything that a peer said, line by line, held against the rules for every line.

Owns those rules and how often each was broken, over all processes of one peer. Knows no process and no socket.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

from harness.peer.contract import MAX_LINE, excerpt
from harness.smoke.lesson import lesson
from harness.smoke.probe import BROKEN, HELD, Probe

MAX_CHECKED = 6000
"""Lines held against the schema; beyond this the peer talks more than anything here asks for."""
_SLACK = 1_500_000

RULES = {
    "schema": (
        "[Rules for every line] every line that it said is one JSON object, UTF-8, and valid by contract.schema.json",
        "Standard output is for events only (log on standard error); give each event all members of the tables in 'Events of a conversation'.",
    ),
    "long": ("[Rules for every line] no line is longer than 1 MiB", "Split the steps of a conversation over several events."),
    "foreign": (
        "[Rules for every line] every event carries the id of the command that it belongs to",
        "Copy the command's id into each event; do not make ids up.",
    ),
    "after": (
        "[Rules for every line] nothing more comes for an id after its error, nor after its 'done'",
        "Let 'done' (or the error) be the last event of a conversation, connection or service.",
    ),
    "service": (
        "[Events of a conversation] the 'done' of a service is its last event: after those of its connections",
        "On 'stop' close the connections, report each to its end, and only then report the service's own 'done'.",
    ),
    "conn": (
        "[Events of a conversation] 'conn' stands in the events of a TCP service's connections, and nowhere else",
        "Leave 'conn' out of events of scripts, asks, UDP services and of the service itself.",
    ),
    "order": (
        "[Rules for every line] the steps of a conversation come in order: t never falls",
        "Take t from one monotonic clock at the moment the step happens, and report in that order.",
    ),
    "clock": (
        "[Rules for every line] t is in microseconds on the clock that hello's t was read from",
        "Use one clock for hello and all steps, in whole microseconds, not seconds, milli- or nanoseconds.",
    ),
    "mapped": (
        "[Rules for every line] IPv6 addresses are never v4-mapped",
        "Use one socket for each family (IPV6_V6ONLY), and write IPv4 addresses as such.",
    ),
}


@dataclass
class Diary:
    """Offences so far: how many for each rule, and the first in words."""

    first: dict[str, str] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)
    lines: int = 0
    known: dict[str, str] = field(default_factory=dict)

    def note(self, rule: str, says: str) -> None:
        """One more offence."""
        self.first.setdefault(rule, says)
        self.count[rule] = self.count.get(rule, 0) + 1

    def probes(self) -> list[Probe]:
        """One for each of the rules."""
        return [self._probe(rule, words, remedy) for rule, (words, remedy) in RULES.items()]

    def _probe(self, rule: str, words: str, remedy: str) -> Probe:
        if rule not in self.count:
            return Probe(words, HELD)
        more = f"\n         ({self.count[rule]} times in {self.lines} lines)" if self.count[rule] > 1 else ""
        return Probe(words, BROKEN, f"seen:     {self.first[rule]}{more}\n         to do:    {remedy}")


_HEX = re.compile(r"([0-9a-f]{2})*")


def _good(name: str, value: Any) -> bool:
    """Whether this is a value of which any other good one says the same to the schema."""
    if name in ("t", "octets", "conn"):
        return type(value) is int and value >= 0
    if name in ("digest", "hex"):
        return isinstance(value, str) and _HEX.fullmatch(value) is not None and (name == "hex" or len(value) == 64)
    if name in ("local", "remote"):
        return isinstance(value, list) and [type(v) for v in value] == [str, int] and 0 <= value[1] <= 65535
    return name == "id" and isinstance(value, str) and value != ""


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: f"any {k}" if _good(k, v) else _shape(v) for k, v in value.items()}
    return [_shape(v) for v in value] if isinstance(value, list) else value


class Listener:
    """One process's lines: checks them, and hands on those that are events."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary
        self._over: set[tuple[str, Any]] = set()
        self._last: dict[tuple[str, Any], int] = {}
        self._hello: tuple[int, float] | None = None
        self.given: dict[str, bool] = {"": False}
        """The ids handed out so far, and whether each is a TCP service's."""

    def hear(self, line: bytes) -> dict[str, Any] | None:
        """The event on a line, or None if there is none to work with."""
        self._diary.lines += 1
        if len(line) >= MAX_LINE:
            self._diary.note("long", f"{len(line):,} octets: {excerpt(line)}")
        try:
            event = json.loads(line)
        except (ValueError, RecursionError) as error:
            self._diary.note("schema", f"no JSON ({error}): {excerpt(line)}")
            return None
        if self._diary.lines <= MAX_CHECKED:
            says = self._problem(event)
            if says:
                self._diary.note("schema", f"{says} -- in {excerpt(line, 400)}")
        if not isinstance(event, dict):
            return None
        self._hold(event, line)
        return event

    def _problem(self, event: Any) -> str:
        """By the schema. Lines that differ only in good values are looked at once: the schema is slow, and lines are many."""
        shape = json.dumps(_shape(event))
        known = self._diary.known
        if shape not in known:
            known[shape] = lesson(event)
        return known[shape]

    def _hold(self, event: dict[str, Any], line: bytes) -> None:
        if b"::ffff:" in line.lower():
            self._diary.note("mapped", excerpt(line, 400))
        if event.get("event") == "hello":
            if self._hello is None and isinstance(event.get("t"), int):
                self._hello = (event["t"], time.monotonic())
            return
        id_ = event.get("id")
        if not isinstance(id_, str) or id_ not in self.given or (id_ == "" and event.get("event") != "error"):
            self._diary.note("foreign", f"the id {id_!r} was never given: {excerpt(line, 300)}")
            return
        self._belongs(id_, event, line)

    def _belongs(self, id_: str, event: dict[str, Any], line: bytes) -> None:
        conn = event.get("conn")
        key = (id_, conn if isinstance(conn, int) else None)
        if id_ and (key in self._over or (id_, None) in self._over):
            self._diary.note("after" if key in self._over else "service", f"after the last event for {id_!r} came {excerpt(line, 300)}")
        if "conn" in event and not self.given[id_]:
            self._diary.note("conn", excerpt(line, 300))
        if id_ and (event.get("event") == "error" or event.get("done")):
            self._over.add(key)
        steps = event.get("steps")
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, dict) and isinstance(step.get("t"), int):
                self._timed(key, step)

    def _timed(self, key: tuple[str, Any], step: dict[str, Any]) -> None:
        t, name = step["t"], step.get("step")
        last = self._last.get(key, t)
        if t < last:
            self._diary.note("order", f"step {name!r} of {key[0]!r} has t {t}, the step before it {last}")
        self._last[key] = t
        if self._hello is None:
            return
        since, passed = t - self._hello[0], int((time.monotonic() - self._hello[1]) * 1_000_000)
        if since < -_SLACK or since > passed + _SLACK:
            says = f"step {name!r} has t {t}, {since:,} after hello's {self._hello[0]}, when {passed:,} microseconds had passed since hello"
            self._diary.note("clock", says)
