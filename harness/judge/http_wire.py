"""HTTP exchanges, three witnesses: what each side was told to do and tells of it, held against the messages on the wire.

Where the wire shows a message, no question is left who is wrong: the stack that sent something else than it was given, or the side that
tells something else than came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.judge.base import Findings, amount, at, failure
from harness.judge.rules.rfc9112 import answers
from harness.model.case import Exchange
from harness.model.http import Message
from harness.model.result import MISREPORT, NONCONFORMANT
from harness.model.trace import Step, Trace

HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "te", "keep-alive", "upgrade", "trailer", "proxy-connection"})
"""Fields that a stack may take for itself (RFC 9110 section 7.6.1)."""
Numbered = tuple[int, Step]


def combined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Fields by lower-case name, values of one name joined in order (RFC 9110 section 5.3)."""
    found: dict[str, list[str]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), []).append(value.strip(" \t"))
    return {name: ", ".join(values) for name, values in found.items()}


def judge(exchanges: Sequence[Exchange], trace: Trace, responses: Sequence[Numbered], served: Sequence[Step], findings: Findings) -> None:
    """Adds what the wire contradicts. Says nothing where it does not show every exchange whole."""
    seen = [pair for flow in trace.wire.flows for pair in answers(flow)]
    if len(seen) != len(exchanges) or not all(m.complete for pair in seen for m in pair):
        return
    requests, given = [s for s in served if s.step == "request"], [s for s in served if s.step == "response"]
    for i, (exchange, (request, response)) in enumerate(zip(exchanges, seen, strict=True)):
        what = f"{exchange.request['method']} {exchange.request['target']} (request {i + 1})"
        _asked(what, exchange, request, findings)
        if i < len(requests):
            _handed_over(what, requests[i], request, findings)
        if i < len(given):
            _answered(what, given[i], response, findings)
        if i < len(responses):
            _read(what, responses[i], exchange, response, findings)
        elif i == len(responses):
            _missed(what, exchange, trace, response, findings)


def _missed(what: str, exchange: Exchange, trace: Trace, came: Message, findings: Findings) -> None:
    """The client tells of no response where one came whole."""
    failed = next((i for i, s in enumerate(trace.client.steps) if s.step == "failed"), None)
    if failed is None:
        return  # that it says neither is told elsewhere
    says = f"{what}: the response came whole, and the client reports none"
    told, evidence = failure(trace.client.steps[failed]), (at("client", failed),)
    findings.add(NONCONFORMANT, "client", says, f"status {came.status}", told, requirement=exchange.answer.requires, evidence=evidence)


def _content(message: Message | Step) -> tuple[int, str]:
    octets = message.octets or 0
    return octets, (message.digest or "") if octets else ""


def _asked(what: str, exchange: Exchange, sent: Message, findings: Findings) -> None:
    """What the client's stack made of the request that it was given."""
    told = exchange.request
    body = (exchange.body.length(), exchange.body.digest() if exchange.body.length() else "") if exchange.body else (0, "")
    for name, wanted, found in (("method", told["method"], sent.method), ("target", told["target"], sent.target)):
        if wanted != found:
            findings.add(NONCONFORMANT, "client", f"{what}: the {name} is not sent as the client was given it", repr(wanted), repr(found))
    if body != _content(sent):
        findings.add(NONCONFORMANT, "client", f"{what}: the content is not sent as the client was given it", amount(*body), amount(*_content(sent)))
    _fields(what, "client", "is not sent as the client was given it", NONCONFORMANT, combined((n, v) for n, v in told["fields"]), sent, findings)


def _fields(what: str, side: str, says: str, kind: str, wanted: Mapping[str, str], message: Message, findings: Findings) -> None:
    found = combined(message.fields)
    for name, value in wanted.items():
        if name not in HOP_BY_HOP and found.get(name) != value:
            findings.add(kind, side, f"{what}: field {name} {says}", repr(value), repr(found.get(name)))


def _handed_over(what: str, told: Step, came: Message, findings: Findings) -> None:
    """What the server tells of the request, against what came."""
    for name, wanted, found in (("method", came.method, told.method), ("target", came.target, told.target)):
        if wanted != found:
            findings.add(MISREPORT, "server", f"{what}: the server reports another {name} than came", repr(wanted), repr(found))
    if _content(told) != _content(came):
        findings.add(MISREPORT, "server", f"{what}: the server reports another content than came", amount(*_content(came)), amount(*_content(told)))


def _answered(what: str, told: Step, sent: Message, findings: Findings) -> None:
    """What the server's stack made of the answer that it was given."""
    if told.status != sent.status:
        findings.add(NONCONFORMANT, "server", f"{what}: another status is sent than the stack was given", str(told.status), str(sent.status))
    elif _content(told) != _content(sent):
        says = f"{what}: another content is sent than the stack was given"
        findings.add(NONCONFORMANT, "server", says, amount(*_content(told)), amount(*_content(sent)))


def _read(what: str, told: Numbered, exchange: Exchange, came: Message, findings: Findings) -> None:
    """What the client tells of the response, against what came; of the fields, those that the spec speaks of."""
    place, step = told
    reported, sent = combined(step.fields or ()), combined(came.fields)
    for name in {name.lower() for name, _ in exchange.answer.fields} & sent.keys():
        if reported.get(name) != sent[name]:
            says, evidence = f"{what}: the client reports another field {name} than came", (at("client", place),)
            findings.add(MISREPORT, "client", says, repr(sent[name]), repr(reported.get(name)), evidence=evidence)
    if step.status != came.status:
        says = f"{what}: the client reports another status than came"
        findings.add(MISREPORT, "client", says, str(came.status), str(step.status), evidence=(at("client", place),))
    elif _content(step) != _content(came):
        says = f"{what}: the client reports another content than came"
        findings.add(MISREPORT, "client", says, amount(*_content(came)), amount(*_content(step)), evidence=(at("client", place),))
