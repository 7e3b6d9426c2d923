"""Probes judged: a valid and an invalid responder for each, single outcomes, and sides of whom nothing is made."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import levels
from harness.model.payload import sha256
from harness.model.result import ERROR, FAIL, PASS, Result
from harness.model.trace import Step
from tests import catalogue
from tests.responders import (
    ANSWERING,
    CONTROL,
    DATE,
    FAILED,
    HELLO,
    LAST,
    PROBED,
    READ,
    READING,
    REFUSED,
    may,
    may_tell,
    probes,
    read,
    response,
    served,
    specs,
)

PROBES = "rfc9112-http11/probe-"
SENTINEL = LAST


class Row(catalogue.Mutant, frozen=True, kw_only=True):
    """A row of the catalogue that a miniature stands behind (``mutants/README.md``)."""

    probe: str
    does: str


ROWS = catalogue.rows("responder", Row)


@catalogue.each(ROWS)
def test_a_mutant_trips_its_requirement_and_no_other(row: Row) -> None:
    result = served(row.probe, *ANSWERING[row.does]) if row.blames == "server" else read(row.probe, READING[row.does])
    assert {(f.requirement, f.side, f.kind) for f in result.findings} == {(row.trips, row.blames, row.kind)}
    level = levels.of(specs().requirements[row.trips].level)
    assert result.verdict == (FAIL if level == levels.MUST else PASS)


@pytest.mark.parametrize("key", sorted(probes()))
def test_every_probe_has_who_passes_and_who_does_not(key: str) -> None:
    probe = probes()[key].probe
    assert probe is not None
    if probe.of == "server":
        right = [served(key, *may(outcome, probe.methods)) for outcome in probe.allow]
        wrong = [served(key, *one) for one in ANSWERING.values()]
    else:
        right = [read(key, may_tell(outcome)) for outcome in probe.allow]
        wrong = [read(key, one) for one in READING.values()]
    assert all((r.verdict, r.findings) == (PASS, ()) for r in right), [r.reason for r in right]
    assert any(r.findings for r in wrong)


def server(key: str, octets: bytes, ending: str = "end", control: bytes = CONTROL, control_ending: str = "end") -> Result:
    return served(PROBES + key, octets, ending, control, control_ending)


@pytest.mark.parametrize(
    ("key", "octets", "ending", "verdict", "observed"),
    [
        ("lines/host-missing", REFUSED, "end", PASS, "400, close"),
        ("lines/host-missing", PROBED + SENTINEL, "end", FAIL, "200, sentinel, close"),
        ("lines/host-missing", b"", "end", FAIL, "no answer, close"),
        ("lines/bare-lf", PROBED + SENTINEL, "end", PASS, "200, sentinel, close"),
        ("lines/bare-lf", PROBED, "end", FAIL, "200, close"),
        ("lines/bare-lf", b"", "timeout", PASS, "no answer, open"),
        ("length/invalid-length/length=letters", REFUSED, "end", PASS, "400, close"),
        ("length/invalid-length/length=letters", REFUSED, "timeout", FAIL, "400, open"),
        ("length/invalid-length/length=letters", REFUSED + SENTINEL, "end", FAIL, "400, sentinel, close"),
        ("length/invalid-length/length=letters", REFUSED, "reset", PASS, "400, reset"),
        ("length/invalid-length/length=letters", b"", "reset", PASS, "no answer, reset"),
        ("lines/long-target-is-served", b"", "reset", FAIL, "no answer, reset"),
        ("chunked/valid-chunks/chunks=many", response(200, b"hello") + SENTINEL, "end", PASS, "200, sentinel, close"),
        ("chunked/valid-chunks/chunks=many", response(200, b"hell") + SENTINEL, "end", FAIL, "200, sentinel, close"),
        ("chunked/valid-chunks/chunks=many", response(200, b"hello"), "end", FAIL, "200, close"),
        ("connections/pipelined-in-order", PROBED + response(404) + response(200, b"hello") + response(200, head=True) + response(404) + SENTINEL, "end", PASS, "200, 404, 200, 200, 404, sentinel, close"),
        ("connections/pipelined-in-order", response(404) + PROBED + response(200, b"hello") + response(200, head=True) + response(404) + SENTINEL, "end", FAIL, "404, 200, 200, 200, 404, sentinel, close"),
        ("connections/expect-continue", b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, b"hello") + SENTINEL, "end", PASS, "100, 200, sentinel, close"),
        ("connections/expect-continue", response(200, b"hello") + SENTINEL, "end", FAIL, "200, sentinel, close"),
        ("connections/expect-in-1-0-is-ignored", b"HTTP/1.1 100 Continue\r\n\r\n" + response(200, b"hello"), "end", FAIL, "100, 200, close"),
        ("connections/no-coding-for-1-0", b"HTTP/1.1 200 OK\r\n%bTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % DATE, "end", FAIL, "200, close"),
        ("connections/no-coding-for-1-0", response(200, b"x", close=True), "end", PASS, "200, close"),
        ("connections/date-in-a-refusal/request=bad-line", REFUSED, "end", PASS, "400, close"),
        ("connections/date-in-a-refusal/request=bad-line", REFUSED.replace(DATE, b""), "end", FAIL, "400, close"),
        ("connections/status-line-of-a-refusal/line=no-version", b"<h1>no</h1>\r\n", "end", FAIL, "octets without a status line, close"),
        ("lines/version-malformed/version=no-dot", b"<h1>no</h1>\r\n", "end", PASS, "octets without a status line, close"),
        ("lines/host-missing", response(400)[:20], "end", FAIL, "0 broken off, close"),
    ],
)  # fmt: skip
def test_servers(key: str, octets: bytes, ending: str, verdict: str, observed: str) -> None:
    result = server(key, octets, ending)
    if observed.startswith("0 "):
        assert result.verdict == verdict
    else:
        assert (FAIL if result.findings else PASS, result.observed) == (verdict, observed), result.reason
    if verdict == FAIL:
        assert {f.side for f in result.findings} == {"server"}
        assert result.findings[0].requirement == probes()[PROBES + key].requires[0]


@pytest.mark.parametrize(
    ("control", "ending"),
    [
        (PROBED * 6, "end"),
        (REFUSED, "end"),
        (b"", "end"),
        (b"", "timeout"),
        (CONTROL, "timeout"),
        (CONTROL.replace(b"hello", b"HELLO", 1), "end"),
        (CONTROL[: -len(SENTINEL)], "end"),
    ],
    ids=["always-200", "always-400", "always-closes", "silent", "never-closes", "another-content", "no-sentinel"],
)
def test_who_fails_the_control_earns_nothing(control: bytes, ending: str) -> None:
    for key in ("lines/host-missing", "lines/bare-lf"):
        result = server(key, REFUSED, control=control, control_ending=ending)
        assert (result.verdict, result.findings) == (ERROR, ()), result
        assert result.reason.startswith("no verdict: server c")


def test_a_disputed_probe_never_fails() -> None:
    result = server("chunked/space-after-chunk-size", response(200, b"other") + SENTINEL)
    assert result.verdict == PASS
    assert [f.level for f in result.findings] == ["MAY"]


def test_an_aliased_sentinel_is_an_answer() -> None:
    """A server that answers the sentinel twice has been split by the probe."""
    result = server("lines/host-missing", REFUSED + SENTINEL + SENTINEL)
    assert (result.verdict, result.observed) == (FAIL, "400, 200, sentinel, close")


# -- clients --------------------------------------------------------------------------------------------------

HELLO = msgspec.structs.replace(HELLO, fields=(("X-A", "one"), ("X-Folded", "one two")))


def client(key: str, *steps: Step, control: tuple[Step, ...] = (READ, Step("closed"))) -> Result:
    return read(f"{PROBES}responses/{key}", *steps, control=control)


def changed(step: Step, **members: object) -> Step:
    return msgspec.structs.replace(step, **members)


@pytest.mark.parametrize(
    ("key", "step", "verdict"),
    [
        ("ended-by-the-connection", HELLO, PASS),
        ("ended-by-the-connection", changed(HELLO, complete=False), FAIL),
        ("ended-by-the-connection", changed(HELLO, octets=4, digest=sha256(b"hell")), FAIL),
        ("ended-by-the-connection", FAILED, FAIL),
        ("chunked-overrides-length/length=3", FAILED, PASS),
        ("chunked-overrides-length/length=3", changed(HELLO, octets=3, digest=sha256(b"5\r\n")), FAIL),
        ("interim-responses/interim=unknown", HELLO, PASS),
        ("interim-responses/interim=unknown", changed(HELLO, status=199, octets=0), FAIL),
        ("length-larger-than-the-content/length=6", changed(HELLO, complete=False), PASS),
        ("length-larger-than-the-content/length=6", FAILED, PASS),
        ("length-larger-than-the-content/length=6", HELLO, FAIL),
        ("no-content-by-its-status/head=304-with-length", changed(HELLO, status=304, octets=0, digest=None), PASS),
        ("no-content-by-its-status/head=304-with-length", changed(HELLO, status=304), FAIL),
        ("folded-field", HELLO, PASS),
        ("folded-field", changed(HELLO, fields=(("X-Folded", "one\r\n two"),)), FAIL),
        ("unknown-status/status=499", changed(HELLO, status=499), PASS),
        ("unknown-status/status=499", changed(HELLO, status=400), FAIL),
    ],
)
def test_clients(key: str, step: Step, verdict: str) -> None:
    result = client(key, step)
    assert result.verdict == verdict, result.reason
    assert {f.side for f in result.findings} <= {"client"}
    assert result.observed


@pytest.mark.parametrize("control", [(FAILED,), (Step("closed"),), (HELLO,), (changed(READ, complete=False),)])
def test_a_client_that_reads_no_ordinary_response_earns_nothing(control: tuple[Step, ...]) -> None:
    result = client("length-larger-than-the-content/length=6", FAILED, control=control)
    assert (result.verdict, result.findings) == (ERROR, ())


@given(
    st.sampled_from(sorted(k for k, s in probes().items() if s.probe and s.probe.of == "server")),
    st.binary(max_size=200),
    st.sampled_from(["end", "timeout", "reset"]),
)
def test_no_octets_upset_the_judge(key: str, octets: bytes, ending: str) -> None:
    assert served(key, octets, ending).verdict in (PASS, FAIL)
