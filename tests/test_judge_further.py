"""Verdicts on mail, names and what passes on one machine: given accounts, expected findings."""

from __future__ import annotations

import msgspec
import pytest

from harness.judge.judge import judge
from harness.model.case import Case, Check, Scenario, Script
from harness.model.mail import Delivery, Message, fits
from harness.model.names import Question, Response
from harness.model.payload import Payload, sha256
from harness.model.result import FAIL, PASS, Result
from harness.model.talk import COMMAND, CONTENT, REPLY, Said
from harness.model.trace import Connection, Descriptor, Side, Step, Trace
from harness.model.wire import Flow, Sent, Wire

CONTENT_ = Payload(text=".\r\n")
MAIL = Delivery(Message("a@x", ("b@y", "nobody@y"), CONTENT_), ("250",), (("nobody@y", "550"),))
SCENARIO = Scenario("t/mail", "Mail.", ("RFC5321-4.1.1.4-354-then-dot",), "tcp", "smtp", messages=(MAIL,))
HOME, THERE = ("198.18.0.1", 4000), ("198.18.0.2", 25)


def step(name: str, **members: object) -> Step:
    return msgspec.convert({"step": name, **members}, Step)


def mail(**members: object) -> Step:
    return step("mail", **{"octets": 3, "digest": CONTENT_.digest(), **members})


def held(client: Step, *server: Step, wire: Wire | None = None, scenario: Scenario = SCENARIO) -> Result:
    steps = (step("connected", local=HOME, remote=THERE), client, step("closed"))
    account = Connection((step("accepted", local=THERE, remote=HOME), *server, step("closed")))
    trace = Trace(Side(steps), Side(connections=(account,)), THERE, wire=wire or Wire(absent="no wire"))
    return judge(Case(scenario, "c", "s", "ipv4"), trace, {})


GOOD = mail(status=250, refused=[["nobody@y", 550]])
LEFT = mail(**{"from": "a@x", "recipients": ["b@y"]})


def dialogue(content: bytes) -> Wire:
    said = [
        Said("server", REPLY, "220 x", 220, 5, "", 0, 1, 1), Said("client", COMMAND, "EHLO x", 0, 6, "", 2, 2, 2), Said("server", REPLY, "250 x", 250, 5, "", 3, 3, 3),
        Said("client", CONTENT, "", 0, len(content), sha256(content), 4, 4, 4), Said("server", REPLY, "250 x", 250, 5, "", 5, 5, 5),
        Said("client", COMMAND, "QUIT", 0, 4, "", 6, 6, 6), Said("server", REPLY, "221 x", 221, 5, "", 7, 7, 7),
    ]  # fmt: skip
    return Wire(flows=(Flow(HOME, THERE, Sent(), Sent(), dialogue=tuple(said)),))


def told(result: Result) -> list[tuple[str, str]]:
    return [(f.kind, f.side) for f in result.findings]


def test_a_delivery_that_both_tell_of_passes() -> None:
    assert held(GOOD, LEFT).verdict == PASS
    assert held(GOOD, LEFT, wire=dialogue(b".\r\n")).verdict == PASS


@pytest.mark.parametrize(
    ("client", "server", "findings"),
    [
        (mail(status=451), (LEFT,), [("nonconformant", "server")]),
        (mail(status=250), (LEFT,), [("nonconformant", "server")]),
        (mail(status=250, refused=[["b@y", 550], ["nobody@y", 550]]), (), [("nonconformant", "server")]),
        (mail(status=250, refused=[["nobody@y", 450]]), (LEFT,), [("nonconformant", "server")]),
        (mail(status=250, refused=[["nobody@y", 550]], octets=4), (LEFT,), [("misreport", "client")]),
        (GOOD, (), [("disagree", "both")]),
        (GOOD, (LEFT, LEFT), [("disagree", "both")]),
        (GOOD, (msgspec.structs.replace(LEFT, octets=4),), [("disagree", "both")]),
        (GOOD, (msgspec.structs.replace(LEFT, sender="z@x"),), [("disagree", "both")]),
        (GOOD, (msgspec.structs.replace(LEFT, recipients=("b@y", "nobody@y")),), [("disagree", "both")]),
        (step("failed", at=0, error="ended", says="gone"), (), [("nonconformant", "server")]),
        (step("sent", octets=0, digest=""), (), [("contract", "client")]),
    ],
)
def test_what_is_wrong_with_a_delivery(client: Step, server: tuple[Step, ...], findings: list[tuple[str, str]]) -> None:
    result = held(client, *server)
    assert (result.verdict, told(result)) == (FAIL, findings)


def test_the_wire_tells_who_changed_the_content() -> None:
    other = mail(**{"from": "a@x", "recipients": ["b@y"], "octets": 1, "digest": sha256(b"x")})
    assert told(held(GOOD, other, wire=dialogue(b".\r\n"))) == [("nonconformant", "server")]
    assert told(held(GOOD, other, wire=dialogue(b"x"))) == [("nonconformant", "client")]


@pytest.mark.parametrize(
    ("code", "patterns", "fit"),
    [(250, ("250",), True), (251, ("2xx",), True), (251, ("250", "5xx"), False), (0, ("xxx",), True), (25, ("25x",), False)],
)
def test_codes_fit_patterns(code: int, patterns: tuple[str, ...], fit: bool) -> None:
    assert fits(code, patterns) == fit


# -- names ----------------------------------------------------------------------------------------------------


def asked(question: Question, answer: Step) -> Result:
    scenario = Scenario("t/names", "Names.", ("RFC1035-3.2.2-address",), "udp", "dns", questions=(question,))
    trace = Trace(Side((step("created"), answer, step("closed"))), Side(), THERE, wire=Wire(absent="no wire"))
    return judge(Case(scenario, "c", "s", "ipv4"), trace, {})


@pytest.mark.parametrize(
    ("records", "answer", "verdict"),
    [
        ((("198.18.0.1",), ("198.18.0.2",)), {"records": [["198.18.0.2"], ["198.18.0.1"]]}, PASS),
        ((("198.18.0.1",),), {"records": [["198.18.0.1"], ["198.18.0.1"]]}, FAIL),
        ((("2001:db8::1",),), {"records": [["2001:DB8:0:0::1"]]}, PASS),
        (((10, "mail.x"),), {"records": [[10, "MAIL.x."]]}, PASS),
        (((10, "mail.x"),), {"records": [[20, "mail.x"]]}, FAIL),
        ((("one", "two"),), {"records": [["onetwo"]]}, PASS),
        ((), {"records": []}, PASS),
        ((), {"records": [], "rcode": "NXDOMAIN"}, PASS),
        ((), {"records": [], "rcode": "SERVFAIL"}, FAIL),
    ],
)
def test_what_a_resolver_found(records: tuple[tuple[str | int, ...], ...], answer: dict[str, object], verdict: str) -> None:
    assert asked(Question("x.test", "A", records, "NXDOMAIN"), step("answer", **answer)).verdict == verdict


QUERY = bytes.fromhex("123401000001000000000000016104746573740000010001")
ANSWER = bytes.fromhex("123485000001000100000000016104746573740000010001c00c000100010000003c0004c6120001")
WANTED = Response(QUERY.hex(), aa=True, tc=False, answers=(("A", ("198.18.0.1",)),))


def responded(octets: bytes, wanted: Response = WANTED) -> Result:
    script = Script(
        "client",
        ({"do": "connect"}, {"do": "send", "payload": {"hex": wanted.query}}, {"do": "receive", "count": 1}),
        (Check(2, responses=(wanted,)),),
    )
    scenario = Scenario("t/dns", "A query.", ("RFC1035-4.1-format",), "udp", "dns", client=script, carried="server")
    query = {"octets": len(QUERY), "digest": sha256(QUERY)}
    answer = {"octets": len(octets), "digest": sha256(octets)}
    client = (step("connected", local=HOME, remote=THERE), step("sent", **query), step("received", **answer, hex=octets.hex()), step("closed"))
    server = Connection((step("received", **query, remote=HOME), step("sent", **answer, remote=HOME)))
    trace = Trace(Side(client), Side(connections=(server,)), THERE, wire=Wire(absent="no wire"))
    return judge(Case(scenario, "c", "s", "ipv4"), trace, {})


def changed(at: int, value: int) -> bytes:
    return ANSWER[:at] + bytes([value]) + ANSWER[at + 1 :]


def test_a_right_response_passes() -> None:
    assert responded(ANSWER).verdict == PASS


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (changed(1, 0), "another id"),
        (changed(2, 5), "no response"),
        (changed(3, 2), "another code"),
        (changed(2, 0x81), "another authority"),
        (changed(2, 0x87), "truncated"),
        (changed(13, 0x62), "another question"),
        (changed(len(ANSWER) - 1, 2), "other records"),
        (ANSWER[:-1], "cannot be read"),
        (ANSWER + bytes(600), "too long"),
        (b"", "no response"),
    ],
)
def test_what_is_wrong_with_a_response(octets: bytes, says: str) -> None:
    result = responded(octets)
    assert result.verdict == FAIL and {f.side for f in result.findings} == {"server"} and says in result.reason


# -- one machine ----------------------------------------------------------------------------------------------


def between(client: tuple[Step, ...], server: tuple[Step, ...], scenario: Scenario) -> Result:
    trace = Trace(Side(client), Side(server), ("/x", 0), wire=Wire(absent="no wire"))
    return judge(Case(scenario, "c", "s", "local"), trace, {})


def local(transport: str, client: Script, server: Script) -> Scenario:
    return Scenario(
        "t/local", "On one machine.", ("POSIX-scm-rights",), transport, "script", client=client, server=server, place="machine", families=("local",)
    )


HELD = Payload(text="held")
PASSING = local(
    "unix",
    Script(
        "client", ({"do": "connect", "credentials": True}, {"do": "send", "payload": {"text": "x"}, "descriptor": {"text": "held"}}, {"do": "close"})
    ),
    Script(
        "server",
        ({"do": "accept"}, {"do": "receive", "octets": 1, "descriptor": True}, {"do": "close"}),
        (Check(1, octets=Payload(text="x"), descriptor=HELD),),
    ),
)
ONE, TWO = {"pid": 1, "uid": 2, "gid": 3}, {"pid": 4, "uid": 2, "gid": 3}
X = {"octets": 1, "digest": sha256(b"x")}
CLIENT = (step("created", credentials=ONE), step("connected", credentials=TWO), step("sent", **X), step("closed"))
DESCRIPTOR = msgspec.to_builtins(Descriptor(4, sha256(b"held")))
SERVER = (
    step("created", credentials=TWO),
    step("bound"),
    step("listening"),
    step("accepted"),
    step("received", **X, descriptor=DESCRIPTOR),
    step("closed"),
)


def test_descriptors_and_credentials_pass() -> None:
    assert between(CLIENT, SERVER, PASSING).verdict == PASS


@pytest.mark.parametrize(
    ("client", "server", "findings"),
    [
        (CLIENT, (*SERVER[:4], step("received", **X, descriptor={"octets": 0, "digest": sha256(b"")}), SERVER[5]), [("disagree", "both")]),
        (CLIENT, (*SERVER[:4], step("received", **X), SERVER[5]), [("contract", "server")]),
        ((CLIENT[0], step("connected", credentials=ONE), *CLIENT[2:]), SERVER, [("misreport", "client")]),
        ((CLIENT[0], step("connected"), *CLIENT[2:]), SERVER, [("contract", "client")]),
        (CLIENT, (step("created"), *SERVER[1:]), [("contract", "server")]),
    ],
)
def test_what_is_wrong_with_descriptors_and_credentials(client: tuple[Step, ...], server: tuple[Step, ...], findings: list[tuple[str, str]]) -> None:
    result = between(client, server, PASSING)
    assert (result.verdict, told(result)) == (FAIL, findings)


def test_what_came_first_explains_the_rest() -> None:
    """The server waited in vain for an end, and broke off; that the client then got nothing follows from it."""
    client = Script(
        "client", ({"do": "connect"}, {"do": "half-close"}, {"do": "receive", "until": "end"}), (Check(2, octets=Payload(text="x"), end=True),)
    )
    server = Script("server", ({"do": "accept"}, {"do": "receive", "until": "end"}, {"do": "send", "payload": {"text": "x"}}), (Check(1, end=True),))
    ours = (
        step("connected", t=1),
        step("half-closed", t=2),
        step("received", octets=0, digest=sha256(b""), t=31),
        step("end", t=32),
        step("closed", t=33),
    )
    theirs = (step("accepted", t=1), step("failed", at=1, error="timeout", says="late", t=30), step("closed", t=31))
    assert told(between(ours, theirs, local("unix", client, server))) == [("nonconformant", "client")]


SIGNALS = local(
    "signal",
    Script("client", ({"do": "send", "signal": "USR2", "value": 7},)),
    Script("server", ({"do": "receive", "signal": ["USR2"], "count": 1},), (Check(0, signals=(("USR2", 7),)),)),
)


@pytest.mark.parametrize(
    ("sent", "received", "findings"),
    [
        ({"signal": "USR2", "value": 7}, {"signal": "USR2", "value": 7, "pid": 1}, []),
        ({"signal": "USR2", "value": 7}, {"signal": "USR2", "value": 7}, []),
        ({"signal": "USR2", "value": 7}, {"signal": "USR2", "value": 8}, [("disagree", "both")]),
        ({"signal": "USR2", "value": 7}, {"signal": "HUP", "value": 7}, [("disagree", "both")]),
        ({"signal": "USR2", "value": 7}, {"signal": "USR2", "value": 7, "pid": 9}, [("disagree", "both")]),
        ({"signal": "HUP", "value": 7}, {"signal": "USR2", "value": 7}, [("misreport", "client")]),
    ],
)
def test_signals(sent: dict[str, object], received: dict[str, object], findings: list[tuple[str, str]]) -> None:
    client = (step("created", credentials=ONE), step("sent", **sent), step("closed"))
    server = (step("created"), step("bound"), step("received", **received), step("closed"))
    assert told(between(client, server, SIGNALS)) == findings
