"""Verdicts on files and on streams of media: given accounts and what the wire showed, expected findings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from harness.judge.judge import judge
from harness.judge.rules import WIRE_RULES
from harness.model.case import Case, Scenario, Script
from harness.model.files import Operation, Session
from harness.model.media import SDES, SR, Block, Media, Rtcp, Rtp, Stream
from harness.model.payload import Payload, sha256
from harness.model.result import FAIL, PASS, Result
from harness.model.talk import COMMAND, DATA, REPLY, Said
from harness.model.trace import Connection, Side, Step, Trace
from harness.model.wire import Datagram, Flow, Sent, Wire

HOME, THERE = ("198.18.0.1", 4000), ("198.18.0.2", 21)
ABC = Payload(text="abc\n")
STORE = Operation("store", {"op": "store", "name": "n", "type": "image"}, ABC, ("n", ABC))
FETCH = Operation("retrieve", {"op": "retrieve", "name": "n", "type": "ascii"}, ABC)
NAMES = Operation("names", {"op": "names", "name": ""}, names=("a", "b"))
REQUIRED = ("RFC959-3.2-close-ends-stream-file",)


def scenario(*operations: Operation, server: Script | None = None) -> Scenario:
    return Scenario("t/files", "Files.", REQUIRED, "tcp", "script" if server else "ftp", session=Session(operations), server=server)


def step(name: str, /, **members: object) -> Step:
    return msgspec.convert({"step": name, **members}, Step)


def did(op: str, status: int = 226, **members: object) -> Step:
    return step("did", op=op, status=status, **members)


AMOUNT: dict[str, Any] = {"octets": 4, "digest": ABC.digest()}
STORED = step("stored", name="n", **AMOUNT)


def held(what: Scenario, client: tuple[Step, ...], server: tuple[Step, ...] = (), wire: Wire | None = None) -> Result:
    steps = (step("connected", local=HOME, remote=THERE), *client, step("closed"))
    account = Connection((step("accepted", local=THERE, remote=HOME), *server, step("closed")))
    trace = Trace(Side(steps), Side(connections=(account,)), THERE, wire=wire or Wire(absent="no wire"))
    return judge(Case(what, "c", "s", "ipv4"), trace, {})


def told(result: Result) -> list[tuple[str, str]]:
    return [(f.kind, f.side) for f in result.findings]


def said(by: str, kind: str, text: str, code: int = 0, at: int = 0, **members: Any) -> Said:
    return Said(by, kind, text, code, **{"octets": 0, "digest": "", "began": at, "ended": at, "frame": at, **members})


def control(*spoken: Said) -> Wire:
    numbered = [msgspec.structs.replace(s, began=1000 * (i + 1), ended=1000 * (i + 1), frame=i + 1) for i, s in enumerate(spoken)]
    return Wire(flows=(Flow(HOME, THERE, Sent(), Sent(), established=True, dialogue=tuple(numbered), talk="ftp"),))


GREETING = (said("server", REPLY, "220 x", 220), said("client", COMMAND, "USER x"), said("server", REPLY, "230 x", 230))


def carried(verb: str, octets: bytes, by: str, *problems: str) -> tuple[Said, ...]:
    data = said(by, DATA, verb, octets=len(octets), digest=sha256(octets), problems=problems)
    return said("client", COMMAND, f"{verb} n"), data, said("server", REPLY, "150 x", 150), said("server", REPLY, "226 x", 226)


def test_files_that_both_tell_of_pass() -> None:
    assert held(scenario(STORE), (did("store", **AMOUNT),), (STORED,)).verdict == PASS
    wire = control(*GREETING, *carried("STOR", b"abc\n", "client"), *carried("RETR", b"abc\r\n", "server"))
    result = held(scenario(STORE, FETCH), (did("store", **AMOUNT), did("retrieve", **AMOUNT)), (STORED,), wire)
    assert (result.verdict, result.findings) == (PASS, ())


@pytest.mark.parametrize(
    ("operation", "client", "server", "findings"),
    [
        (STORE, did("store", 550), (), [("nonconformant", "server")]),
        (STORE, did("append", **AMOUNT), (), [("contract", "client")]),
        (STORE, did("store", octets=3, digest="x"), (STORED,), [("misreport", "client")]),
        (STORE, did("store", **AMOUNT), (), [("disagree", "both")]),
        (STORE, did("store", **AMOUNT), (STORED, STORED), [("disagree", "both")]),
        (STORE, did("store", **AMOUNT), (step("stored", name="m", **AMOUNT),), [("disagree", "both")]),
        (STORE, did("store", **AMOUNT), (step("stored", name="n", octets=5, digest="y"),), [("disagree", "both")]),
        (FETCH, did("retrieve", octets=3, digest="y"), (), [("disagree", "both")]),
        (NAMES, did("names", names=("a",)), (), [("nonconformant", "server")]),
        (FETCH, step("failed", at=0, error="ended", says="gone"), (), [("nonconformant", "server")]),
        (FETCH, step("sent", octets=0, digest=""), (), [("contract", "client")]),
        (Operation("size", {"op": "size", "name": "n"}, size=4), did("size", 213, size=5), (), [("nonconformant", "server")]),
        (Operation("where", {"op": "where"}, path="/a"), did("where", 257, name="/"), (), [("nonconformant", "server")]),
        (Operation("entries", {"op": "entries", "name": ""}, entries=(("a", "file", 1),)), did("entries", entries=(("a", "dir", None),)), (),
         [("nonconformant", "server")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_operation(operation: Operation, client: Step, server: tuple[Step, ...], findings: list[tuple[str, str]]) -> None:
    result = held(scenario(operation), (client,), server)
    assert (result.verdict, told(result)) == (FAIL, findings)


def test_names_may_come_with_their_folder() -> None:
    assert held(scenario(NAMES), (did("names", names=("/x/b", "./a")),)).verdict == PASS


def test_a_script_in_place_of_the_server_is_never_to_blame() -> None:
    accept = Script("server", ({"do": "accept"},))
    trace = Trace(
        Side((step("connected", local=HOME, remote=THERE), did("size", 200, size=1), step("closed"))),
        Side((step("created"), step("bound"), step("listening"), step("accepted", local=THERE, remote=HOME), step("closed"))), THERE,
        wire=Wire(absent="no wire"),
    )  # fmt: skip
    refused = scenario(Operation("size", {"op": "size", "name": "n"}, status=("530",)), server=accept)
    assert told(judge(Case(refused, "c", "s", "ipv4"), trace, {})) == [("nonconformant", "client")]


@pytest.mark.parametrize(
    ("spoken", "findings"),
    [
        (carried("RETR", b"abc\n", "server", "bare-line-end"), {("RFC959-3.1.1-ascii-crlf", "server"), ("RFC959-3.2-close-ends-stream-file", "server")}),
        (carried("RETR", b"abc\r\n", "server", "reset"), {("RFC959-3.2-close-ends-stream-file", "server")}),
        (carried("RETR", b"abc\r\n", "server", "no-new-port"), {("RFC1123-4.1.2.5-port-each-transfer", "client")}),
        (carried("RETR", b"abc\r\n", "server")[:2] + carried("RETR", b"", "server")[3:], {("RFC959-5.4-transfer-150-226", "server")}),
        ((said("client", COMMAND, "PASV"), said("server", REPLY, "227 no", 227), *carried("RETR", b"abc\r\n", "server")), {("RFC959-4.1.2-pasv-227", "server")}),
        ((said("client", COMMAND, "EPSV"), said("server", REPLY, "229 (|1|a|9|)", 229), *carried("RETR", b"abc\r\n", "server")), {("RFC2428-3-epsv-229", "server")}),
        ((said("client", COMMAND, "PORT 1,2"), said("server", REPLY, "200 ok", 200), *carried("RETR", b"abc\r\n", "server")),
         {("RFC959-4.1.2-port-six-numbers", "client")}),
        ((said("client", COMMAND, "EPRT |1|9.9.9.9|1|"), said("server", REPLY, "200 ok", 200), *carried("RETR", b"abc\r\n", "server")),
         {("RFC2428-2-eprt-format", "client")}),
        ((*carried("RETR", b"abc\r\n", "server"), said("client", COMMAND, "QUIT"), said("server", REPLY, "200 bye", 200)), {("RFC959-5.4-quit-221", "server")}),
        ((*carried("RETR", b"abc\r\n", "server"), said("client", COMMAND, "QUIT"), said("server", REPLY, "bye", problems=("no-code",))),
         {("RFC959-4.2-reply-format", "server")}),
        ((said("client", COMMAND, "RETR N"), *carried("RETR", b"abc\r\n", "server")[1:]), {("RFC1123-4.1.4.1-pathnames-as-given", "client")}),
    ],
)  # fmt: skip
def test_what_the_wire_shows_of_a_session(spoken: tuple[Said, ...], findings: set[tuple[str, str]]) -> None:
    result = held(scenario(FETCH), (did("retrieve", **AMOUNT),), (), control(*GREETING, *spoken))
    assert {(f.requirement, f.side) for f in result.findings} == findings


BROKEN_OFF = step("failed", at=1, error="ended", says="gone")


def test_a_session_that_breaks_off_is_not_taken_for_one_with_other_names() -> None:
    other = Operation("retrieve", {"op": "retrieve", "name": "other", "type": "ascii"}, ABC)
    wire = control(*GREETING, *carried("RETR", b"abc\r\n", "server"))
    result = held(scenario(FETCH, other), (did("retrieve", **AMOUNT), BROKEN_OFF), (), wire)
    assert (result.verdict, [(f.requirement, f.side) for f in result.findings]) == (FAIL, [(REQUIRED[0], "server")])


def test_another_name_does_not_hide_that_the_session_breaks_off() -> None:
    wire = control(*GREETING, said("client", COMMAND, "RETR N"), *carried("RETR", b"abc\r\n", "server")[1:])
    result = held(scenario(FETCH, FETCH), (did("retrieve", **AMOUNT), BROKEN_OFF), (), wire)
    assert [(f.requirement, f.side) for f in result.findings] == [("RFC1123-4.1.4.1-pathnames-as-given", "client"), (REQUIRED[0], "server")]


def test_who_does_not_wait_to_be_greeted() -> None:
    first = (said("client", COMMAND, "USER x"), said("server", REPLY, "220 x", 220))
    result = held(scenario(FETCH), (did("retrieve", **AMOUNT),), (), control(*first, *carried("RETR", b"abc\r\n", "server")))
    assert ("RFC959-5.4-220-first", "client") in {(f.requirement, f.side) for f in result.findings}


# -- streams --------------------------------------------------------------------------------------------------

TOLD: dict[str, Any] = {"ssrc": 5, "type": 0, "sequence": 10, "timestamp": 0, "advance": 160}
STREAM = Stream(TOLD, Payload(pattern="every-octet", seed=0, size=4), (0, 1, 3), (3,))
MEDIA = Scenario("t/media", "Media.", ("RFC3550-5.1-payload-found",), "udp", "rtp", stream=STREAM)
BLOCK = Block(5, 64, 1, 13, 0, 0, 0)


def datagrams(*sent: tuple[str, Media]) -> Wire:
    found = [
        Datagram(i + 1, 20_000 * i, by, 10, str(i), HOME if by == "client" else THERE, THERE if by == "client" else HOME, "ok", 18, True, True, media=media)
        for i, (by, media) in enumerate(sent)
    ]  # fmt: skip
    return Wire(datagrams=tuple(found))


def sender(packets: int, octets: int, *, bye: bool = False) -> Rtcp:
    return Rtcp((SR, SDES, *([203] if bye else [])), 5, 0, 0, packets, octets, (), (5,), (5,) if bye else ())


def streamed(
    block: Block = BLOCK, *, reported: Block | None = None, packets: tuple[Rtp, ...] | None = None, counts: tuple[int, int] = (3, 12), **over: Any
) -> Result:
    wanted = packets or tuple(STREAM.packet(n) for n in STREAM.order)
    receiver = Rtcp((201, SDES), 9, blocks=(block,), cname=(9,))
    wire = datagrams(*(("client", p) for p in wanted), ("client", sender(*counts)), ("server", receiver), ("client", sender(*counts, bye=True)))
    names = ("ssrc", "fraction", "lost", "highest", "jitter", "lsr", "dlsr")
    report = step("report", **dict(zip(names, msgspec.to_builtins(reported or block), strict=True)))
    octets, digest = STREAM.content()
    members = {"ssrc": 5, "packets": 3, "lost": 1, "highest": 13, "jitter": 0, "octets": octets, "digest": digest, "remote": HOME, **over}
    client = (step("created"), step("connected", local=HOME, remote=THERE), report, step("closed"))
    trace = Trace(Side(client), Side(connections=(Connection((step("stream", **members),)),)), THERE, wire=wire)
    return judge(Case(MEDIA, "c", "s", "ipv4"), trace, {})


def found(result: Result) -> set[tuple[str, str]]:
    return {(f.requirement.removeprefix("RFC3550-"), f.side) for f in result.findings}


def test_a_stream_that_is_what_it_must_be_passes() -> None:
    assert streamed().findings == ()


@pytest.mark.parametrize(
    ("changed", "findings"),
    [
        ({"block": BLOCK, "reported": Block(5, 64, 2, 13, 0, 0, 0)}, {("5.1-payload-found", "client")}),
        ({"block": Block(5, 65, 1, 13, 0, 0, 0)}, {("6.4.1-fraction-lost", "server")}),
        ({"block": Block(5, 64, 0, 13, 0, 0, 0)}, {("6.4.1-cumulative-lost", "server")}),
        ({"block": Block(5, 64, 1, 14, 0, 0, 0)}, {("6.4.1-extended-highest", "server")}),
        ({"block": Block(5, 64, 1, 13, 900, 0, 0)}, {("6.4.1-jitter", "server")}),
        ({"block": Block(5, 64, 1, 13, 0, 7, 0)}, {("6.4.1-lsr", "server")}),
        ({"block": Block(5, 64, 1, 13, 0, 0, 65536)}, {("6.4.1-dlsr", "server")}),
        ({"counts": (3, 13)}, {("6.4.1-sender-counts", "client")}),
        ({"octets": 11}, {("5.1-payload-found", "server")}),
        ({"packets": 2}, {("5.1-payload-found", "server")}),
        ({"highest": 12}, {("5.1-payload-found", "server")}),
    ],
)
def test_what_is_wrong_with_a_stream(changed: dict[str, Any], findings: set[tuple[str, str]]) -> None:
    result = streamed_with_packets(changed["packets"]) if "packets" in changed else streamed(**changed)
    assert found(result) == findings


def streamed_with_packets(count: int) -> Result:
    """The server tells of another number of packets."""
    octets, digest = STREAM.content()
    wire = datagrams(
        *(("client", STREAM.packet(n)) for n in STREAM.order),
        ("client", sender(3, 12)),
        ("server", Rtcp((201, SDES), 9, blocks=(BLOCK,), cname=(9,))),
    )
    report = step("report", ssrc=5, fraction=64, lost=1, highest=13, jitter=0, lsr=0, dlsr=0)
    told_ = step("stream", ssrc=5, packets=count, lost=1, highest=13, jitter=0, octets=octets, digest=digest, remote=HOME)
    client = (step("created"), step("connected", local=HOME, remote=THERE), report, step("closed"))
    trace = Trace(Side(client), Side(connections=(Connection((told_,)),)), THERE, wire=wire)
    return judge(Case(MEDIA, "c", "s", "ipv4"), trace, {})


@pytest.mark.parametrize(("hops", "right"), [((1,), True), ((1, 64), False), ((), False)])
def test_how_far_datagrams_to_a_group_go(hops: tuple[int, ...], right: bool) -> None:
    sent = [Datagram(1, 0, "client", 1, "x", HOME, ("233.252.0.1", 9), "ok", 9, True, True, hops=n) for n in hops]
    answer = Datagram(2, 1, "server", 1, "x", THERE, HOME, "ok", 9, True, True, hops=64)
    assert (WIRE_RULES["rfc1112-hops"](Wire(datagrams=(*sent, answer)), "client", 1) is None) == right


def test_another_packet_is_the_senders() -> None:
    other = (STREAM.packet(0), STREAM.packet(2), STREAM.packet(3))
    assert ("5.1-header", "client") in found(streamed(packets=other))


def test_a_report_that_never_came_is_the_receivers() -> None:
    client = (step("created"), step("connected", local=HOME, remote=THERE), step("failed", at=3, error="timeout", says="x"), step("closed"))
    wire = datagrams(*(("client", STREAM.packet(n)) for n in STREAM.order), ("client", sender(3, 12)))
    result = judge(Case(MEDIA, "c", "s", "ipv4"), Trace(Side(client), Side(), THERE, wire=wire), {})
    assert {f.side for f in result.findings} == {"server"}
