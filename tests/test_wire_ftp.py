"""The dialogue of an FTP control connection and its transfers, read from two streams. Given octets, expected sayings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.talk import DATA, Said
from harness.model.wire import Flow, Sent
from harness.wire import ftp

GREETING = b"220 here\r\n"


def read(client: bytes, server: bytes) -> tuple[tuple[Said, ...], tuple[ftp.Transfer, ...]]:
    """With each octet's place as its time and frame."""
    return ftp.dialogue(client, server, lambda at: (at, at), lambda at: (at, at))


def shown(said: tuple[Said, ...]) -> list[object]:
    return [s.verb or s.code for s in said]


def test_each_command_has_its_replies_and_preliminary_ones_are_not_the_last() -> None:
    client = b"USER a\r\nPASS b\r\nPASV\r\nRETR x\r\nQUIT\r\n"
    server = b"120 wait\r\n220 here\r\n331 who\r\n230 in\r\n227 go (1,2,3,4,5,6)\r\n150 now\r\n226 done\r\n221 bye\r\n"
    said, transfers = read(client, server)
    assert shown(said) == [120, 220, "USER", 331, "PASS", 230, "PASV", 227, "RETR", 150, 226, "QUIT", 221]
    assert transfers == (ftp.Transfer(8, "RETR", "server", 5 * 256 + 6, True, True),)


def test_what_stands_within_a_reply_of_many_lines_is_text() -> None:
    said, _ = read(b"", b"220-one\r\n530 no code\r\n 220 nor this\r\n220-nor this\r\n220 last\r\n")
    assert [(s.code, s.problems) for s in said] == [(220, ())]
    assert said[0].text.endswith("220 last")


@pytest.mark.parametrize(
    ("asked", "reply", "end"),
    [
        (b"PASV", b"227 Entering (198,18,0,1,4,1)", ("server", 1025)),
        (b"PASV", b"227 =198,18,0,1,4,1", ("server", 1025)),
        (b"EPSV", b"229 go (|||5000|)", ("server", 5000)),
        (b"EPSV", b"229 go (!!!5000!)", ("server", 5000)),
        (b"PORT 198,18,0,2,40,1", b"200 ok", ("client", 10241)),
        (b"EPRT |1|198.18.0.2|10241|", b"200 ok", ("client", 10241)),
        (b"EPRT !2!2001:db8::2!10241!", b"200 ok", ("client", 10241)),
        (b"PORT 198,18,0,2,40,1", b"500 no", ("", 0)),
        (b"PASV", b"227 nowhere", ("", 0)),
        (b"EPSV", b"229 go (||5000|)", ("", 0)),
    ],
)
def test_who_listens_where(asked: bytes, reply: bytes, end: tuple[str, int]) -> None:
    _, transfers = read(asked + b"\r\nSTOR x\r\n", GREETING + reply + b"\r\n150 now\r\n226 done\r\n")
    assert [(t.listener, t.port) for t in transfers] == [end]


def test_a_transfer_without_a_port_of_its_own_is_noticed() -> None:
    client = b"PASV\r\nRETR a\r\nRETR b\r\nPORT 1,2,3,4,9,9\r\nRETR c\r\nPORT 1,2,3,4,9,9\r\nRETR d\r\n"
    go = b"150 now\r\n226 done\r\n"
    server = GREETING + b"227 (1,2,3,4,5,6)\r\n" + go + go + (b"200 ok\r\n" + go) * 2
    assert [t.fresh for t in read(client, server)[1]] == [True, False, True, False]


def test_types_and_lists() -> None:
    go = b"150 now\r\n226 done\r\n"
    client = b"TYPE I\r\nRETR a\r\nLIST\r\nTYPE A\r\nRETR b\r\nTYPE Q\r\nRETR c\r\nRETR refused\r\n"
    server = GREETING + b"200 ok\r\n" + go + go + b"200 ok\r\n" + go + b"504 no\r\n" + go + b"550 no\r\n"
    assert [(t.verb, t.lines) for t in read(client, server)[1]] == [("RETR", False), ("LIST", True), ("RETR", True), ("RETR", True)]


def test_telnet_between_commands_is_passed_over() -> None:
    assert shown(read(b"\xff\xf1NOOP\r\n\xff\xf4\xff\xf2ABOR\r\n", GREETING + b"200 ok\r\n226 ok\r\n")[0]) == [220, "NOOP", 200, "ABOR", 226]


@pytest.mark.parametrize(
    ("sent", "octets", "lines", "fresh", "problems"),
    [
        (Sent(octets=3, fin_frame=4), b"a\r\n", True, True, ()),
        (Sent(octets=2, fin_frame=4), b"a\n", True, True, ("bare-line-end",)),
        (Sent(octets=2, fin_frame=4), b"a\n", False, True, ()),
        (Sent(octets=2), b"", False, True, ("not-ended",)),
        (Sent(octets=2, rst_frame=3), b"", False, True, ("reset",)),
        (Sent(octets=2, fin_frame=3), b"", False, False, ("no-new-port",)),
    ],
)
def test_what_a_data_connection_carried(sent: Sent, octets: bytes, lines: bool, fresh: bool, problems: tuple[str, ...]) -> None:
    flow = Flow(("a", 1), ("b", 2), Sent(), sent)
    said = ftp.carried(ftp.Transfer(0, "RETR", "server", 2, fresh, lines), flow, octets, 7, 9)
    assert (said.by, said.kind, said.problems, said.frame) == ("server", DATA, problems, 9)


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_octets_are_read_to_the_end(client: bytes, server: bytes) -> None:
    said, transfers = read(client, server)
    assert all(0 <= t.at < len(said) and 0 <= t.port <= 0xFFFFFF for t in transfers)


LINES = st.lists(
    st.sampled_from([b"PASV", b"EPSV", b"PORT 1,2,3,4,5,6", b"TYPE I", b"TYPE A", b"RETR x", b"STOR y", b"LIST", b"NOOP", b"x y"]), max_size=8
)
REPLIES = st.lists(
    st.sampled_from([b"150 x", b"226 x", b"200 x", b"227 (1,2,3,4,5,6)", b"229 (|||9|)", b"550 x", b"220-x", b"220 y", b"x"]), max_size=16
)


@given(LINES, REPLIES)
@settings(max_examples=300, deadline=None)
def test_no_command_is_lost(lines: list[bytes], replies: list[bytes]) -> None:
    client = b"".join(line + b"\r\n" for line in lines)
    said, transfers = read(client, b"".join(reply + b"\r\n" for reply in replies))
    assert [s.verb.encode("latin-1") for s in said if s.by == "client"] == [line.split()[0].upper() for line in lines]
    assert [said[t.at].verb for t in transfers] == [t.verb for t in transfers]
