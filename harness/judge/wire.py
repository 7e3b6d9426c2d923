"""The third witness: each side's report held against what the wire showed, and the wire against the standards.

Where the two reports contradict each other, the wire tells who is wrong; where both agree and the wire shows something else, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.judge.base import OTHER, Findings, amount, at, first
from harness.judge.rules import ALWAYS, WIRE_RULES
from harness.model import transports
from harness.model.case import Case
from harness.model.result import MISREPORT, NONCONFORMANT
from harness.model.trace import Step, Trace
from harness.model.wire import Datagram, Flow, Sent

_CLOCKS, _LATER, _MUCH_LATER = 250_000, 500_000, 5_000_000
"""Microseconds that clocks may be apart, and that octets may lie in a busy sender's own buffers: few of them, and many."""
_FEW = 65_536
_DROPPED = frozenset(
    {"RFC9293-3.1-checksum", "RFC9293-3.1-header-format", "RFC768-fields-length-counts-header", "RFC768-fields-checksum-pseudo-header"}
)
_PROVOKING = frozenset({"RFC959-4.1.2-port-six-numbers", "RFC2428-2-eprt-format"})
"""Of native FTP clients: what is not well-formed, servers may answer as they like."""
RESET_ENDS = "RFC9293-3.5.3-rst-kills-connection"
_KEEPALIVE = "RFC9293-3.8.4-keepalive-default-off"
_MESSAGES = ("RFC9110-", "RFC9112-", "RFC5321-", "RFC959-", "RFC1123-4.1", "RFC2428-", "RFC3550-")
_Told = tuple[tuple[int, Step], ...]


def standards(case: Case, trace: Trace, findings: Findings) -> None:
    """The wire rules: those that always hold, and those that the spec asks for."""
    wire = trace.wire
    if wire.absent:
        return
    for rule in ALWAYS:
        for shown in rule(wire, trace.asked):
            if shown.requirement.startswith(_MESSAGES) and getattr(case.scenario, shown.side) is not None:
                continue  # that side is a script: its messages are the spec's
            if shown.requirement == _KEEPALIVE and case.scenario.speaks_http:
                continue  # an application may turn them on, and an HTTP stack is one
            evidence = tuple(f"frame {n}" for n in shown.frames)
            findings.add(NONCONFORMANT, shown.side, shown.says, shown.expected, shown.observed, requirement=shown.requirement, evidence=evidence)
    for check in case.scenario.wire:
        wrong = WIRE_RULES[check.rule](wire, check.by, check.count)
        if wrong:
            says = f"the wire does not show what it must of the {check.by} ({check.rule})"
            findings.add(NONCONFORMANT, check.by, says, *wrong, requirement=check.requires)


def leave_causes(findings: Findings) -> None:
    """A frame that every receiver must drop explains what follows from that: of its sender's breaks of the standard, only the cause stays."""
    guilty = {f.side for f in findings.list if f.requirement in _DROPPED}
    findings.list[:] = [f for f in findings.list if f.side not in guilty or f.requirement in _DROPPED]
    provoked = [f for f in findings.list if f.requirement in _PROVOKING and f.side == "client"]
    if provoked:  # who is asked for the wrong thing may refuse it
        findings.list[:] = provoked


def refused(case: Case, trace: Trace) -> bool:
    """Whether the wire shows that nobody listens: RST in answer to the SYN, or port unreachable."""
    if case.scenario.transport in transports.DATAGRAMS:
        return any(e.what == "port" for e in trace.wire.errors)
    return bool(trace.wire.flows) and bool(trace.wire.flows[0].server.rst_frame) and not trace.wire.flows[0].established


def reports(case: Case, trace: Trace, server: tuple[Step, ...], findings: Findings) -> None:
    """Each side's report against the wire. Whatever it tells that the wire does not show is its misreport."""
    if trace.wire.absent:
        return
    client = trace.client.steps
    if case.scenario.transport in transports.DATAGRAMS:
        _datagrams(trace, client, server, findings)
    elif trace.wire.flows:
        flow = trace.wire.flows[0]
        sides = (("client", client, trace.client, flow.client, flow.server), ("server", server, trace.server, flow.server, flow.client))
        for role, steps, side, sent, came in sides:
            if _never_stood(role, steps, flow, findings):
                continue
            _stream(role, steps, sent, came, findings)
            _course(role, steps, side.offset, flow, sent, came, findings)
    elif connected := first(client, "connected"):
        where = at("client", client.index(connected))
        findings.add(
            MISREPORT, "client", "the client reports a connection that the wire does not show", "SYN and its answer", "none", evidence=(where,)
        )


def _never_stood(role: str, steps: tuple[Step, ...], flow: Flow, findings: Findings) -> bool:
    """Adds a finding and returns True if a side tells of a connection that never stood: what else it tells of it is no news then."""
    told = _named(steps, "connected") or _named(steps, "accepted")
    if not told or flow.established:
        return False
    says = f"the {role} reports '{told[0][1].step}', and the wire does not show it"
    observed = "SYN and no answer" if flow.client.syn_times and not flow.server.syn_times else "no more than a part of it"
    findings.add(MISREPORT, role, says, "SYN, SYN and ACK, ACK", observed, evidence=_places(role, told))
    return True


def confirms(trace: Trace, role: str, place: int) -> bool | None:
    """Whether the wire shows what the side's step number ``place`` (from 0) reports as received; None if it cannot tell."""
    steps = (trace.client if role == "client" else trace.server).account
    step = steps[place]
    if trace.wire.datagrams:
        return any((d.octets, d.digest) == (step.octets, step.digest) for d in trace.wire.datagrams if d.by == OTHER[role] and d.arrived)
    if not trace.wire.flows:
        return None
    came = trace.wire.flows[0].server if role == "client" else trace.wire.flows[0].client
    start = sum(s.octets or 0 for s in steps[:place] if s.step == "received")
    digest = {(s.start, s.octets): s.digest for s in came.slices}.get((start, step.octets or 0))
    return None if digest is None else digest == step.digest or not step.octets


# -- octets over TCP ------------------------------------------------------------------------------------------


def _stream(role: str, steps: tuple[Step, ...], sent: Sent, came: Sent, findings: Findings) -> None:
    """What a side reports to have sent and received, piece by piece, against the streams on the wire."""
    cut_off = bool(sent.rst_frame or came.rst_frame or _held(came))
    told = _named(steps, "sent")
    if told and not _told_right(role, "sent", told, sent, findings) and not cut_off:
        total = sum(s.octets or 0 for _, s in told)
        if total != sent.octets and (sent.fin_frame or first(steps, "failed") is None):
            says = f"the {role} reports another number of octets sent than the wire shows"
            findings.add(MISREPORT, role, says, f"{sent.octets:,} octets on the wire", f"{total:,} reported", evidence=_places(role, told))
    got = _named(steps, "received")
    if got and not _told_right(role, "received", got, came, findings):
        total = sum(s.octets or 0 for _, s in got)
        whole = first(steps, "end") is not None
        if total > came.octets or (whole and total != came.octets):
            says = f"the {role} reports another number of octets received than the wire shows"
            findings.add(MISREPORT, role, says, f"{came.octets:,} octets on the wire", f"{total:,} reported", evidence=_places(role, got))


def _told_right(role: str, word: str, told: _Told, stream: Sent, findings: Findings) -> bool:
    """Adds a finding and returns True at the first piece whose digest the wire contradicts."""
    slices = {(s.start, s.octets): s.digest for s in stream.slices}
    start = 0
    for place, step in told:
        octets = step.octets or 0
        seen = slices.get((start, octets))
        start += octets
        if seen is not None and octets and step.digest != seen:
            says = f"the {role} reports other octets {word} than the wire shows"
            findings.add(MISREPORT, role, says, amount(octets, seen), amount(octets, step.digest), evidence=(at(role, place),))
            return True
    return False


def _named(steps: tuple[Step, ...], name: str) -> _Told:
    return tuple((i, s) for i, s in enumerate(steps) if s.step == name)


def _places(role: str, told: _Told) -> tuple[str, ...]:
    return tuple(at(role, place) for place, _ in told[:4])


# -- the life cycle over TCP ----------------------------------------------------------------------------------


def _course(role: str, steps: tuple[Step, ...], offset: int, flow: Flow, sent: Sent, came: Sent, findings: Findings) -> None:
    """Each step of the life cycle that a side reports, against the segments that make it."""
    names = {s.step for s in steps}
    for name, says, seen in _claims(role, names, sent, came):
        if name in names and not seen:
            place = next(i for i, s in enumerate(steps) if s.step == name)
            findings.add(
                MISREPORT, role, f"the {role} reports '{name}', and the wire does not show it", says, _ending(sent, came), evidence=(at(role, place),)
            )
    _too_early(role, steps, offset, sent, came, findings)
    for place, step in enumerate(steps):
        if step.step == "reset":
            _reset(role, place, step, sent, came, findings)
        elif step.step == "end" and came.rst_frame and not came.fin_frame and "reset" not in names:
            # where both are told, a writer took the reset's error away from the reader
            says, shown = f"the {role} takes a reset for an orderly end", f"RST in frame {came.rst_frame}, and no FIN"
            findings.add(NONCONFORMANT, role, says, "'reset'", f"'end'; {shown}", requirement=RESET_ENDS, evidence=(at(role, place),))
        elif step.step == "failed" and step.error == "refused" and not came.rst_frame:
            says = f"the {role} reports that it was refused, and the wire shows no refusal"
            findings.add(MISREPORT, role, says, "RST", "none", evidence=(at(role, place),))
        elif (
            step.step == "failed" and step.error == "timeout" and flow.established and step.at == 0 and role == "client" and "connected" not in names
        ):
            says = "the client reports that it could not connect in time, and the wire shows the connection"
            findings.add(MISREPORT, role, says, "'connected'", "'failed'", evidence=(at(role, place),))


def _too_early(role: str, steps: tuple[Step, ...], offset: int, sent: Sent, came: Sent, findings: Findings) -> None:
    """What is reported long before it is on the wire was not done when it was told. Octets that wait for a window may leave late."""
    delayed = came.zero_window_frame or sent.again
    late = {"end": (came.fin_time, f"the {OTHER[role]}'s FIN")}
    if not delayed:
        late |= {"half-closed": (sent.fin_time, "its FIN"), "sent": (sent.last_octet, "its last octet")}
    for place, step in reversed(list(enumerate(steps))):
        moment, what = late.pop(step.step, (0, ""))
        told = step.t + offset
        tolerance = _CLOCKS if step.step == "end" else _LATER if sent.octets <= _FEW else _MUCH_LATER
        if moment > told + tolerance:
            says = f"the {role} reports '{step.step}' before it happened"
            observed = f"{what} left {(moment - told) / 1e6:.2f} s after the report"
            findings.add(MISREPORT, role, says, f"{what} on the wire", observed, evidence=(at(role, place),))


def _claims(role: str, names: set[str], sent: Sent, came: Sent) -> Iterable[tuple[str, str, bool]]:
    """(step, what the wire must show for it, whether it does)."""
    yield "end", f"the {OTHER[role]}'s FIN", bool(came.fin_frame or came.rst_frame)
    yield "half-closed", "a FIN", bool(sent.fin_frame or came.rst_frame or _held(came))
    if names & {"connected", "accepted"}:
        yield "closed", "a FIN or RST", bool(sent.fin_frame or sent.rst_frame or came.rst_frame or _held(came))


def _held(came: Sent) -> bool:
    """Whether the other side's window closed and stayed so: what was sent, and the FIN behind it, still waits."""
    return bool(came.zero_window_frame) and came.reopened_with < 0


def _reset(role: str, place: int, step: Step, sent: Sent, came: Sent, findings: Findings) -> None:
    who = sent if step.by == "us" else came
    whose = role if step.by == "us" else OTHER[role]
    if not who.rst_frame:
        says = f"the {role} reports a reset by the {whose}, and the wire shows none"
        findings.add(MISREPORT, role, says, f"an RST of the {whose}'s", _ending(sent, came), evidence=(at(role, place),))


def _ending(sent: Sent, came: Sent) -> str:
    words = []
    for whose, side in (("its own", sent), ("the other side's", came)):
        words += [f"{whose} {name} in frame {n}" for name, n in (("FIN", side.fin_frame), ("RST", side.rst_frame)) if n]
    return ", ".join(words) or "neither FIN nor RST"


# -- datagrams ------------------------------------------------------------------------------------------------


def _datagrams(trace: Trace, client: tuple[Step, ...], server: tuple[Step, ...], findings: Findings) -> None:
    """What each side reports to have sent and received, as sets, against the datagrams that left and arrived."""
    seen = trace.wire.datagrams
    for role, steps in (("client", client), ("server", server)):
        left = [d for d in seen if d.by == role and d.left]
        arrived = [d for d in seen if d.by == OTHER[role] and d.arrived]
        _as_sets(role, "sent", _named(steps, "sent"), left, findings, exact=bool(steps))
        _as_sets(role, "received", _named(steps, "received"), arrived, findings, exact=False)


def _as_sets(role: str, word: str, told: _Told, seen: list[Datagram], findings: Findings, *, exact: bool) -> None:
    left = [(d.octets, d.digest) for d in seen]
    for place, step in told:
        got = (step.octets or 0, step.digest or "")
        if got in left:
            left.remove(got)
            continue
        says = f"the {role} reports a datagram {word} that the wire does not show"
        observed = ", ".join(f"{d.octets} octets in frame {d.number}" for d in seen[:6]) or "none"
        findings.add(MISREPORT, role, says, amount(*got), observed, evidence=(at(role, place),))
        return
    if exact and left:
        says = f"the wire shows datagrams that the {role} does not report to have {word}"
        findings.add(MISREPORT, role, says, f"{len(told)} reported", f"{len(seen)} on the wire")
