"""The judge on traces: the same trace always has the same verdict, and each thing that is wrong has its finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judge.judge import judge
from harness.judge.rules import RULES, Content
from harness.model.case import Answer, Case, Check, Exchange, Scenario, Script
from harness.model.payload import Payload, sha256
from harness.model.result import CONTRACT, DISAGREE, FAIL, MISREPORT, NONCONFORMANT, PASS, VERDICTS, Result
from harness.model.trace import Connection, Side, Step, Trace, Wire
from harness.pipeline import load_specs
from harness.spec.model import Requirement
from tests.conftest import echo

LOCAL, SERVED = ("198.18.0.2", 5000), ("198.18.0.1", 7)
OCTETS = Payload(pattern="every-octet", seed=1, size=100).octets()


def told(name: str, octets: bytes = OCTETS, **members: Any) -> Step:
    return Step(name, octets=len(octets), digest=sha256(octets), **members)


CLIENT = [
    Step("created"), Step("connecting", remote=SERVED), Step("connected", local=LOCAL, remote=SERVED), told("sent"), Step("half-closed"),
    told("received"), Step("end"), Step("closed"),
]  # fmt: skip
SERVER = [Step("accepted", local=SERVED, remote=LOCAL), told("received"), Step("end"), told("sent"), Step("closed")]


def verdict(client: list[Step], server: list[Step], done: bool = True) -> Result:
    trace = Trace(Side(tuple(client)), Side(connections=(Connection(tuple(server), done),) if server else ()), asked=SERVED)
    return judge(Case(echo(100), "go", "c", "ipv4"), trace, {})


def test_a_trace_that_is_well() -> None:
    result = verdict(CLIENT, SERVER)
    assert (result.verdict, result.findings, result.reason) == (PASS, (), "")


def replaced(steps: list[Step], at: int, *new: Step) -> list[Step]:
    return [*steps[:at], *new, *steps[at + 1 :]]


LESS = told("received", OCTETS[:-1])
REFUSED = [*CLIENT[:2], Step("failed", at=0, error="refused", says="ECONNREFUSED"), Step("closed")]
RESET = [*CLIENT[:5], LESS, Step("reset", by="them"), Step("failed", at=3, error="reset", says="ECONNRESET"), Step("closed")]
LATE = [*CLIENT[:5], LESS, Step("failed", at=3, error="timeout", says="the deadline passed"), Step("closed")]


@pytest.mark.parametrize(
    ("client", "server", "done", "kind", "side", "words"),
    [
        (replaced(CLIENT, 5, LESS), replaced(SERVER, 3, told("sent", OCTETS[:-1])), True, NONCONFORMANT, "server", "99 octets"),
        (replaced(CLIENT, 5, LESS), SERVER, True, DISAGREE, "both", "99 octets"),
        (CLIENT, replaced(SERVER, 1, LESS), True, DISAGREE, "both", "client sent"),
        (CLIENT, replaced(SERVER, 3, told("sent", OCTETS * 2)), True, DISAGREE, "both", "server sent"),
        (replaced(CLIENT, 3, told("sent", OCTETS[:-1])), SERVER, True, MISREPORT, "client", "told to"),
        (replaced(CLIENT, 2, Step("connected", local=LOCAL, remote=("198.18.0.9", 7))), SERVER, True, MISREPORT, "client", "another address"),
        (CLIENT, replaced(SERVER, 0, Step("accepted", local=SERVED, remote=("198.18.0.2", 1))), True, DISAGREE, "both", "client addresses"),
        (CLIENT, replaced(SERVER, 0, Step("accepted", local=("198.18.0.1", 8), remote=LOCAL)), True, MISREPORT, "server", "another address"),
        (CLIENT, [], True, DISAGREE, "both", "no connection"),
        (CLIENT, SERVER[:-1], False, NONCONFORMANT, "server", "did not close"),
        (replaced(CLIENT, 6), SERVER, True, CONTRACT, "client", "'end'"),
        (replaced(CLIENT, 4), SERVER, True, CONTRACT, "client", "half-close"),
        ([*CLIENT, Step("closed")], SERVER, True, CONTRACT, "client", "does not end"),
        (CLIENT[:-1], SERVER, True, CONTRACT, "client", "does not end"),
        (REFUSED, [], True, NONCONFORMANT, "server", "the connection was refused (ECONNREFUSED)"),
        (RESET, [], True, NONCONFORMANT, "server", "the connection was reset"),
        (LATE, [], True, NONCONFORMANT, "server", "not done in time"),
    ],
)
def test_what_is_wrong_with_a_stream(client: list[Step], server: list[Step], done: bool, kind: str, side: str, words: str) -> None:
    result = verdict(client, server, done)
    assert result.verdict == FAIL
    assert [(f.kind, f.side) for f in result.findings] == [(kind, side)], result.findings
    assert words in result.reason


def test_judging_is_pure() -> None:
    assert verdict(RESET, SERVER) == verdict(list(RESET), list(SERVER))


@pytest.mark.parametrize("cut", range(len(CLIENT)))
def test_a_report_that_breaks_off_anywhere_never_passes(cut: int) -> None:
    assert verdict(CLIENT[:cut], SERVER).verdict == FAIL


@pytest.mark.parametrize("cut", range(len(SERVER)))
def test_nor_does_the_servers(cut: int) -> None:
    assert verdict(CLIENT, SERVER[:cut], done=False).verdict == FAIL


def test_a_broken_should_is_a_note_and_no_failure() -> None:
    def requirement(level: str) -> dict[str, Requirement]:
        return {"RFC862-tcp-same-octets": Requirement(id="RFC862-tcp-same-octets", clause="tcp", level=level, role="server", seen="both", says="x")}

    trace = Trace(Side(tuple(LATE)), Side(), asked=SERVED)
    case = Case(echo(100), "go", "c", "ipv4")
    assert judge(case, trace, requirement("MUST")).verdict == FAIL
    soft = judge(case, trace, requirement("SHOULD"))
    assert (soft.verdict, len(soft.findings), soft.findings[0].level) == (PASS, 1, "SHOULD")


@pytest.mark.parametrize(
    ("level", "strict", "verdict"), [("recommended", False, PASS), ("recommended", True, FAIL), ("MAY", True, PASS), ("MUST*", False, FAIL)]
)
def test_strict_lets_a_broken_should_fail(level: str, strict: bool, verdict: str) -> None:
    records = {"RFC862-tcp-same-octets": Requirement(id="RFC862-tcp-same-octets", clause="1", level=level, role="server", seen="both", says="x")}
    trace = Trace(Side(tuple(LATE)), Side(), asked=SERVED, wire=Wire(absent="a test"))
    assert judge(Case(echo(100), "go", "c", "ipv4"), trace, records, strict).verdict == verdict


# -- content rules --------------------------------------------------------------------------------------------

NOW = 1_800_000_000.0
TIME = (int(NOW) + 2208988800).to_bytes(4, "big")
TEXT = Payload(pattern="text", seed=1, size=2960).octets()


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        ("rfc864-printable", TEXT, [TEXT + b"\0", b"\xff"]),
        ("rfc864-rotation", TEXT, [TEXT[:74] * 40, TEXT[1:], TEXT.replace(b"\r\n", b"\n"), b"x" * 100]),
        ("rfc864-datagram", b"x" * 512, [b"x" * 513]),
        ("rfc865-quote", b"Less is more.\r\n", [b"", b"x" * 513, b"caf\xc3\xa9"]),
        ("rfc867-daytime", b"Tuesday, 1 2 2026\r\n", [b"", b"noon\r\n", b"1\r\n2\r\n", b"1\x07"]),
        ("rfc868-time", TIME, [TIME[::-1], TIME[:3], TIME + b"\0", int(NOW).to_bytes(4, "big"), b""]),
        ("rfc9112-response-200", b"HTTP/1.1 200 OK\r\n\r\n", [b"HTTP/1.1 404 x\r\n\r\n", b"HTTP/1.1 200\r\n\r\n", b"200 OK", b"HTTP/1.1 200 OK\r\n"]),
    ],
)
def test_each_rule_takes_what_is_right_and_refuses_each_wrong(rule: str, right: bytes, wrong: list[bytes]) -> None:
    assert RULES[rule](Content(right, len(right), NOW)) == []
    for octets in wrong:
        assert RULES[rule](Content(octets, len(octets), NOW)), octets


def test_every_rule_survives_every_octet() -> None:
    for rule in RULES.values():
        for octets in (b"", bytes(range(256)), b"\xff" * 600, b"\r\n" * 50, b"HTTP/1.1 \xff"):
            rule(Content(octets, len(octets), NOW))


def test_time_wraps_in_2036() -> None:
    after = 2**32 - 2208988800 + 100.0
    assert RULES["rfc868-time"](Content((100).to_bytes(4, "big"), 4, after)) == []


def test_a_digest_that_is_not_that_of_the_kept_octets_is_a_misreport() -> None:
    script = Script("client", ({"do": "connect"}, {"do": "receive", "until": "end", "keep": 4096}), (Check(1, rule="rfc865-quote", end=True),))
    scenario = Scenario("t/q", "x", ("RFC865-tcp-one-quote-then-close",), "tcp", "qotd", client=script)
    quote = b"Hello.\r\n"
    steps = [*CLIENT[:3], Step("received", octets=8, digest=sha256(b"other"), hex=quote.hex()), Step("end"), Step("closed")]
    server = [SERVER[0], told("sent", quote), Step("half-closed"), told("received", b""), Step("end"), Step("closed")]
    result = judge(Case(scenario, "a", "b", "ipv4"), Trace(Side(tuple(steps)), Side(connections=(Connection(tuple(server)),)), SERVED), {})
    assert MISREPORT in {f.kind for f in result.findings}


# -- http -----------------------------------------------------------------------------------------------------

BODY = Payload(text="content")
EXCHANGE = Exchange(
    {
        "method": "POST",
        "target": "/mirror?a=%20",
        "fields": [["X-A", "1"], ["X-A", "2"], ["Connection", "close"]],
        "body": {"text": "content"},
        "coding": "length",
    },
    BODY,
    Answer(200, fields=(("Content-Type", "text/plain"),), present=("Date",), absent=("Transfer-Encoding",), body="same", body_stated=True),
)
REQUEST = told("request", b"content", method="POST", target="/mirror?a=%20", fields=(("x-a", "1, 2"), ("host", "x")))
ANSWERED = told("response", b"content", status=200)
RESPONSE = told("response", b"content", status=200, fields=(("content-type", " text/plain "), ("Date", "x")), complete=True)


def http(client: list[Step], server: list[Step], **more: Any) -> Result:
    scenario = Scenario("t/http", "x", ("RFC9110-9.1-get-head-supported",), "tcp", "http", exchanges=(EXCHANGE,), **more)
    steps = [CLIENT[2], *client, Step("closed")]
    trace = Trace(Side(tuple(steps)), Side(connections=(Connection((SERVER[0], *server, Step("closed"))),)), SERVED)
    return judge(Case(scenario, "a", "b", "ipv4"), trace, {})


def test_an_exchange_that_is_well() -> None:
    result = http([RESPONSE], [REQUEST, ANSWERED], connections=1)
    assert (result.verdict, result.findings) == (PASS, ())


change: Callable[..., Step] = msgspec.structs.replace
OTHER = {"octets": 5, "digest": sha256(b"other")}


@pytest.mark.parametrize(
    ("client", "server", "kind", "side", "words"),
    [
        ([change(RESPONSE, status=500)], [REQUEST, change(ANSWERED, status=500)], NONCONFORMANT, "server", "500"),
        ([change(RESPONSE, status=500)], [REQUEST, ANSWERED], DISAGREE, "both", "500"),
        ([change(RESPONSE, fields=(("Date", "x"),))], [REQUEST, ANSWERED], NONCONFORMANT, "server", "content-type"),
        ([change(RESPONSE, fields=(("Content-Type", "text/plain"),))], [REQUEST, ANSWERED], NONCONFORMANT, "server", "Date"),
        (
            [change(RESPONSE, fields=(*(RESPONSE.fields or ()), ("transfer-encoding", "x")))],
            [REQUEST, ANSWERED],
            NONCONFORMANT,
            "server",
            "must not be",
        ),
        ([change(RESPONSE, complete=False)], [REQUEST, ANSWERED], NONCONFORMANT, "server", "broke off"),
        ([change(RESPONSE, **OTHER)], [REQUEST, ANSWERED], DISAGREE, "both", "another content"),
        ([change(RESPONSE, **OTHER)], [REQUEST, change(ANSWERED, **OTHER)], NONCONFORMANT, "server", "another content"),
        ([RESPONSE], [REQUEST, change(ANSWERED, **OTHER)], DISAGREE, "both", "contradict"),
        ([RESPONSE], [change(REQUEST, method="PUT"), ANSWERED], DISAGREE, "both", "method"),
        ([RESPONSE], [change(REQUEST, target="/mirror?a= "), ANSWERED], DISAGREE, "both", "target"),
        ([RESPONSE], [change(REQUEST, fields=(("x-a", "2, 1"),)), ANSWERED], DISAGREE, "both", "x-a"),
        ([RESPONSE], [change(REQUEST, **OTHER), ANSWERED], DISAGREE, "both", "did not arrive"),
        ([RESPONSE], [], DISAGREE, "both", "reports no such request"),
        ([Step("failed", at=0, error="reset", says="")], [], NONCONFORMANT, "server", "no response"),
        ([], [REQUEST, ANSWERED], CONTRACT, "client", "missing"),
    ],
)
def test_what_is_wrong_with_an_exchange(client: list[Step], server: list[Step], kind: str, side: str, words: str) -> None:
    result = http(client, server)
    assert result.verdict == FAIL
    assert (kind, side) == (result.findings[0].kind, result.findings[0].side)
    assert words in result.reason


def test_the_number_of_connections_counts_where_the_spec_says_so() -> None:
    assert "number of connections" in http([RESPONSE], [REQUEST, ANSWERED], connections=2).reason


# -- whatever peers say ---------------------------------------------------------------------------------------

NAMES = [
    "created", "bound", "listening", "connecting", "connected", "accepted", "sent", "received", "quiet", "end", "half-closed", "reset", "closed",
    "request", "response", "failed", "nonsense",
]  # fmt: skip
addresses = st.none() | st.just(LOCAL) | st.just(SERVED) | st.tuples(st.text(max_size=5), st.integers())
some = st.none() | st.integers(-5, 200)
texts = st.none() | st.text(max_size=8)
digests = st.none() | st.just(sha256(OCTETS)) | st.text(max_size=8)
fields = st.none() | st.lists(st.tuples(st.text(max_size=6), st.text(max_size=6)), max_size=3).map(tuple)
any_step = st.builds(
    Step, step=st.sampled_from(NAMES), t=st.integers(), local=addresses, remote=addresses, octets=some, digest=digests, hex=texts, at=some, error=texts,
    says=texts, by=texts, method=texts, target=texts, status=some, fields=fields, complete=st.none() | st.booleans(),
)  # fmt: skip
any_steps = st.lists(any_step, max_size=10).map(tuple)
any_side = st.builds(
    Side, steps=any_steps, connections=st.lists(st.builds(Connection, any_steps, st.booleans()), max_size=3).map(tuple),
    trouble=st.sampled_from(["", "", "", "crashed", "silent", "refused-command", "declined", "never-started"]), says=st.text(max_size=5),
)  # fmt: skip
SCENARIOS = load_specs().scenarios()


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SCENARIOS), any_side, any_side)
def test_whatever_peers_say_there_is_a_verdict(scenario: Scenario, client: Side, server: Side) -> None:
    result = judge(Case(scenario, "a", "b", "ipv4"), Trace(client, server, SERVED, NOW), {})
    assert result.verdict in VERDICTS
    assert result.verdict == PASS or result.reason
    msgspec.json.encode(result)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CLIENT) - 1), st.integers(0, len(SERVER) - 1), any_step, st.booleans())
def test_a_good_trace_with_one_step_changed_passes_only_if_it_says_the_same(at: int, there: int, other: Step, in_client: bool) -> None:
    client = replaced(CLIENT, at, other) if in_client else CLIENT
    server = SERVER if in_client else replaced(SERVER, there, other)
    if verdict(client, server).verdict == PASS:
        old = CLIENT[at] if in_client else SERVER[there]
        silent = {"created", "bound", "listening", "connecting"}
        assert other.step == old.step or (in_client and {other.step, old.step} <= silent), (old, other)
