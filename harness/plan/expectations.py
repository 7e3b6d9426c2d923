"""Expectations: which cases are known to fail or to waver, why, whose matter it is, and until when.

Owns what an entry means: which results it speaks of, and when the entry itself fails the run. Pure: documents, results and today's
date come in as values. Reading and rewriting files is ``harness.expecting``'s.

- An entry speaks of each case whose whole id fits its ``cases``, a shell pattern (``fnmatch``: ``*`` also spans ``/``; repeats included).
- With ``when``, only where one of the case's two peers says such a thing of itself: a shell pattern over its language, or a library and its version.
- ``fails`` is met by a case that fails, and also by one that passes with broken SHOULDs, so that one file serves runs with and without
  ``--strict``. With ``requirement``, every finding that fails the case must cite it (a breach of the peer contract cites none).
- ``flaky`` is met by a pass and by such a failure. A verdict ``error`` is never expected.
- Where several entries speak of one case, each finding must be covered by one of them.
- What a peer is known to fail, it may fail on a platform, too (``go@windows`` as ``go``); whether it does is left open, unless an entry says ``@``.
"""

from __future__ import annotations

import datetime
import fnmatch
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from harness.model import levels
from harness.model.expectation import EXPIRED, FLAKY, STALE, UNEXPECTED_PASS, Expected, Trouble
from harness.model.result import CONTRACT, FAIL, PASS, Finding, Result
from harness.spec.load import Problem, validated
from harness.spec.yamlpos import Document
from harness.suggest import did_you_mean

_PEERS = re.compile(r"/(?:client|server)=([^/]+)")
_PLATFORMS = re.compile(r"@[^/]+")
_ON_PLATFORM = re.compile(r"=([^/]*@[^/]*)")
_Text = Annotated[str, Field(min_length=1)]


class Written(BaseModel):
    """One entry, as it stands in a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    cases: _Text
    when: str = ""
    requirement: str = ""
    kind: Literal["fails", "flaky"]
    reason: _Text
    link: str = ""
    owner: _Text
    expires: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class Entry(msgspec.Struct, frozen=True):
    """One entry: what is written, where (``file``, ``number`` in it from 0, ``line``), and its last day."""

    written: Written
    expires: datetime.date
    file: str
    number: int
    line: int

    @property
    def where(self) -> str:
        """file:line."""
        return f"{self.file}:{self.line}"

    @property
    def spec(self) -> str:
        """The spec whose cases it speaks of; empty if these may be several."""
        word, slash, _ = self.written.cases.partition("/")
        return word if slash and not set("*?[") & set(word) else ""

    def covers(self, finding: Finding) -> bool:
        """Whether it expects this finding."""
        wanted = self.written.requirement
        return not wanted or (finding.requirement == wanted and finding.kind != CONTRACT)

    def mark(self, met: bool) -> Expected:
        """What a result carries of it."""
        w = self.written
        return Expected(w.kind, self.where, w.reason, w.owner, w.link, w.requirement, met)


def parse(document: Document, requirements: Collection[str], problems: list[Problem]) -> list[Entry]:
    """The entries of one file; what is wrong with it is added to ``problems``, each at its place."""
    raw = document.value
    if raw is None:
        return []
    if not isinstance(raw, list):
        problems.append(document.error((), "this must be a list of entries, each with: " + ", ".join(Written.model_fields)))
        return []
    found = (_entry(document, number, one, requirements, problems) for number, one in enumerate(raw))
    return [entry for entry in found if entry]


def _entry(document: Document, number: int, raw: object, requirements: Collection[str], problems: list[Problem]) -> Entry | None:
    if not isinstance(raw, dict):
        problems.append(document.error((number,), "an entry is a mapping: " + ", ".join(Written.model_fields)))
        return None
    written = validated(document, Written, raw, (number,), problems)
    if written is None:
        return None
    if written.requirement and written.requirement not in requirements:
        says = f"there is no requirement '{written.requirement}'{did_you_mean(written.requirement, requirements)}"
        problems.append(document.error((number, "requirement"), says))
    try:
        expires = datetime.date.fromisoformat(written.expires)
    except ValueError:
        problems.append(document.error((number, "expires"), f"there is no day {written.expires}"))
        return None
    return Entry(written, expires, str(document.path), number, document.place((number,))[0])


class Book:
    """All entries of a run. ``strict`` as the judge has it: then broken SHOULDs must be covered too."""

    def __init__(self, entries: Sequence[Entry] = (), strict: bool = False) -> None:
        self.entries = tuple(entries)
        self._strict = strict
        self._patterns = [(re.compile(fnmatch.translate(e.written.cases)), e) for e in self.entries]
        self._of_spec: dict[str, list[tuple[re.Pattern[str], Entry]]] = {}
        self._speaking: dict[str, tuple[Entry, ...]] = {}
        self._versions: Mapping[str, Collection[str]] = {}

    def know(self, versions: Mapping[str, Collection[str]]) -> None:
        """What each peer says of itself: its language with its version, and each library with its own."""
        self._versions = versions
        self._speaking.clear()

    def speaking_of(self, case: str) -> tuple[Entry, ...]:
        """The entries that speak of a case, in their order."""
        if case not in self._speaking:
            self._speaking[case] = self._fitting(case, case)
        return self._speaking[case]

    def _fitting(self, text: str, case: str) -> tuple[Entry, ...]:
        """The entries whose pattern fits ``text``, of those that hold for the case."""
        spec = text.partition("/")[0]
        if spec not in self._of_spec:
            self._of_spec[spec] = [(p, e) for p, e in self._patterns if e.spec in (spec, "")]
        return tuple(e for p, e in self._of_spec[spec] if p.match(text) and self._holds(e.written.when, case))

    def excusing(self, case: str) -> tuple[Entry, ...]:
        """The entries that speak of a case, or of the same one without platforms."""
        if "@" not in case:
            return self.speaking_of(case)
        return tuple(dict.fromkeys([*self.speaking_of(case), *self._fitting(_PLATFORMS.sub("", case), case)]))

    def _holds(self, when: str, case: str) -> bool:
        said = [words for name in _PEERS.findall(case) for words in self._versions.get(name, ())] if when else []
        return not when or any(fnmatch.fnmatchcase(words, when) for words in said)

    def mark(self, result: Result) -> Result:
        """The result, with what was expected of it."""
        entries: tuple[Entry, ...] = ()
        if self.entries and result.verdict in (PASS, FAIL):
            entries = (self.excusing if result.verdict == FAIL else self.speaking_of)(result.case)
        if not entries:
            return result
        return msgspec.structs.replace(result, expected=(self._failure if result.verdict == FAIL else self._pass)(entries, result.findings))

    def _failure(self, entries: tuple[Entry, ...], findings: tuple[Finding, ...]) -> Expected:
        failing = levels.failing(findings, self._strict)
        by = [next((e for e in entries if e.covers(f)), None) for f in failing]
        if by and None not in by:
            # not excused by a waverer alone: one entry that says 'fails' makes the failure a certain one
            return next((e for e in by if e and e.written.kind != FLAKY), by[0] or entries[0]).mark(True)
        return entries[0].mark(False)

    def _pass(self, entries: tuple[Entry, ...], findings: tuple[Finding, ...]) -> Expected:
        unmet = [e for e in entries if e.written.kind != FLAKY and not any(e.covers(f) for f in findings)]
        return unmet[0].mark(False) if unmet else entries[0].mark(True)

    def unmet(self, results: Iterable[Result]) -> dict[int, list[str]]:
        """The numbers in ``entries`` of those that expect failures of cases that passed, and these cases."""
        at = {id(e): n for n, e in enumerate(self.entries)}
        found: dict[int, list[str]] = {}
        for result in results if self.entries else ():
            if result.verdict == PASS:
                for e in self.speaking_of(result.case):
                    if e.written.kind != FLAKY and not any(e.covers(f) for f in result.findings):
                        found.setdefault(at[id(e)], []).append(result.id)
        return found

    def stale(self, plan: Iterable[str]) -> list[int]:
        """The numbers of the entries that speak of no case of ``plan``, the ids of all cases of all specs and peers."""
        ids = list(plan) if self.entries else []
        return [n for n, (pattern, _) in enumerate(self._patterns) if not any(pattern.match(i) for i in ids)]

    def speaks_of_peers(self, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Those of these names that some entry names, with its platform; for each the specs whose cases that is about, empty: it may be all."""
        said = [(part, e.spec) for e in self.entries for part in _ON_PLATFORM.findall(e.written.cases)]
        found = {name: sorted({spec for part, spec in said if fnmatch.fnmatchcase(name, part)}) for name in names}
        return {name: tuple(specs) if "" not in specs else () for name, specs in found.items() if specs}

    def troubles(self, results: Sequence[Result], plan: Iterable[str], today: datetime.date) -> list[Trouble]:
        """Every entry that fails the run by itself."""
        stale, unmet = set(self.stale(plan)), self.unmet(results)
        failed = {r.case for r in results if r.verdict == FAIL} if unmet else set()
        found: list[Trouble] = []
        for number, entry in enumerate(self.entries):
            if number in stale:
                found.append(_stale(entry))
            if number in unmet:
                found.append(_unexpected_pass(entry, unmet[number], failed))
            if entry.expires < today:
                found.append(_expired(entry, today))
        return found


def _stale(entry: Entry) -> Trouble:
    says = f"no case of any spec and peer fits {entry.written.cases!r}"
    return Trouble(STALE, entry.where, says, "Take the entry out, or correct its pattern; `parley list cases` shows the ids.")


def _unexpected_pass(entry: Entry, cases: list[str], failed: Collection[str]) -> Trouble:
    what = f"{len(cases):,} case{'s' * (len(cases) != 1)} passed that should fail" + (
        f" on {entry.written.requirement}" if entry.written.requirement else ""
    )
    wavering = any(case.partition("/run=")[0] in failed for case in cases)
    remedy = "They fail at times: say 'kind: flaky'." if wavering else "Mended? Take the entry out, or let its pattern fit fewer cases."
    return Trouble(UNEXPECTED_PASS, entry.where, what, remedy, tuple(cases))


def _expired(entry: Entry, today: datetime.date) -> Trouble:
    says = f"it expired on {entry.expires}, {(today - entry.expires).days} days ago ({entry.written.owner}: {entry.written.reason})"
    return Trouble(EXPIRED, entry.where, says, "Mend the fault and take the entry out, or give it a later day and say why in 'reason'.")


def plan_ids(cases: Iterable[str], peers: Iterable[str]) -> list[str]:
    """What patterns may speak of: all cases, and the results that single peers get when they break the contract outside of a case."""
    return [*cases, *(f"peer-contract/{role}-{name}" for name in peers for role in ("client", "server"))]


# -- proposals: entries for what failed and was not expected --------------------------------------------------


class Proposal(msgspec.Struct, frozen=True):
    """An entry to be: its pattern, ``guilty`` in words, and the failed cases that it is made for."""

    cases: str
    kind: str
    requirement: str
    guilty: str
    covered: frozenset[str]


def propose(results: Sequence[Result], plan: Sequence[str]) -> list[Proposal]:
    """Entries for every failure without a met entry: one for each conversation, guilty peer and requirement where such a pattern
    fits nothing else, else narrower ones, down to single cases.
    """
    failed, passed = {r.case for r in results if r.verdict == FAIL}, {r.case for r in results if r.verdict == PASS}
    neutral = {r.case for r in results} - failed - passed
    groups: dict[tuple[str, ...], dict[str, Result]] = {}
    for result in results:
        if result.outcome == FAIL:
            kind = "flaky" if result.case in passed else "fails"
            groups.setdefault((_conversation(result), *_guilty(result), kind, _cited(result)), {})[result.case] = result
    return [
        Proposal(pattern, kind, requirement, f"{side} {name}", frozenset(covered))
        for (_, side, name, kind, requirement), members in groups.items()
        for pattern, covered in _patterns(list(members.values()), side, plan, set(members) | neutral)
    ]


def _conversation(result: Result) -> str:
    return "/".join(result.scenario.split("/")[:3])


def _guilty(result: Result) -> tuple[str, str]:
    sides = {f.side for f in levels.failing(result.findings, strict=True)}
    side = sides.pop() if len(sides) == 1 else "both"
    return side, {"client": result.client, "server": result.server}.get(side, f"{result.client} and {result.server}")


def _cited(result: Result) -> str:
    """The requirement that all findings of this failure cite, if it is one."""
    cited = {"" if f.kind == CONTRACT else f.requirement for f in levels.failing(result.findings, strict=True)}
    return cited.pop() if len(cited) == 1 else ""


def _patterns(members: Sequence[Result], side: str, plan: Sequence[str], allowed: set[str]) -> list[tuple[str, set[str]]]:
    """Patterns that together fit each member, and nothing but what is allowed; the widest first."""
    left = {r.case: r for r in members}
    found: list[tuple[str, set[str]]] = []
    for shape in _SHAPES[side]:
        by_pattern = {
            shape.format(conversation=_conversation(r), key=r.scenario, client=r.client, server=r.server, family=r.family): r for r in members
        }
        for pattern in by_pattern:
            fits = re.compile(fnmatch.translate(pattern)).match
            covered = {case for case in left if fits(case)}
            if covered and all(case in allowed for case in plan if fits(case)):
                found.append((pattern, covered))
                left = {case: r for case, r in left.items() if case not in covered}
    return [*found, *((case, {case}) for case in left)]


_SHAPES: Mapping[str, tuple[str, ...]] = {
    "client": ("{conversation}/*client={client}/server=*", "{key}/client={client}/server=*", "{key}/client={client}/server=*/{family}"),
    "server": ("{conversation}/*/server={server}/*", "{key}/client=*/server={server}/*", "{key}/client=*/server={server}/{family}"),
    "both": ("{conversation}/*client={client}/server={server}/*", "{key}/client={client}/server={server}/*"),
}
