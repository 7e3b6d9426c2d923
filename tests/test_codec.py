"""The control protocol's codec: any cut gives the same events; whatever comes, it is an event or a ContractError."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ContractError
from harness.peer import contract
from harness.peer.contract import LineDecoder

LINES = (
    b'{"event":"hello","contract":1,"families":["ipv4"],"can":[],"t":5}\n'
    b'{"event":"steps","id":"c1","steps":[{"step":"connected","t":1,"local":["198.18.0.1",5],"remote":["198.18.0.2",7]}]}\n'
    b'{"event":"steps","id":"c1","steps":[{"step":"sent","t":2,"octets":3,"digest":"ab"}],"done":true}\n'
    b'{"event":"flushed","id":"f1","extra":{"ignored":[1,2]}}\n'
)


def _decode(pieces: list[bytes]) -> list[contract.Event]:
    decoder = LineDecoder()
    events = []
    for piece in pieces:
        decoder.feed(piece)
        events += decoder.take()
    return events


@given(st.lists(st.integers(0, len(LINES)), max_size=12))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(LINES)]
    pieces = [LINES[a:b] for a, b in itertools.pairwise(edges)]
    assert _decode(pieces) == _decode([LINES])


@given(st.binary(max_size=400))
def test_anything_is_events_or_a_contract_error(octets: bytes) -> None:
    decoder = LineDecoder()
    try:
        decoder.feed(octets)
    except ContractError as error:
        assert error.what.isprintable()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s), max_leaves=8))
def test_any_json_is_an_event_or_a_contract_error(value: object) -> None:
    decoder = LineDecoder()
    try:
        decoder.feed(contract.encode(value) + b"\n")
    except (ContractError, UnicodeEncodeError):
        return
    assert isinstance(decoder.take()[0], contract.Event)


def test_events_before_a_bad_line_are_kept() -> None:
    decoder = LineDecoder()
    with pytest.raises(ContractError, match="no event"):
        decoder.feed(LINES + b"Traceback (most recent call last):\n")
    assert len(decoder.take()) == 4


def test_a_flood_without_a_newline_is_refused_within_its_bound() -> None:
    decoder = LineDecoder()
    with pytest.raises(ContractError, match="without a newline"):
        for _ in range(200):
            decoder.feed(b"x" * 65536)
    assert not decoder.take()


def test_deep_nesting_is_refused_and_not_followed() -> None:
    with pytest.raises(ContractError):
        LineDecoder().feed(b'{"event":"x","id":' + b"[" * 200_000 + b"\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"event":"steps","id":"c"}', "nothing may be said before"),
        (b'{"event":"hello","contract":2,"families":["ipv4"]}', "speaks contract 2"),
        (b'{"event":"hello","families":["ipv4"]}', "contract None"),
        (b'{"event":"hello","contract":1}', "no address family"),
    ],
)
def test_hello_is_checked(line: bytes, words: str) -> None:
    decoder = LineDecoder()
    decoder.feed(line + b"\n")
    with pytest.raises(ContractError, match=words):
        contract.check_hello(decoder.take()[0])


def test_an_excerpt_is_one_printable_line() -> None:
    assert contract.excerpt(b"\x1b[31mred\r\n\xff" + b"x" * 500).isprintable()
