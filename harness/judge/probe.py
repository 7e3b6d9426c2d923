"""Probes: what one side did with the octets that put it to the test, against all that it may do.

Framing is judged by what happens next: a server that read a message to its true end serves the sentinel that follows, one that did not
takes the sentinel for something else. Nothing is made of what a side does that fails the control.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from harness.judge.base import Findings, amount, at, failure, first, same
from harness.model.case import Case
from harness.model.http import Message
from harness.model.payload import Payload, sha256
from harness.model.probe import CLOSE, NONE, OPEN, SENTINEL, SERVED, Outcome, Probe
from harness.model.result import NONCONFORMANT, Finding
from harness.model.trace import Side, Step, Trace
from harness.wire import http

_CONTROL = ((200, b"probed\n"), (404, None), (200, b"hello"), (200, b"hello"), (200, b""), (200, b"the sentinel\n"))
"""What a server must answer to the control: status and content."""
_SEMANTICS, _STATUS_LINE = "RFC9110-", "RFC9112-4-status-line-sp"
_CLIENT_CONTROL = b"control\n"


class Seen(msgspec.Struct, frozen=True):
    """What came of a probe. ``ending``: ``close``, ``open`` or ``reset``; ``lost``: the connection broke before anything could be read."""

    answers: tuple[Message, ...] = ()
    interim: tuple[int, ...] = ()
    sentinel: bool = False
    ending: str = OPEN
    lost: bool = False

    def __str__(self) -> str:
        words = [str(n) for n in self.interim] + [_word(m) for m in self.answers]
        words += [SENTINEL] if self.sentinel else []
        return ", ".join([*(words or ["no answer"]), self.ending])


def _word(message: Message) -> str:
    if not message.status:
        return "octets without a status line"
    return f"{message.status}" + ("" if message.complete else " broken off")


def judge(case: Case, trace: Trace, findings: Findings) -> tuple[str, str]:
    """Adds a finding if nothing that is allowed came of it. Returns (why there is no verdict, or nothing; what was observed, in words)."""
    probe = case.scenario.probe
    assert probe is not None
    if trace.control is None:
        return "no verdict: there was no control", ""
    return (_of_server if probe.of == "server" else _of_client)(case, probe, trace, findings)


def of_the_wire(probe: Probe, shown: Findings) -> list[Finding]:
    """What the wire shows of the side that is put to the test, as far as it has to do with messages' form and TCP. What a refusal must carry
    has probes of its own: else each fault of a stack's standard refusal would stand at every probe that it refuses.
    """
    return [f for f in shown.list if f.side == probe.of and not f.requirement.startswith(_SEMANTICS) and f.requirement != _STATUS_LINE]


def _wrong(probe: Probe, observed: str, place: int, findings: Findings) -> None:
    says = f"the {probe.of} does with it what it may not"
    expected = "; or ".join(str(outcome) for outcome in probe.allow)
    findings.add(NONCONFORMANT, probe.of, says, expected, observed, evidence=(at("client", place),))


def _fits(status: int, allowed: str) -> bool:
    """``400`` or ``4xx``."""
    return str(status)[0] == allowed[0] if allowed.endswith("xx") else str(status) == allowed


# -- servers --------------------------------------------------------------------------------------------------


def _of_server(case: Case, probe: Probe, trace: Trace, findings: Findings) -> tuple[str, str]:
    ordinary = case.scenario.control
    assert trace.control is not None and ordinary is not None and ordinary.probe is not None
    asked = (*ordinary.probe.methods, "GET")
    control = _seen(trace.control[0], asked, None)
    problem = _control_of_a_stranger(control, len(asked)) if trace.attached else _control_problem(control)
    if problem:
        return f"no verdict: server {case.server} does not answer ordinary requests as it must: {problem}", ""
    methods = (*probe.methods, "GET") if probe.sentinel else probe.methods
    seen = _seen(trace.client, methods, control.answers[-1] if probe.sentinel else None, trace.attached)
    served: dict[str, int] = {}
    for method, message in zip(asked, control.answers, strict=True):
        served.setdefault(method, message.status)
    allow = tuple(msgspec.structs.replace(o, body=None) for o in probe.allow) if trace.attached else probe.allow
    if not any(_server_may(outcome, seen, probe, served) for outcome in allow):
        came = [i for i, s in enumerate(trace.client.steps) if s.step == "received"]
        _wrong(probe, str(seen), came[-1] if came else max(len(trace.client.steps) - 1, 0), findings)
    return "", str(seen)


def _control_problem(control: Seen) -> str:
    """What is wrong with the answers to the control; empty if nothing is."""
    if len(control.answers) != len(_CONTROL):
        return f"{len(_CONTROL)} requests got: {control}"
    for number, (message, (status, body)) in enumerate(zip(control.answers, _CONTROL, strict=True), 1):
        if message.status != status:
            return f"request {number} got {message.status}, not {status}"
        if body is not None and (message.octets, message.digest) != (len(body), sha256(body) if body else ""):
            return f"request {number} got another content than {body!r}"
    return "" if control.ending == CLOSE else "the connection stays open after 'Connection: close'"


def _control_of_a_stranger(control: Seen, count: int) -> str:
    """The same of a server whose resources nobody knows: it answers each request, and takes none of them for malformed."""
    statuses = [m.status for m in control.answers]
    if len(statuses) != count or any(status in (400, 408) or status >= 500 for status in statuses):
        return f"{count} requests got: {control}"
    return "" if control.ending == CLOSE else "the connection stays open after 'Connection: close'"


def _seen(prober: Side, methods: tuple[str, ...], sentinel: Message | None, attached: bool = False) -> Seen:
    """What the prober's account shows. ``attached``: any resource may look like the sentinel; the one that says 'close' is it, or, of a server
    that does not say so, the last one of as many as were asked for.
    """
    steps = prober.steps
    octets = b"".join(bytes.fromhex(s.hex or "") for s in steps if s.step == "received")
    failed, reset = first(steps, "failed"), first(steps, "reset")
    ending = "reset" if reset or (failed and failed.error == "reset") else CLOSE if first(steps, "end") else OPEN
    messages = http.responses(octets, methods, ending != OPEN)
    final = [m for m in messages if not 100 <= m.status < 200 or m.status == 101]
    before = messages.index(final[0]) if final else len(messages)
    ends = bool(final) and sentinel is not None and (final[-1].status, final[-1].octets, final[-1].digest) == _told(sentinel)
    if attached and ends and sentinel is not None:
        says_so = "close" in sentinel.values("connection")
        ends = len(final) > 1 and ("close" in final[-1].values("connection") if says_so else len(final) >= len(methods))
    interim = tuple(m.status for m in messages[:before])
    return Seen(tuple(final[:-1] if ends else final), interim, ends, ending, lost=ending == "reset" and not octets)


def _told(message: Message) -> tuple[int, int, str]:
    return message.status, message.octets, message.digest


def _server_may(outcome: Outcome, seen: Seen, probe: Probe, served: Mapping[str, int]) -> bool:
    closed = seen.ending != OPEN and not seen.sentinel
    if outcome.then != "any" and not {CLOSE: closed, SENTINEL: seen.sentinel, OPEN: seen.ending == OPEN and not seen.sentinel}[outcome.then]:
        return False
    if seen.lost:  # an answer may have been lost with the reset: it can only have been a refusal
        return outcome.then != SENTINEL and not any(SERVED in one or "2" in {s[0] for s in one} for one in outcome.answers or ())
    if outcome.interim is not None and outcome.interim != seen.interim:
        return False
    if outcome.answers is not None and not _statuses(outcome.answers, seen, probe, served):
        return False
    return _content(outcome, seen.answers[0] if seen.answers else None)


def _statuses(wanted: tuple[tuple[str, ...], ...], seen: Seen, probe: Probe, served: Mapping[str, int]) -> bool:
    read = tuple(m for m in seen.answers if m.status)
    if not read and (wanted == () or NONE in wanted[0]):
        return True
    if len(wanted) != len(seen.answers):
        return False
    methods = (*probe.methods, *("GET" for _ in seen.answers))
    pairs = zip(wanted, seen.answers, methods, strict=False)
    return all(any(_status(one, m, served.get(method, 200)) for one in allowed) for allowed, m, method in pairs)


def _status(allowed: str, message: Message, served: int) -> bool:
    if not message.complete:
        return False
    if allowed == SERVED:
        return message.status == served
    return _fits(message.status, allowed)


def _is(body: Payload, told: Message | Step) -> bool:
    """Whether that is the content; of none the digest does not matter."""
    return same(body.measure(), (told.octets or 0, told.digest))


def _content(outcome: Outcome, message: Message | None) -> bool:
    if outcome.body is not None and (message is None or not _is(outcome.body, message)):
        return False
    if outcome.framing and (message is None or message.framing not in outcome.framing):
        return False
    if any(message is None or message.field(name) is None for name in outcome.present):
        return False
    return all(message is not None and message.field(name) == value for name, value in outcome.fields)


# -- clients --------------------------------------------------------------------------------------------------


def _of_client(case: Case, probe: Probe, trace: Trace, findings: Findings) -> tuple[str, str]:
    assert trace.control is not None
    ordinary = first(trace.control[0].steps, "response")
    if ordinary is None or (ordinary.status, ordinary.octets, ordinary.complete is False) != (200, len(_CLIENT_CONTROL), False):
        told = first(trace.control[0].steps, "failed")
        return f"no verdict: client {case.client} does not read an ordinary response: {failure(told) if told else _client_words(ordinary, None)}", ""
    steps = trace.client.steps
    response, failed = first(steps, "response"), first(steps, "failed")
    observed = _client_words(response, failed)
    if not any(_client_may(outcome, response) for outcome in probe.allow):
        place = steps.index(response or failed or steps[-1]) if steps else 0
        _wrong(probe, observed, place, findings)
    return "", observed


def _client_words(response: Step | None, failed: Step | None) -> str:
    if response is None:
        return f"no response: {failed.error}" if failed else "no response"
    return f"{response.status}, {amount(response.octets, response.digest)}" + (", incomplete" if response.complete is False else "")


def _client_may(outcome: Outcome, response: Step | None) -> bool:
    if outcome.fails or response is None:
        return outcome.fails and response is None
    whole = response.complete is not False
    if whole != (outcome.complete is not False):
        return False
    if outcome.answers and not any(_fits(response.status or 0, one) for one in outcome.answers[0]):
        return False
    if outcome.body is not None and not _is(outcome.body, response):
        return False
    fields = {name.lower(): value for name, value in response.fields or ()}
    return all(fields.get(name.lower(), "").strip(" \t") == value for name, value in outcome.fields)
