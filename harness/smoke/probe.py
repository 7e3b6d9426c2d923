"""What a rule is, and what comes of probing it: held, broken with a lesson, or skipped with a reason.

Owns the words. Knows no process, no socket and none of the rules.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.smoke.stage import Stage

HELD, BROKEN, SKIPPED = "held", "broken", "skipped"
SHARED, QUEUE, ALONE = "shared", "queue", "alone"
"""Where a rule is probed: beside others on one peer, after others on another one, or on a peer of its own that nobody greeted."""

_NEW_LINE = "\n         "
Check = Callable[["Stage"], Awaitable[None]]


@dataclass(frozen=True)
class Probe:
    """The outcome for one rule; ``says`` is the lesson of a broken one and the reason of a skipped one."""

    rule: str
    outcome: str
    says: str = ""


class Broken(Exception):
    """A rule is broken: what was expected, what was seen instead, what to do. ``mute``: the peer said nothing at all."""

    def __init__(self, expected: str, seen: str, remedy: str = "", *, mute: bool = False) -> None:
        super().__init__(expected, seen, remedy)
        self.expected, self.seen, self.remedy, self.mute = expected, seen, remedy, mute

    def __str__(self) -> str:
        lines = [f"expected: {self.expected}", f"seen:     {self.seen}"]
        return _NEW_LINE.join([*lines, f"to do:    {self.remedy}"] if self.remedy else lines)


class Skip(Exception):
    """A rule cannot be probed with this peer or on this machine; the message is why."""


@dataclass(frozen=True)
class Rule:
    """One rule of ``peers/README.md``: ``part`` is the page's heading, ``needs`` an ability without which it does not apply."""

    part: str
    words: str
    check: Check
    needs: str = ""
    lane: str = SHARED
    family: str = ""

    def __str__(self) -> str:
        return f"[{self.part}] {self.words}" + (f" ({self.family})" if self.family else "")


class Chapter:
    """Rules of one part of the page, in order."""

    def __init__(self, part: str, *, needs: str = "", lane: str = SHARED) -> None:
        self._part, self._needs, self._lane = part, needs, lane
        self.rules: list[tuple[Rule, bool]] = []

    def rule(self, words: str, *, needs: str = "", lane: str = "", each_family: bool = False) -> Callable[[Check], Check]:
        """Adds a rule; with ``each_family`` it is probed once for each family that the peer declares."""

        def add(check: Check) -> Check:
            made = Rule(self._part, words, check, needs or self._needs, lane or self._lane)
            self.rules.append((made, each_family))
            return check

        return add
