"""A row for each requirement: what checks it, what trips that check, and how each peer stood in a run. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from harness.coverage.mutants import Mutant
from harness.model.case import Scenario
from harness.model.result import FAIL, PASS, UNSUPPORTED, Result
from harness.spec.model import Requirement

BASIC = (768, 862, 863, 864, 865, 867, 868, 1035, 1122, 5321, 9110, 9112, 9293, "LINUX", "POSIX")
"""The standards of which every requirement must have a check and a mutant, or a reason."""
NOT_SEEN = "not seen"
STATES = (FAIL, PASS, UNSUPPORTED, NOT_SEEN)
"""How a peer stands to a requirement, the first of these that is true."""
_ROLES = {"client": ("client",), "server": ("server",), "proxy": ()}
"""Whom a record's role binds, of the two of a conversation; every other role binds both."""


class Row(msgspec.Struct, frozen=True):
    """One requirement. ``conversations``: spec/conversation; ``rule``: what a rule looks at; ``pending``: mutants that nothing catches yet;
    ``peers``: for each peer one of ``STATES``.
    """

    rfc: int | str
    id: str
    clause: str
    level: str
    role: str
    says: str
    label: str = ""
    unchecked: str = ""
    conversations: tuple[str, ...] = ()
    rule: str = ""
    mutants: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    peers: Mapping[str, str] = {}

    @property
    def checked(self) -> bool:
        """Whether a conversation or a rule checks it."""
        return bool(self.conversations or self.rule)

    @property
    def lacks(self) -> str:
        """What it has neither of nor a reason for; empty if all is well."""
        missing = [word for word, there in (("check", self.checked), ("mutant", bool(self.mutants))) if not there]
        return "" if self.unchecked else " and no ".join(missing)


class Total(msgspec.Struct, frozen=True):
    """One RFC: ``reason`` counts those without a check but with a reason, ``neither`` those without either."""

    rfc: int | str
    title: str
    requirements: int
    check: int
    mutant: int
    reason: int
    neither: int


class Known(msgspec.Struct, frozen=True):
    """What rows are made of: records and titles by RFC, scenarios, what rules check, which of it in every conversation, mutants."""

    records: Mapping[int | str, tuple[str, Sequence[Requirement]]]
    scenarios: Sequence[Scenario]
    rules: Mapping[str, str]
    always: Collection[str]
    mutants: Sequence[Mutant]


class Held(msgspec.Struct, frozen=True):
    """A result of a run, and what of the wire was seen of it: connections, datagrams, HTTP messages, or nothing."""

    result: Result
    flows: bool = False
    datagrams: bool = False
    messages: bool = False


def cited(scenario: Scenario) -> frozenset[str]:
    """Every requirement that a conversation cites: as a whole, for what must be seen, and on the wire."""
    checks = [c.requires for script in (scenario.client, scenario.server) if script for c in script.checks]
    parts = [
        *checks,
        *(e.answer.requires for e in scenario.exchanges),
        *(d.requires for d in scenario.messages),
        *(o.requires for o in (scenario.session.operations if scenario.session else ())),
        scenario.stream.requires if scenario.stream else (),
        *(q.requires for q in scenario.questions),
        *(w.requires for w in scenario.wire),
    ]
    return frozenset((*scenario.requires, *(i for part in parts for i in part)))


def rows(known: Known, held: Iterable[Held], wanted: Collection[int | str]) -> list[Row]:
    """The rows of the RFCs that are wanted, or of all."""
    by_id: dict[str, dict[str, None]] = {}
    for scenario in known.scenarios:
        for requirement in cited(scenario):
            by_id.setdefault(requirement, {})["/".join(scenario.key.split("/")[:3])] = None
    standing = _standing(known, held)
    chosen = [rfc for rfc in known.records if not wanted or rfc in wanted]
    return [_row(rfc, r, known, tuple(by_id.get(r.id, ())), standing) for rfc in chosen for r in known.records[rfc][1]]


def _row(rfc: int | str, r: Requirement, known: Known, conversations: tuple[str, ...], standing: Mapping[tuple[str, str, str], str]) -> Row:
    trips = [m for m in known.mutants if r.id in m.trips]
    names = sorted({name for _, name, role in standing if role in _bound(r.role)})
    return Row(
        rfc, r.id, r.clause, r.level, r.role, r.says, r.label, r.unchecked, conversations, known.rules.get(r.id, ""),
        tuple(m.name for m in trips if not m.needs), tuple(m.name for m in trips if m.needs),
        {name: _worst(standing.get((r.id, name, role), NOT_SEEN) for role in _bound(r.role)) for name in names},
    )  # fmt: skip


def _bound(role: str) -> tuple[str, ...]:
    return _ROLES.get(role, ("client", "server"))


def _worst(states: Iterable[str]) -> str:
    return min(states, key=STATES.index, default=NOT_SEEN)


def _standing(known: Known, held: Iterable[Held]) -> dict[tuple[str, str, str], str]:
    """How (requirement, peer, role) stands; ("", peer, role) is there for every peer that was in the run."""
    by_scenario = {s.key: cited(s) for s in known.scenarios}
    found: dict[tuple[str, str, str], str] = {}

    def stands(requirement: str, peer: str, role: str, state: str) -> None:
        key = (requirement, peer, role)
        found[key] = _worst((state, found.get(key, NOT_SEEN)))

    for one in held:
        result = one.result
        for role, peer in (("client", result.client), ("server", result.server)):
            stands("", peer, role, NOT_SEEN)
            for finding in result.findings:
                if finding.side in (role, "both"):
                    stands(finding.requirement, peer, role, FAIL)
            own_lack = result.verdict == UNSUPPORTED and result.reason.startswith(f"{role} {peer}:")
            if result.verdict == PASS or own_lack:
                for requirement in (*by_scenario.get(result.scenario, result.requires), *_watched(known, one)):
                    stands(requirement, peer, role, result.verdict)
    return found


_CONNECTIONS = "RFC9293-"
_MECHANISMS = {"RFC5321-": "smtp", "RFC959-": "ftp", "RFC1123-4.1": "ftp", "RFC2428-": "ftp", "RFC3550-": "rtp"}
"""What rules look at that belong to one protocol alone."""
_MESSAGES = ("RFC9110-", "RFC9112-")


def _watched(known: Known, one: Held) -> Iterable[str]:
    """What rules held a conversation to without being asked: only where the wire was seen, and there was something to look at."""
    if one.result.verdict != PASS:
        return ()
    return (i for i in known.always if _seen(one, i))


def _seen(one: Held, requirement: str) -> bool:
    for prefix, mechanism in _MECHANISMS.items():
        if requirement.startswith(prefix):
            return one.result.mechanism == mechanism
    if requirement.startswith(_MESSAGES):
        return one.messages
    return one.flows if requirement.startswith(_CONNECTIONS) else one.datagrams


def totals(found: Sequence[Row], titles: Mapping[int | str, str]) -> list[Total]:
    """A total for each RFC of the rows."""
    counts: dict[int | str, Counter[str]] = {}
    for row in found:
        n = counts.setdefault(row.rfc, Counter())
        n["requirements"] += 1
        n["check"] += row.checked
        n["mutant"] += bool(row.mutants)
        n["reason"] += not row.checked and bool(row.unchecked)
        n["neither"] += not row.checked and not row.unchecked
    names = ("requirements", "check", "mutant", "reason", "neither")
    return [Total(rfc, titles.get(rfc, ""), *(n[name] for name in names)) for rfc, n in counts.items()]


def lacking(found: Iterable[Row], wanted: Collection[int | str]) -> list[Row]:
    """The rows, of the RFCs that are wanted or of the basic ones, that have neither check and mutant nor a reason."""
    return [row for row in found if row.rfc in (wanted or BASIC) and row.lacks]
