"""Sides that are put to the test, in miniature: for each probe one that does what it may, and those that do one thing whatever comes."""

from __future__ import annotations

from functools import cache

from harness.judge.judge import judge
from harness.model.case import Case, Scenario
from harness.model.payload import sha256
from harness.model.probe import ANY, CLOSE, OPEN, SENTINEL, SERVED, Outcome
from harness.model.result import Result
from harness.model.trace import Connection, Side, Step, Trace
from harness.pipeline import load_specs
from harness.spec.load import SpecSet

DATE = b"Date: Mon, 23 Nov 2026 06:00:00 GMT\r\n"


@cache
def specs() -> SpecSet:
    return load_specs()


@cache
def probes() -> dict[str, Scenario]:
    return {s.key: s for s in specs().scenarios() if s.probe}


def response(status: int, body: bytes = b"", close: bool = False, head: bool = False) -> bytes:
    length = 7 if head else len(body)
    return b"HTTP/1.1 %d Word\r\n%bContent-Length: %d\r\n%b\r\n%b" % (status, DATE, length, b"Connection: close\r\n" if close else b"", body)


LAST = response(200, b"the sentinel\n", close=True)
PROBED = response(200, b"probed\n")
REFUSED = response(400, close=True)
CONTROL = PROBED + response(404) + response(200, b"hello") * 2 + response(200, head=True) + LAST
ANSWERING = {
    "serves-everything": (PROBED + LAST, "end"),
    "serves-and-closes": (PROBED, "end"),
    "serves-and-keeps-open": (PROBED, "timeout"),
    "refuses-everything": (REFUSED, "end"),
    "refuses-and-keeps-open": (REFUSED, "timeout"),
    "refuses-and-goes-on": (response(400) + LAST, "end"),
    "serves-twice": (PROBED + PROBED + LAST, "end"),
    "continues-and-serves": (b"HTTP/1.1 100 Continue\r\n\r\n" + PROBED + LAST, "end"),
    "closes": (b"", "end"),
    "hangs": (b"", "timeout"),
    "does-not-speak-http": (b"<h1>error</h1>\r\n", "end"),
}
"""Servers that do the same with every probe: what they send, and how the prober's reading ends."""


def prober(octets: bytes, ending: str) -> Side:
    steps = [Step("created"), Step("connected", local=("198.18.0.2", 4000), remote=("198.18.0.1", 80))]
    if octets or ending == "end":
        steps.append(Step("received", octets=len(octets), digest=sha256(octets), hex=octets.hex()))
    failed = Step("failed", at=2, error=ending)
    steps += [Step("end")] if ending == "end" else [Step("reset", by="them"), failed] if ending == "reset" else [failed]
    return Side((*steps, Step("closed")))


def served(key: str, octets: bytes, ending: str = "end", control: bytes = CONTROL, control_ending: str = "end") -> Result:
    """The verdict on a server that sends these octets."""
    empty = Side(connections=(Connection((Step("accepted"), Step("closed"))),))
    trace = Trace(prober(octets, ending), empty, control=(prober(control, control_ending), empty))
    return judge(Case(probes()[key], "go", "c", "ipv4"), trace, specs().requirements)


def may(outcome: Outcome, methods: tuple[str, ...]) -> tuple[bytes, str]:
    """What a server sends that does just this."""
    body = b"" if outcome.body is None else outcome.body.octets()
    octets = b"".join(b"HTTP/1.1 %d Word\r\n\r\n" % status for status in outcome.interim or ())
    for number, allowed in enumerate(outcome.answers if outcome.answers is not None else (("400",),)):
        one = allowed[0]
        status = 200 if one == SERVED else int(one.replace("xx", "00"))
        head = number < len(methods) and methods[number] == "HEAD"
        octets += response(status, body if number == 0 and not head else b"", close=outcome.then in (CLOSE, ANY), head=head)
    if outcome.then == SENTINEL:
        octets += LAST
    return octets, "timeout" if outcome.then == OPEN else "end"


# -- clients --------------------------------------------------------------------------------------------------

READ = Step("response", status=200, octets=8, digest=sha256(b"control\n"), fields=())
HELLO = Step("response", status=200, octets=5, digest=sha256(b"hello"), complete=True, fields=())
FAILED = Step("failed", at=0, error="other", says="no")
READING = {
    "reads-hello": HELLO,
    "reads-nothing": Step("response", status=200, octets=0, complete=True, fields=()),
    "reads-a-part": Step("response", status=200, octets=2, digest=sha256(b"he"), complete=True, fields=()),
    "reads-the-first-status": Step("response", status=103, octets=0, complete=True, fields=()),
    "fails-always": FAILED,
}
"""Clients that tell the same of every probe."""


def read(key: str, *steps: Step, control: tuple[Step, ...] = (READ, Step("closed"))) -> Result:
    """The verdict on a client that tells these steps."""
    trace = Trace(Side((*steps, Step("closed"))), Side(), control=(Side(control), Side()))
    return judge(Case(probes()[key], "go", "c", "ipv4"), trace, specs().requirements)


def may_tell(outcome: Outcome) -> Step:
    """What a client tells that does just this."""
    if outcome.fails:
        return FAILED
    body = b"hello" if outcome.body is None else outcome.body.octets()
    status = int(outcome.answers[0][0].replace("xx", "00")) if outcome.answers else 200
    digest = sha256(body) if body else None
    return Step("response", status=status, octets=len(body), digest=digest, complete=outcome.complete is not False, fields=outcome.fields)
