"""What passes between two processes of one machine besides octets: descriptors, credentials, priorities, signals (``peers/machine.md``).

Nobody sees it but the two: where what came is not what was due, and the sender says that it sent it, nothing tells who is wrong.
"""

from __future__ import annotations

import sys

from harness.judge import script as scripts
from harness.judge.base import OTHER, Findings, amount, at, first, same
from harness.model.case import Check, Script
from harness.model.result import CONTRACT, DISAGREE, MISREPORT, Finding
from harness.model.trace import Step, Trace


def contents(script: Script, reading: scripts.Reading, findings: Findings) -> None:
    """What came by each ``receive``, against what the spec says of it."""
    for received in reading.received:
        check = received.check
        if check is None:
            continue
        if check.signals:
            _signals(script.role, check, [step for _, step in received.steps], received.steps[0][0], findings)
        for place, step in received.steps if check.priority is not None else ():
            if step.priority != check.priority:
                says = f"the {script.role} got a message of another priority than was due"
                _wrong(script.role, check, place, says, str(check.priority), str(step.priority), findings)
        if check.descriptor is not None:
            _descriptor(script.role, check, *received.steps[-1], findings)


def _wrong(role: str, check: Check, place: int, says: str, expected: str, observed: str, findings: Findings) -> None:
    cited = check.requires
    findings.add(DISAGREE, "both", says, expected, observed, requirement=cited, evidence=(at(role, place),))


def _descriptor(role: str, check: Check, place: int, step: Step, findings: Findings) -> None:
    assert check.descriptor is not None
    wanted, got = check.descriptor.measure(), step.descriptor
    if got is None:
        findings.add(CONTRACT, role, f"the {role} was to tell what the passed descriptor held", "'descriptor'", "none", evidence=(at(role, place),))
    elif not same(wanted, (got.octets, got.digest)):
        says = f"the descriptor that was passed to the {role} holds something else"
        _wrong(role, check, place, says, amount(*wanted), amount(got.octets, got.digest), findings)


def _signals(role: str, check: Check, steps: list[Step], place: int, findings: Findings) -> None:
    """Names in the order of delivery; a value only where both the spec and the runtime have one."""
    told = [(step.signal or "?", step.value) for step in steps]
    fits = len(told) == len(check.signals) and all(
        name == wanted and (value is None or got == value) for (wanted, value), (name, got) in zip(check.signals, told, strict=True)
    )
    if not fits:
        _wrong(role, check, place, f"the {role} did not get the signals that were due", _listed(check.signals), _listed(told), findings)


def _listed(signals: object) -> str:
    assert isinstance(signals, tuple | list)
    return ", ".join(name + (f" with {value}" if value is not None else "") for name, value in signals)


def keep_first(trace: Trace, findings: Findings) -> None:
    """Of what the two tell, only what came first in time stays: what one side then did not get or could not do follows from it."""
    if len(findings.list) > 1:
        findings.list[:] = [min(findings.list, key=lambda finding: _moment(trace, finding))]


def _moment(trace: Trace, finding: Finding) -> int:
    """When the step that it rests on was told, on the harness's own clock."""
    role, _, place = finding.evidence[0].partition(" step ") if finding.evidence else ("", "", "")
    side = trace.client if role == "client" else trace.server
    at_ = int(place) - 1 if place.isdecimal() else len(side.account)
    return side.account[at_].t + side.offset if at_ < len(side.account) else sys.maxsize


def agreement(client: Script, server: Script, trace: Trace, findings: Findings) -> None:
    """The two reports against each other: who each is to the system, and who sent the signals."""
    sides = (("client", "connected", client, trace.client.steps), ("server", "accepted", server, trace.server.steps))
    for role, name, script, steps in sides:
        other = trace.server.steps if role == "client" else trace.client.steps
        if any(step.get("credentials") for step in script.steps):
            _credentials(role, first(steps, name), first(other, "created"), findings)
    sender = first(trace.client.steps, "created")
    for place, step in enumerate(trace.server.steps):
        own = sender.credentials.get("pid") if sender and sender.credentials else None
        if step.step == "received" and step.pid is not None and own is not None and step.pid != own:
            says = "the two sides contradict each other on which process sent the signal"
            findings.add(DISAGREE, "both", says, f"process {own} as the client reports", f"process {step.pid}", evidence=(at("server", place),))
            return


def _credentials(role: str, told: Step | None, other: Step | None, findings: Findings) -> None:
    if told is None or told.credentials is None:
        findings.add(CONTRACT, role, f"the {role} was to tell the credentials of the other side", "'credentials'", "none")
    elif other is None or other.credentials is None:
        findings.add(CONTRACT, OTHER[role], f"the {OTHER[role]} does not tell its own credentials", "'credentials' of 'created'", "none")
    elif told.credentials != other.credentials:
        says = f"the {role} reports other credentials than those of the {OTHER[role]}"
        findings.add(MISREPORT, role, says, _who(other.credentials), _who(told.credentials))


def _who(credentials: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in credentials.items())
