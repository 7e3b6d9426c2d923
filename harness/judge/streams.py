"""Conversations of scripts and services, over TCP and UDP: contents against the spec, and the two reports against each other."""

from __future__ import annotations

import re

import msgspec

from harness.judge import machine, names, wire
from harness.judge import script as scripts
from harness.judge.base import OTHER, Findings, amount, at, failure, first
from harness.judge.rules import RULES, Content
from harness.model import mail, transports
from harness.model.case import NOBODY, Case, Check, Scenario, Script
from harness.model.payload import Payload, sha256
from harness.model.result import CONTRACT, DISAGREE, MISREPORT, NONCONFORMANT
from harness.model.trace import Step, Trace

_OF_A_CONNECTION = frozenset({"accepted", "received", "sent", "end", "half-closed", "reset", "closed"})
_SMALL = 64
_EARLY = 0.7
_UNSPECIFIED = frozenset({"0.0.0.0", "::"})  # noqa: S104
_REPORTING = frozenset({"echo", "discard", "chargen", "qotd", "daytime", "time", "dns"})
"""Services that report totals of octets; http reports messages."""


def judge(case: Case, trace: Trace, findings: Findings) -> None:
    """Adds what is wrong with the conversation."""
    scenario = case.scenario
    assert scenario.client is not None
    if scenario.server and trace.wire.absent and _reset_taken_for_the_end(trace, findings):
        return
    local = scenario.transport in transports.LOCAL
    client = scripts.read(scenario.client, trace.client.steps, findings, local)
    if scenario.service in NOBODY and findings and wire.refused(case, trace):
        _not_heard(scenario.transport, findings)
    server_steps = trace.server.account
    told = Findings(case)
    wire.reports(case, trace, server_steps, told)
    if scenario.server:
        server = scripts.read(scenario.server, trace.server.steps, findings, local)
        _contents(scenario.server, server, trace.client.steps, trace, findings)
        machine.contents(scenario.server, server, findings)
    _contents(scenario.client, client, server_steps, trace, findings)
    machine.contents(scenario.client, client, findings)
    if told:
        _believe_the_wire(findings, told)
    elif findings and _gave_up_early(scenario, trace, findings):
        return
    if scenario.place == "machine":
        machine.keep_first(trace, findings)
    if findings:
        return
    if scenario.transport in transports.NETWORKED:
        _addresses(trace, server_steps, findings, scenario.transport)
    if not findings and (scenario.server or scenario.service in _REPORTING):
        _agreement(case, trace, server_steps, findings)


def alone(script: Script, steps: tuple[Step, ...], trace: Trace, findings: Findings) -> None:
    """One side's script, held against a side that is no script."""
    reading = scripts.read(script, steps, findings)
    _contents(script, reading, (), trace, findings)


def _gave_up_early(scenario: Scenario, trace: Trace, findings: Findings) -> bool:
    """A side whose system gave up, and reset, long before the deadline that it was given: what the other side then saw follows from that."""
    if not trace.wire.flows:
        return False
    flow = trace.wire.flows[0]
    sides = (("client", scenario.client, trace.client.steps, flow.client), ("server", scenario.server, trace.server.steps, flow.server))
    for role, script, steps, sent in sides:
        failed = first(steps, "failed")
        if script is None or failed is None or failed.error != "timeout" or failed.at is None or not 0 <= failed.at < len(script.steps):
            continue
        waited, patience = (failed.t - steps[0].t) / 1000, scenario.deadline
        if sent.rst_frame and "within" not in script.steps[failed.at] and waited < _EARLY * patience:
            says = f"the {role} gave up before its deadline: {failure(failed)}"
            where = (at(role, steps.index(failed)),)
            findings.list.clear()
            findings.add(NONCONFORMANT, role, says, f"{patience} ms of patience", f"{waited:.0f} ms", evidence=where)
            return True
    return False


def _not_heard(transport: str, findings: Findings) -> None:
    """The refusal was on the wire: it is the client that did not hear of it (UDP), or tells otherwise (TCP)."""
    kind = MISREPORT if transport == "tcp" else NONCONFORMANT
    findings.list[:] = [msgspec.structs.replace(f, kind=kind, side="client") for f in findings.list]


def _reset_taken_for_the_end(trace: Trace, findings: Findings) -> bool:
    """One side says that it reset, the other that it saw an orderly end; without a third witness nothing tells who is right."""
    for role, steps, other in (("client", trace.client.steps, trace.server.steps), ("server", trace.server.steps, trace.client.steps)):
        names = {s.step for s in steps}
        if "end" in names and "reset" not in names and any(s.step == "reset" and s.by == "us" for s in other):
            says = f"the {OTHER[role]} reports to have reset, and the {role} an orderly end"
            findings.add(DISAGREE, "both", says, "'reset'", "'end'", requirement=wire.RESET_ENDS)
            return True
    return False


def _believe_the_wire(findings: Findings, told: Findings) -> None:
    """Who misreports is no witness against the other side: of what was found, only that stays which is said of him."""
    liars = {f.side for f in told.list}
    findings.list[:] = [f for f in findings.list if f.side in liars and f.kind != MISREPORT] + told.list


# -- contents: what came, against what had to come ------------------------------------------------------------


def _contents(script: Script, reading: scripts.Reading, other: tuple[Step, ...], trace: Trace, findings: Findings) -> None:
    for received in reading.received:
        check = received.check
        if check is None:
            continue
        if check.responses:
            names.responses(script.role, check, *received.steps[0], datagram="until" not in script.steps[check.at], findings=findings)
            continue
        if check.codes or check.line is not None:
            if _replied(script.role, check, *received.steps[0], findings, each=findings.each_line):
                continue
            return  # what comes after a wrong reply answers something else
        if check.rule:
            for place, step in received.steps:
                _fits_rule(script, check, place, step, trace, findings)
        elif check.octets is not None:
            _exact(script.role, check, received, other, trace, findings)
        elif check.end:
            for place, step in received.steps:
                if step.octets:
                    says = f"octets came to the {script.role} where only the end was due"
                    findings.add(
                        NONCONFORMANT, OTHER[script.role], says, "the end", amount(step.octets, step.digest),
                        requirement=check.requires, evidence=(at(script.role, place),),
                    )  # fmt: skip


def _replied(role: str, check: Check, place: int, step: Step, findings: Findings, *, each: bool) -> bool:
    """Whether a line or a reply is what was due. ``each``: all lines of a reply begin with its code, and not just the first and the last."""
    octets = bytes.fromhex(step.hex or "")
    where, line = (at(role, place),), octets.decode("latin-1")
    lines = line.splitlines()
    code = line[:3]
    said = [one[:3] for one in (lines if each else lines[-1:])]
    if check.codes and not (code.isdecimal() and mail.fits(int(code), check.codes) and all(one == code for one in said)):
        says, expected = f"the {role} got another reply than was due", " or ".join(check.codes)
    elif check.line is not None and not re.fullmatch(check.line, line.removesuffix("\r\n")):
        says, expected = f"the {role} got another line than was due", f"a line that fits {check.line}"
    else:
        return True
    findings.add(NONCONFORMANT, OTHER[role], says, expected, repr(line[:160]), requirement=check.requires, evidence=where)
    return False


def _fits_rule(script: Script, check: Check, place: int, step: Step, trace: Trace, findings: Findings) -> None:
    role = script.role
    try:
        octets = bytes.fromhex(step.hex or "")
    except ValueError:
        findings.add(
            CONTRACT, role, f"the {role} reports octets that are not hexadecimal", observed=(step.hex or "")[:40], evidence=(at(role, place),)
        )
        return
    total = step.octets or 0
    if len(octets) < min(total, 1):
        findings.add(CONTRACT, role, f"the {role} was asked to keep the octets and did not report them", evidence=(at(role, place),))
        return
    if len(octets) == total and step.digest != sha256(octets):
        findings.add(MISREPORT, role, f"the digest that the {role} reports is not that of the octets it reports", evidence=(at(role, place),))
    if check.size is not None and total != check.size:
        findings.add(CONTRACT, role, f"the {role} was to read {check.size} octets", str(check.size), str(total), evidence=(at(role, place),))
    question = script.sent[-1][1].octets() if script.sent else b""
    for wrong in RULES[check.rule or ""](Content(octets, total, trace.clock, question)):
        findings.add(
            NONCONFORMANT, OTHER[role], f"the content does not fit {check.rule}", wrong.expected, wrong.observed,
            requirement=wrong.requirement or check.requires, evidence=(at(role, place),),
        )  # fmt: skip


def _exact(role: str, check: Check, received: scripts.Received, other: tuple[Step, ...], trace: Trace, findings: Findings) -> None:
    assert check.octets is not None
    wanted = [check.octets.successor(k) for k in range(check.count)]
    missing = [w.measure() for w in wanted]
    described = {w.measure(): _described(w) for w in wanted}
    for place, step in received.steps:
        got = (step.octets or 0, step.digest or "")
        expected = described[missing[0]]
        if got in (missing if check.any_order else missing[:1]):
            missing.remove(got)
            continue
        _wrong_content(role, check, place, step, expected, other, trace, findings)
        return


def _wrong_content(role: str, check: Check, place: int, step: Step, expected: str, other: tuple[Step, ...], trace: Trace, findings: Findings) -> None:
    """The receiver says that something else came. The sender is to blame where the wire or its own report confirms that; on one machine its
    report tells what it sent, but not in which order that was to come.
    """
    local = findings.local
    sender = OTHER[role]
    sent = [s for s in other if s.step == "sent"]
    total = sum(s.octets or 0 for s in sent)
    seen = wire.confirms(trace, role, place)
    if seen is False:
        return  # the receiver misreports: that is found where its report is held against the wire
    confirmed = seen or (not local and any((s.octets, s.digest) == (step.octets, step.digest) for s in sent))
    observed = amount(step.octets, step.digest) + (f": {_shown(step.hex)}" if step.hex else "")
    says = f"the {role} did not get the octets that were due"
    if confirmed or not sent:
        findings.add(NONCONFORMANT, sender, says, expected, observed, requirement=check.requires, evidence=(at(role, place),))
    else:
        told = f"{observed}; the {sender} reports to have sent {amount(total, sent[0].digest if len(sent) == 1 else None)}"
        findings.add(
            DISAGREE,
            "both",
            f"{says}, and the two reports contradict each other",
            expected,
            told,
            requirement=check.requires,
            evidence=(at(role, place),),
        )


def _described(payload: Payload) -> str:
    """What was to come; small contents in full, as they are shown where something else came."""
    words = amount(*payload.measure())
    return f"{words}: {_shown(payload.octets().hex())}" if 0 < payload.length() <= _SMALL else words


def _shown(text: str) -> str:
    return text if len(text) <= 48 else f"{text[:48]}..."


# -- agreement: the two reports against each other ------------------------------------------------------------


def _addresses(trace: Trace, server: tuple[Step, ...], findings: Findings, transport: str) -> None:
    connected, accepted = first(trace.client.steps, "connected"), first(server, "accepted")
    if connected and connected.remote and connected.remote != trace.asked:
        findings.add(MISREPORT, "client", "the client reports another address than it was given", _address(trace.asked), _address(connected.remote))
    if transport in transports.DATAGRAMS or connected is None:
        return
    shown = bool(trace.wire.flows) and trace.wire.flows[0].established
    if shown and (accepted is None or accepted.remote != connected.local):
        says = "the server does not report the connection that the wire shows"
        findings.add(MISREPORT, "server", says, _address(connected.local), _address(accepted.remote if accepted else None))
    elif accepted is None:
        told = f"the client reports a connection from {_address(connected.local)}"
        findings.add(DISAGREE, "both", "the server reports no connection from the client's address", told, "none")
    elif accepted.remote != connected.local:
        findings.add(DISAGREE, "both", "the two sides report different client addresses", _address(connected.local), _address(accepted.remote))
    elif accepted.local is not None and accepted.local != trace.asked:
        findings.add(MISREPORT, "server", "the server reports to have accepted on another address", _address(trace.asked), _address(accepted.local))


def _address(address: tuple[str, int] | None) -> str:
    return f"{address[0]} port {address[1]}" if address else "none"


def _agreement(case: Case, trace: Trace, server: tuple[Step, ...], findings: Findings) -> None:
    scenario = case.scenario
    assert scenario.client is not None
    if scenario.server and scenario.place == "machine":
        machine.agreement(scenario.client, scenario.server, trace, findings)
    if scenario.transport in transports.RECORDS:
        _datagrams_agree(case, trace, server, findings)
    if scenario.transport not in transports.STREAMS or scenario.joined:
        return
    if not scenario.server and (not server or server[-1].step != "closed" or not trace.server.connections[0].done):
        findings.add(NONCONFORMANT, "server", "the server did not close the connection", "'closed'", f"'{server[-1].step}'" if server else "nothing")
        return
    if not scenario.server and not _told_whole(trace.client.steps, server, findings):
        return
    _direction(scenario.client, trace.client.steps, server, "client", findings)
    if scenario.server:
        _direction(scenario.server, server, trace.client.steps, "server", findings)
    else:
        _service_sent(trace.client.steps, server, findings)


def _told_whole(client: tuple[Step, ...], server: tuple[Step, ...], findings: Findings) -> bool:
    """Whether a service tells all that the contract asks of a connection, once, and nothing else."""
    names = [s.step for s in server]
    orderly = first(client, "end") is not None
    needed = {"accepted", "received", "sent", "closed"}.issubset(names) and ("end" in names or ("reset" in names and not orderly))
    # a writer may take the reset's error away from the reader, who then sees an end: both are told
    if needed and (names[0], names[-1]) == ("accepted", "closed") and len(set(names)) == len(names) and _OF_A_CONNECTION.issuperset(names):
        return True
    expected = "accepted, received, sent, end or reset, half-closed if so, closed"
    findings.add(CONTRACT, "server", "the server does not tell the connection as the contract has it", expected, ", ".join(names))
    return False


def _direction(script: Script, sender: tuple[Step, ...], receiver: tuple[Step, ...], role: str, findings: Findings) -> None:
    """What one script sent against what the other side says it received, where that read to the end."""
    if first(receiver, "end") is None or first(sender, "reset") is not None:
        return
    octets, digest = script.stream
    got = [s for s in receiver if s.step == "received"]
    total = sum(s.octets or 0 for s in got)
    if total != octets or (len(got) == 1 and got[0].digest != digest):
        says = f"the two sides contradict each other on what the {role} sent"
        observed = amount(total, got[0].digest if len(got) == 1 else None)
        findings.add(DISAGREE, "both", says, f"{amount(octets, digest)} as the {role} reports", f"{observed} as the {OTHER[role]} reports")


def _service_sent(client: tuple[Step, ...], server: tuple[Step, ...], findings: Findings) -> None:
    """What the service says it sent against what the client got."""
    sent = first(server, "sent")
    got = [s for s in client if s.step == "received"]
    total = sum(s.octets or 0 for s in got)
    sent_octets = sent.octets or 0 if sent else 0
    read_to_the_end = first(client, "end") is not None
    same = sent_octets == total and (len(got) != 1 or sent is None or sent.digest == got[0].digest) if read_to_the_end else sent_octets >= total
    if not same:
        says = "the two sides contradict each other on what the server sent"
        told = amount(sent_octets, sent.digest if sent else None)
        observed = amount(total, got[0].digest if len(got) == 1 else None)
        findings.add(DISAGREE, "both", says, f"{told} as the server reports", f"{observed} as the client reports")


def _datagrams_agree(case: Case, trace: Trace, server: tuple[Step, ...], findings: Findings) -> None:
    """Each side's datagrams, as sets: what one sent the other received."""
    local = next((s.local for s in trace.client.steps if s.local), None)
    if case.scenario.transport in transports.DATAGRAMS and (local is None or local[0] in _UNSPECIFIED):
        findings.add(CONTRACT, "client", "the client does not tell the address that its datagrams leave from", "'bound' with it", _address(local))
        return
    pairs = (("client", trace.client.steps, server, "server"), ("server", server, trace.client.steps, "client"))
    for sender, out, into, receiver in pairs:
        sent = sorted((s.octets or 0, s.digest or "") for s in out if s.step == "sent")
        got = sorted((s.octets or 0, s.digest or "") for s in into if s.step == "received")
        if case.scenario.transport == "multicast" and all(one in sent for one in got):
            continue  # who is in no group, or in it for others' sake, gets nothing
        if sent != got and not (sender == "server" and case.scenario.server is None and _unread(case, sent, got)):
            says = f"the two sides contradict each other on the datagrams that the {sender} sent"
            findings.add(
                DISAGREE, "both", says, f"{len(sent)} as the {sender} reports: {_sizes(sent)}", f"{len(got)} as the {receiver} reports: {_sizes(got)}"
            )


def _unread(case: Case, sent: list[tuple[int, str]], got: list[tuple[int, str]]) -> bool:
    """Whether the client just did not read all that was sent to it, as its script has it."""
    script = case.scenario.client
    asked = sum(c.count for c in script.checks if not c.quiet) if script else 0
    return len(got) == asked < len(sent) and all(g in sent for g in got)


def _sizes(datagrams: list[tuple[int, str]]) -> str:
    return ", ".join(str(octets) for octets, _ in datagrams[:8]) + (" ..." if len(datagrams) > 8 else "")
