"""One side's report held against the script that it was given: did it do each step, and tell so in order?

What the other side did is not looked at here.
"""

from __future__ import annotations

import msgspec

from harness.judge.base import OTHER, Findings, amount, at, failure
from harness.model.case import REPORTED, Check, Script
from harness.model.result import CONTRACT, MISREPORT, NONCONFORMANT
from harness.model.trace import Step

_QUIETLY = frozenset({"created", "bound", "listening", "connecting"})


class Received(msgspec.Struct, frozen=True):
    """What a ``receive`` step brought: the check for it (None if the spec has none) and the reported steps with their places."""

    check: Check | None
    steps: tuple[tuple[int, Step], ...]


class Reading(msgspec.Struct, frozen=True):
    """A report, read: what came by each ``receive``, and whether the script was gone through to its end."""

    received: tuple[Received, ...]
    whole: bool


class _Reader:
    """Walks through a report, script step by script step."""

    def __init__(self, script: Script, steps: tuple[Step, ...], findings: Findings, local: bool) -> None:
        self._local = local
        self._script = script
        self._role = script.role
        self._steps = steps
        self._findings = findings
        self._next = 0
        self._checks = {c.at: c for c in script.checks}
        self._sent = iter(script.sent)
        self.received: list[Received] = []

    def read(self) -> bool:
        for number, command in enumerate(self._script.steps):
            do = command["do"]
            if do == "wait":
                continue
            check = self._checks.get(number)
            if check and check.fails:
                return self._fails(number, check.fails)
            if do == "receive":
                whole = self._receive(number, command)
            elif do == "send":
                whole = all(self._send(number) for _ in range(command.get("count", 1)))
            else:
                whole = self._take(number, REPORTED[do][0]) is not None
            if not whole:
                return False
        return self._closing()

    def _peek(self) -> Step | None:
        while self._next < len(self._steps) and self._steps[self._next].step in _QUIETLY:
            self._next += 1
        return self._steps[self._next] if self._next < len(self._steps) else None

    def _take(self, number: int, name: str) -> tuple[int, Step] | None:
        """The next reported step, which must be ``name``; else a finding, and None."""
        step = self._peek()
        if step is not None and step.step == name:
            self._next += 1
            return self._next - 1, step
        self._not_done(number, name, step)
        return None

    def _not_done(self, number: int, name: str, step: Step | None) -> None:
        failed = next((s for s in self._steps[self._next :] if s.step == "failed"), None)
        if failed is not None:
            where = at(self._role, self._steps.index(failed))
            says = f"the {self._role}'s step {self._words(number)} could not be done: {failure(failed)}"
            observed = self._before_failure(failed)
            side = "server" if self._findings.group else OTHER[self._role]  # what goes to a group comes to whom listens
            self._findings.add(NONCONFORMANT, side, says, self._wanted(number), observed, requirement=self._cited(number), evidence=(where,))
        else:
            seen = f"'{step.step}'" if step else "the end of the report"
            says = f"the {self._role} does not report its script step {self._words(number)}"
            self._findings.add(CONTRACT, self._role, says, f"'{name}'", seen, evidence=(at(self._role, self._next),))

    def _fails(self, number: int, errors: tuple[str, ...]) -> bool:
        """The last step, which must fail with one of these errors; what came before it failed does not matter."""
        rest = self._steps[self._next :]
        failed = next((i for i, s in enumerate(rest) if s.step == "failed"), None)
        if failed is not None and rest[failed].at == number and rest[failed].error in errors:
            self._next += failed + 1
            return self._closing()
        told = [s for s in rest if s.step not in _QUIETLY]
        observed = failure(rest[failed]) if failed is not None else ", ".join(f"'{s.step}'" for s in told) or "nothing"
        says = f"the {self._role}'s step {self._words(number)} was to fail"
        where = (at(self._role, min(self._next + (failed or 0), max(len(self._steps) - 1, 0))),)
        kind, side = (NONCONFORMANT, self._role if self._local else OTHER[self._role]) if told else (CONTRACT, self._role)
        self._findings.add(kind, side, says, " or ".join(f"'{e}'" for e in errors), observed, requirement=self._cited(number), evidence=where)
        return False

    def _before_failure(self, failed: Step) -> str:
        """What had come until then: the reports between the last finished step and the failure."""
        got = [s for s in self._steps[self._next : self._steps.index(failed)] if s.step in ("received", "end", "reset")]
        words = [amount(s.octets, s.digest) if s.step == "received" else f"'{s.step}'" for s in got]
        return ", then ".join(words) or failure(failed)

    def _words(self, number: int) -> str:
        return f"{number + 1} ({self._script.steps[number]['do']})"

    def _wanted(self, number: int) -> str:
        check = self._checks.get(number)
        if check is None:
            return f"{self._script.steps[number]['do']} done"
        if check.quiet:
            return "nothing, for a while"
        if check.responses:
            return "a response"
        if check.codes or check.line is not None:
            return " or ".join(check.codes) or f"a line that fits {check.line}"
        if check.signals:
            return ", ".join(name for name, _ in check.signals)
        what = str(check.octets) if check.octets else f"content that fits {check.rule}" if check.rule else ""
        return ", then ".join(w for w in (what, "the end" if check.end else "") if w)

    def _cited(self, number: int) -> tuple[str, ...]:
        check = self._checks.get(number)
        return check.requires if check else ()

    def _send(self, number: int) -> bool:
        taken = self._take(number, "sent")
        if taken is None:
            return False
        place, step = taken
        command = self._script.steps[number]
        if "signal" in command:
            return self._sent_signal(command, place, step)
        _, payload = next(self._sent)
        if (step.octets, step.digest) != payload.measure():
            says = f"the {self._role} reports to have sent something else than it was told to"
            expected = amount(*payload.measure())
            self._findings.add(MISREPORT, self._role, says, expected, amount(step.octets, step.digest), evidence=(at(self._role, place),))
        return True

    def _sent_signal(self, command: dict[str, object], place: int, step: Step) -> bool:
        wanted, told = (command["signal"], command.get("value")), (step.signal, step.value)
        if wanted != told:
            says = f"the {self._role} reports to have sent another signal than it was told to"
            self._findings.add(MISREPORT, self._role, says, f"{wanted[0]}, {wanted[1]}", f"{told[0]}, {told[1]}", evidence=(at(self._role, place),))
        return True

    def _receive(self, number: int, command: dict[str, object]) -> bool:
        check = self._checks.get(number)
        if "quiet" in command:
            return self._take_quiet(number)
        count = command.get("count", 1)
        assert isinstance(count, int)
        got: list[tuple[int, Step]] = []
        for _ in range(count):
            taken = self._take(number, "received")
            if taken is None:
                return False
            got.append(taken)
        self.received.append(Received(check, tuple(got)))
        follower = self._peek()
        failed = (
            follower is not None and follower.step in ("end", "reset", "failed") and any(s.step == "failed" and s.at == number for s in self._steps)
        )
        if failed:
            self._next = got[0][0]
            self.received.pop()
            self._not_done(number, "received", None)
            return False
        return command.get("until") != "end" or self._take(number, "end") is not None

    def _take_quiet(self, number: int) -> bool:
        step = self._peek()
        if step is None or step.step not in ("received", "failed"):
            return self._take(number, "quiet") is not None
        came = (
            "its FIN"
            if step.step == "failed" and step.error == "ended"
            else failure(step)
            if step.step == "failed"
            else amount(step.octets, step.digest)
        )
        where, side = (at(self._role, self._next),), self._role if self._findings.group else OTHER[self._role]
        says = f"the {side} was to get nothing of the group" if self._findings.group else f"the {side} was to stay silent"
        self._findings.add(NONCONFORMANT, side, says, "nothing", came, requirement=self._cited(number), evidence=where)
        return False

    def _closing(self) -> bool:
        """After the script: nothing but the closing, if the script did not ask for it itself."""
        rest = [s for s in self._steps[self._next :] if s.step not in _QUIETLY]
        closed_itself = bool(self._script.steps) and self._script.steps[-1]["do"] == "close"
        names = [s.step for s in rest]
        if names == ([] if closed_itself else ["closed"]) or (not names and self._opens_nothing()):
            return True
        says = f"the {self._role}'s report does not end as its script does"
        expected = "nothing more" if closed_itself else "'closed'"
        observed = ", ".join(f"'{s.step}'" for s in rest) or "nothing"
        if rest and rest[0].step == "failed":
            observed = failure(rest[0])
        self._findings.add(CONTRACT, self._role, says, expected, observed, evidence=(at(self._role, self._next),))
        return False

    def _opens_nothing(self) -> bool:
        """Whether a server's script accepts nobody: then nothing of it need be closed but its listener, silently."""
        return self._role == "server" and not any(step["do"] in ("accept", "receive", "send") for step in self._script.steps)


def read(script: Script, steps: tuple[Step, ...], findings: Findings, local: bool = False) -> Reading:
    """Reads a report; what is wrong with it is added to ``findings``. ``local``: between the two is but one system, so that what does not
    fail as it must is this side's own doing.

    Most reports are just what the script asks for: that is seen at one glance, and nothing of it needs reading.
    """
    if script.faultless is not None and script.faultless == tuple((s.step, s.octets, s.digest) for s in steps if s.step not in _QUIETLY):
        return Reading((), True)
    reader = _Reader(script, steps, findings, local)
    whole = reader.read()
    return Reading(tuple(reader.received), whole)
