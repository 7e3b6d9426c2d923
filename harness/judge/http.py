"""HTTP exchanges between native stacks: each response against the spec, and what each side was handed against what the other was told."""

from __future__ import annotations

from collections.abc import Iterable

from harness.judge import http_wire
from harness.judge.base import Findings, amount, at, failure, same
from harness.judge.http_wire import HOP_BY_HOP, Numbered, combined
from harness.model.case import Case, Exchange
from harness.model.payload import Payload
from harness.model.result import CONTRACT, DISAGREE, NONCONFORMANT
from harness.model.trace import Step, Trace


def judge(case: Case, trace: Trace, findings: Findings) -> None:
    """Adds what is wrong with the exchanges of a case."""
    responses = _numbered(trace.client.steps, "response")
    served = [s for c in trace.server.connections for s in c.steps]
    http_wire.judge(case.scenario.exchanges, trace, responses, served, findings)
    if findings:
        return  # who is wrong is known
    requests, answers = _named(served, "request"), _named(served, "response")
    for i, exchange in enumerate(case.scenario.exchanges):
        if i >= len(responses):
            _no_response(i, exchange, trace, len(requests), findings)
            break
        request = requests[i] if i < len(requests) else None
        answer = answers[i] if i < len(answers) else None
        _response(i, exchange, responses[i], answer, findings)
        _request(i, exchange, request, findings)
    if not findings:
        _connections(case, trace, findings)


def _numbered(steps: Iterable[Step], name: str) -> list[Numbered]:
    return [(i, s) for i, s in enumerate(steps) if s.step == name]


def _named(steps: Iterable[Step], name: str) -> list[Step]:
    return [s for s in steps if s.step == name]


def _what(i: int, exchange: Exchange) -> str:
    return f"{exchange.request['method']} {exchange.request['target']} (request {i + 1})"


def _no_response(i: int, exchange: Exchange, trace: Trace, seen: int, findings: Findings) -> None:
    failed = next((s for s in trace.client.steps if s.step == "failed"), None)
    why = failure(failed) if failed else "the client does not say why"
    if failed is None:
        findings.add(CONTRACT, "client", f"{_what(i, exchange)} is missing in the client's report", "'response' or 'failed'", "neither")
        return
    if not any(s.step == "connected" for s in trace.client.steps) and failed.error == "other":
        says = f"{_what(i, exchange)} got no response, and the client does not report 'connected': nobody knows what the server was asked"
        findings.add(CONTRACT, "client", says, "'connected' with its local address, then 'response' or 'failed'", why)
        return
    served = "the server reports to have been handed it" if seen > i else "the server reports no such request"
    findings.add(
        NONCONFORMANT if seen <= i else DISAGREE, "server" if seen <= i else "both", f"{_what(i, exchange)} got no response",
        f"status {exchange.answer.status}", f"{why}; {served}", requirement=exchange.answer.requires,
        evidence=(at("client", trace.client.steps.index(failed)),),
    )  # fmt: skip


# -- the response, as the client's stack hands it over --------------------------------------------------------


def _response(i: int, exchange: Exchange, numbered: Numbered, answer: Step | None, findings: Findings) -> None:
    place, response = numbered
    what, wanted = _what(i, exchange), exchange.answer
    evidence, cited = (at("client", place),), wanted.requires
    if response.status != wanted.status:
        agreed = answer is None or answer.status == response.status
        kind, side = (NONCONFORMANT, "server") if agreed else (DISAGREE, "both")
        told = "" if agreed or answer is None else f"; the server reports to have answered {answer.status}"
        findings.add(kind, side, f"{what} has another status", str(wanted.status), f"{response.status}{told}", requirement=cited, evidence=evidence)
        return
    for name, value in combined(wanted.fields).items():
        got = combined(response.fields or ()).get(name)
        if got != value:
            findings.add(
                NONCONFORMANT, "server", f"{what}: field {name} of the response", repr(value), repr(got), requirement=cited, evidence=evidence
            )
    for name in wanted.present:
        if name.lower() not in combined(response.fields or ()):
            findings.add(
                NONCONFORMANT, "server", f"{what}: field {name} is missing in the response", "present", "absent", requirement=cited, evidence=evidence
            )
    for name in wanted.absent:
        if name.lower() in combined(response.fields or ()):
            findings.add(
                NONCONFORMANT,
                "server",
                f"{what}: field {name} must not be in the response",
                "absent",
                "present",
                requirement=cited,
                evidence=evidence,
            )
    _content(what, exchange, response, answer, findings, evidence)


def _content(what: str, exchange: Exchange, response: Step, answer: Step | None, findings: Findings, evidence: tuple[str, ...]) -> None:
    cited = exchange.answer.requires
    got = (response.octets or 0, response.digest)
    if response.complete is False:
        findings.add(
            NONCONFORMANT, "server", f"{what}: the content of the response broke off", "complete", amount(*got), requirement=cited, evidence=evidence
        )
        return
    told = (answer.octets or 0, answer.digest) if answer else None
    wanted = _wanted_content(exchange)
    if wanted is not None and not same(got, wanted):
        confirmed = told is None or same(got, told)
        kind, side = (NONCONFORMANT, "server") if confirmed else (DISAGREE, "both")
        observed = amount(*got) + ("" if confirmed or told is None else f"; the server reports {amount(*told)}")
        findings.add(kind, side, f"{what} has another content", amount(*wanted), observed, requirement=cited, evidence=evidence)
    elif told is not None and not same(got, told):
        says = f"{what}: the two sides contradict each other on the content"
        findings.add(DISAGREE, "both", says, f"{amount(*told)} as the server reports", amount(*got), requirement=cited, evidence=evidence)


def _wanted_content(exchange: Exchange) -> tuple[int, str | None] | None:
    answer = exchange.answer
    if not answer.body_stated:
        return None
    body = exchange.body if answer.body == "same" else answer.body
    return body.measure() if isinstance(body, Payload) else (0, None)


# -- the request, as the server's stack hands it over ---------------------------------------------------------


def _request(i: int, exchange: Exchange, request: Step | None, findings: Findings) -> None:
    what, asked = _what(i, exchange), exchange.request
    if request is None:
        findings.add(DISAGREE, "both", f"{what} got a response, but the server reports no such request", "'request'", "none")
        return
    for name, told, got in (("method", asked["method"], request.method), ("target", asked["target"], request.target)):
        if told != got:
            findings.add(DISAGREE, "both", f"{what}: the {name} did not arrive as the client was given it", repr(told), repr(got))
    got_fields = combined(request.fields or ())
    for name, value in combined((n, v) for n, v in asked["fields"]).items():
        if name not in HOP_BY_HOP and got_fields.get(name) != value:
            findings.add(DISAGREE, "both", f"{what}: field {name} did not arrive as the client was given it", repr(value), repr(got_fields.get(name)))
    body = exchange.body
    sent = body.measure() if body else (0, None)
    came = (request.octets or 0, request.digest)
    if not same(sent, came):
        findings.add(DISAGREE, "both", f"{what}: the content did not arrive as the client was given it", amount(*sent), amount(*came))


def _connections(case: Case, trace: Trace, findings: Findings) -> None:
    made = [s for s in trace.client.steps if s.step == "connected"]
    wanted = case.scenario.connections
    if wanted is not None and len(made) != wanted:
        findings.add(NONCONFORMANT, "both", "the exchanges took another number of connections", str(wanted), str(len(made)))
    for number, connection in enumerate(trace.server.connections):
        if not connection.done:
            findings.add(NONCONFORMANT, "server", f"the server did not close connection {number + 1}", "'closed'", f"'{connection.steps[-1].step}'")
