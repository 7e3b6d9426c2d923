"""The dialogue of an SMTP connection, read from two streams: what belongs to what, and what breaks the grammar. Given octets, expected sayings."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.talk import COMMAND, CONTENT, REPLY, Said
from harness.wire import smtp

GREETING, HELLO = b"220 here\r\n", b"250-here\r\n250 HELP\r\n"


def read(client: bytes, server: bytes) -> tuple[Said, ...]:
    """With each octet's place as its time and frame."""
    return smtp.dialogue(client, server, lambda at: (at, at), lambda at: (at, at))


def test_a_session_is_read_in_the_order_in_which_it_was_held() -> None:
    client = b"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n..x\r\n\r\n.\r\nQUIT\r\n"
    server = GREETING + HELLO + b"250 OK\r\n250 OK\r\n354 go\r\n250 taken\r\n221 bye\r\n"
    said = read(client, server)
    assert [(s.kind, s.verb or s.code or s.octets) for s in said] == [
        (REPLY, 220), (COMMAND, "EHLO"), (REPLY, 250), (COMMAND, "MAIL"), (REPLY, 250), (COMMAND, "RCPT"), (REPLY, 250), (COMMAND, "DATA"), (REPLY, 354),
        (CONTENT, 6), (REPLY, 250), (COMMAND, "QUIT"), (REPLY, 221),
    ]  # fmt: skip
    content = said[9]
    assert content.digest == hashlib.sha256(b".x\r\n\r\n").hexdigest()
    assert not [s for s in said if s.problems]
    assert said[2].text == "250-here\n250 HELP"


def test_what_was_not_refused_is_a_command_also_after_data() -> None:
    said = read(b"DATA\r\nQUIT\r\n", GREETING + b"503 no\r\n221 bye\r\n")
    assert [s.verb or s.code for s in said] == [220, "DATA", 503, "QUIT", 221]


def test_times_are_those_of_the_first_and_the_last_octet() -> None:
    said = read(b"NOOP\r\nNOOP\r\n", GREETING)
    assert [(s.began, s.ended) for s in said] == [(0, len(GREETING) - 1), (0, 5), (6, 11)]


@pytest.mark.parametrize(
    ("client", "server", "problems"),
    [
        (b"NOOP\n", GREETING, ["bare-line-end"]),
        (b"NO\rOP\r\n", GREETING, ["bare-line-end"]),
        (b"NOOP " + b"x" * 506 + b"\r\n", GREETING, ["long-command"]),
        (b"NOOP " + b"x" * 505 + b"\r\n", GREETING, []),
        (b"NOOP", GREETING, ["broken-off"]),
        (b"", b"hello\r\n", ["no-code"]),
        (b"", b"220-a\r\n221 b\r\n", ["codes-differ"]),
        (b"", b"220-a\r\n", ["broken-off"]),
        (b"", b"220 a\n", ["bare-line-end"]),
        (b"DATA\r\nx\r\n", GREETING + b"354 go\r\n", ["broken-off"]),
        (b"DATA\r\n.x\r\n.\r\n", GREETING + b"354 go\r\n", ["unstuffed"]),
        (b"DATA\r\n" + b"x" * 999 + b"\r\n.\r\n", GREETING + b"354 go\r\n", ["long-line"]),
        (b"DATA\r\na\nb\r\n.\r\n", GREETING + b"354 go\r\n", ["bare-line-end"]),
    ],
)
def test_what_breaks_the_grammar_is_noted(client: bytes, server: bytes, problems: list[str]) -> None:
    assert [p for s in read(client, server) for p in s.problems] == problems


def test_an_empty_content_is_one() -> None:
    said = read(b"DATA\r\n.\r\nQUIT\r\n", GREETING + b"354 go\r\n250 OK\r\n221 bye\r\n")
    assert [(s.kind, s.octets) for s in said if s.kind == CONTENT] == [(CONTENT, 0)]
    assert said[-1].code == 221


PIECES = st.lists(
    st.sampled_from([b"DATA", b"354 ", b"250-", b"250 ", b"\r\n", b"\n", b".", b"..", b"\r\n.\r\n", b"x", b"\xff", b"EHLO a\r\n"]), max_size=40
)


@settings(max_examples=300, deadline=None)
@given(PIECES, PIECES)
def test_any_octets_are_read_and_none_twice(client: list[bytes], server: list[bytes]) -> None:
    ours, theirs = b"".join(client), b"".join(server)
    said = read(ours, theirs)
    assert len(said) <= 3 * smtp.MAX_SAID
    assert sum(s.octets for s in said if s.by == "server") <= len(theirs)
    assert sum(s.octets for s in said if s.kind == COMMAND) <= len(ours)
    places = [s.began for s in said if s.by == "client"]
    assert places == sorted(places) and len(set(places)) == len(places)


def test_many_lines_are_read_in_linear_time_and_bounded() -> None:
    said = read(b"NOOP\r\n" * 50_000, b"250 OK\r\n" * 50_000)
    assert len(said) <= 3 * smtp.MAX_SAID
