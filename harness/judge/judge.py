"""The verdict on a case: trouble first, then what the rules find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from harness.judge import crowd, files, http, mail, media, names, probe, streams, wire
from harness.judge.base import Findings
from harness.model import levels
from harness.model.case import Case
from harness.model.result import CONTRACT, ERROR, FAIL, PASS, UNSUPPORTED, Finding, Result
from harness.model.trace import Side, Trace

_WORDS = {
    "crashed": "it crashed",
    "silent": "it fell silent",
    "broke-contract": "it broke the peer contract",
    "refused-command": "it refused what it declares to do",
}

_NATIVE = {"http": http.judge, "smtp": mail.judge, "ftp": files.judge, "dns": names.judge, "rtp": media.judge}
"""What judges a client that is no script, by what it speaks."""


class Record(Protocol):
    """What is asked of a requirement's record."""

    @property
    def clause(self) -> str:
        """The section of the RFC."""

    @property
    def level(self) -> str:
        """MUST, SHOULD and so on."""


def judge(case: Case, trace: Trace, requirements: Mapping[str, Record], strict: bool = False) -> Result:
    """The verdict, with every finding that it rests on. ``strict``: a broken SHOULD fails its case too."""
    if case.unsupported:
        return _result(case, trace, UNSUPPORTED, (), case.unsupported)
    if trace.fault:
        return _result(case, trace, ERROR, (), trace.fault)
    if trace.wire.incomplete:
        return _result(case, trace, ERROR, (), f"evidence incomplete: {trace.wire.incomplete}")
    for role, side in (("client", trace.client), ("server", trace.server)):
        if side.trouble == "never-started":
            return _result(case, trace, ERROR, (), f"the {role} {getattr(case, role)} could not be started: {side.says}")
        if side.trouble == "declined":
            return _result(case, trace, UNSUPPORTED, (), f"{role} {getattr(case, role)}: {side.says}")
    findings = Findings(case)
    _trouble(trace, findings)
    if not findings and case.scenario.probe:
        return _probed(case, trace, requirements, strict)
    for number, part in enumerate(crowd.parts(trace), 1):
        if not findings:
            _judged(case, part, findings)
            wire.standards(case, part, findings)
            wire.leave_causes(findings)
            crowd.name(findings, number, case.scenario.clients)
    return _summed(case, trace, tuple(_with_record(f, requirements) for f in findings.list), strict)


def _judged(case: Case, trace: Trace, findings: Findings) -> None:
    """By what the client's side is."""
    scenario = case.scenario
    if scenario.client:
        streams.judge(case, trace, findings)
    else:
        _NATIVE[scenario.asks](case, trace, findings)
    if scenario.arrives is not None and not findings:
        mail.left(scenario.arrives, trace, findings)


def _summed(case: Case, trace: Trace, findings: tuple[Finding, ...], strict: bool, observed: str = "") -> Result:
    hard = levels.failing(findings, strict)
    return _result(case, trace, FAIL if hard else PASS, findings, _reason(case, (hard or findings)[0]) if findings else "", observed)


def _probed(case: Case, trace: Trace, requirements: Mapping[str, Record], strict: bool) -> Result:
    """What is disputed never fails a case."""
    assert case.scenario.probe is not None
    findings = Findings(case)
    nothing, observed = probe.judge(case, trace, findings)
    if nothing:
        return _result(case, trace, ERROR, (), nothing)
    on_the_wire = Findings(case)
    wire.standards(case, trace, on_the_wire)
    findings.list += probe.of_the_wire(case.scenario.probe, on_the_wire)
    complete = tuple(_with_record(f, requirements) for f in findings.list)
    if why := case.scenario.probe.disputed:
        complete = tuple(msgspec.structs.replace(f, level=levels.MAY, says=f"{f.says} (disputed: {why})") for f in complete)
    return _summed(case, trace, complete, strict, observed)


def _trouble(trace: Trace, findings: Findings) -> None:
    """A side whose own account broke off: that is the finding, whatever else looks wrong because of it."""
    sides: list[tuple[str, Side]] = [("client", trace.client), ("server", trace.server)]
    for role, side in sides:
        if side.trouble:
            findings.add(CONTRACT, role, f"{_WORDS.get(side.trouble, side.trouble)}: {side.says}", "a report to the end", side.trouble)


def _with_record(finding: Finding, requirements: Mapping[str, Record]) -> Finding:
    record = requirements.get(finding.requirement)
    if record is None:
        return finding
    return msgspec.structs.replace(finding, clause=record.clause, level=record.level)


def _reason(case: Case, finding: Finding) -> str:
    """One line: who, what, and what was seen instead of what."""
    who = {"client": f"client {case.client}", "server": f"server {case.server}", "both": f"{case.client} and {case.server}"}[finding.side]
    seen = f": expected {finding.expected}, observed {finding.observed}" if finding.expected or finding.observed else ""
    return f"{who}: {finding.says}{seen}"


def _result(case: Case, trace: Trace, verdict: str, findings: tuple[Finding, ...], reason: str, observed: str = "") -> Result:
    scenario = case.scenario
    return Result(
        id=case.id,
        verdict=verdict,
        scenario=scenario.key,
        client=case.client,
        server=case.server,
        family=case.family,
        protocol=scenario.protocol,
        mechanism=scenario.mechanism,
        requires=scenario.requires,
        findings=findings,
        reason=reason,
        seconds=round(trace.seconds, 6),
        attempt=case.attempt,
        observed=observed,
    )
