"""What all rules of judgement share: a finding in the making, and the words for amounts."""

from __future__ import annotations

from harness.model.case import Case
from harness.model.result import Finding
from harness.model.talk import Said
from harness.model.trace import Step

OTHER = {"client": "server", "server": "client"}
_ERRORS = {
    "refused": "the connection was refused",
    "reset": "the connection was reset",
    "timeout": "it was not done in time",
    "unreachable": "the address could not be reached",
    "ended": "the stream ended before that",
    "missing": "there is nothing of that name",
    "full": "there was no room",
    "empty": "there was nothing to take",
    "too-large": "it was too large",
}


class Findings:
    """Gathers findings on one case; whose requirement is not named gets the first that the scenario cites."""

    def __init__(self, case: Case) -> None:
        self.list: list[Finding] = []
        self.local = case.scenario.place == "machine"
        self.server = "client" if case.scenario.server and case.scenario.client is None else "server"
        """Who is to blame for what a native client got from its server: where that is a script, it was said as it had to be."""
        self.group = case.scenario.transport == "multicast"
        """Whether a receiver itself sees to it that it gets nothing: by being in no group."""
        self.each_line = case.scenario.service != "ftp"
        """Whether every line of a reply has its code (RFC 5321 4.2.1), or text may stand between the first and the last (RFC 959 4.2)."""
        self._default = case.scenario.requires[0]

    def add(
        self,
        kind: str,
        side: str,
        says: str,
        expected: str = "",
        observed: str = "",
        *,
        requirement: str | tuple[str, ...] = "",
        evidence: tuple[str, ...] = (),
    ) -> None:
        """One finding; see ``Finding`` for the words. ``requirement``: what it breaks, or what a spec states, of which the first is cited."""
        cited = requirement if isinstance(requirement, str) else requirement[0] if requirement else ""
        self.list.append(Finding(kind, side, says, expected, observed, cited or self._default, evidence))

    def content(
        self,
        kind: str,
        side: str,
        says: str,
        wanted: tuple[int, str],
        told: Step | Said,
        *,
        requirement: str | tuple[str, ...] = "",
        evidence: tuple[str, ...] = (),
    ) -> bool:
        """A finding where the octets and the digest that are told are not those that are wanted; says whether they are."""
        if same(wanted, (told.octets or 0, told.digest)):
            return True
        self.add(kind, side, says, amount(*wanted), amount(told.octets, told.digest), requirement=requirement, evidence=evidence)
        return False

    def __bool__(self) -> bool:
        return bool(self.list)


def amount(octets: int | None, digest: str | None) -> str:
    """Octets and the beginning of their digest, in words."""
    if octets is None:
        return "no octets reported"
    return f"{octets:,} octets" + (f" (sha256 {digest[:12]}...)" if digest and octets else "")


def same(one: tuple[int, str | None], other: tuple[int, str | None]) -> bool:
    """Whether two contents, each its octets and their digest, are the same; of no octets the digest does not matter."""
    return one[0] == other[0] and (one[0] == 0 or one[1] == other[1])


def at(role: str, index: int) -> str:
    """How evidence names a reported step: counted from 1, as ``parley show`` does."""
    return f"{role} step {index + 1}"


def failure(step: Step) -> str:
    """A ``failed`` step in words."""
    says = _ERRORS.get(step.error or "", step.error or "for a reason not told")
    return f"{says} ({step.says})" if step.says else says


def first(steps: tuple[Step, ...], name: str) -> Step | None:
    """The first step of that name."""
    for step in steps:
        if step.step == name:
            return step
    return None
