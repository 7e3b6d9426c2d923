"""Any segmentation, order and repetition of the same octets gives the same octets; what does not fit is told apart."""

from __future__ import annotations

import hashlib
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.stream import Stream

ISN = 0xFFFFFFF0  # sequence numbers wrap within every test


def opened(**caps: int) -> Stream:
    stream = Stream(**caps)
    assert stream.add(ISN, b"", syn=True) == "new"
    return stream


def put(stream: Stream, place: int, data: bytes, **flags: bool) -> str:
    """A segment whose first octet is number ``place`` of the stream."""
    return stream.add((ISN + 1 + place) & 0xFFFFFFFF, data, **flags)


def state(stream: Stream) -> tuple[bytes, bool, int, int, int]:
    return stream.data(), stream.fin, stream.holes, stream.again, stream.conflicts


def test_a_stream_in_order():
    stream = opened()
    assert [put(stream, 0, b"hello "), put(stream, 6, b""), put(stream, 6, b"world", fin=True)] == ["new", "empty", "new"]
    assert state(stream) == (b"hello world", True, 0, 0, 0)
    assert (stream.octets, stream.fin_at, stream.capped) == (11, 11, False)
    assert stream.digest() == hashlib.sha256(b"hello world").hexdigest()


def test_a_hole_and_its_filling():
    stream = opened()
    assert [put(stream, 6, b"world"), put(stream, 20, b"far")] == ["early", "early"]
    assert (stream.octets, stream.holes) == (0, 2)
    assert put(stream, 0, b"hello ") == "new"
    assert state(stream) == (b"hello world", False, 1, 0, 0)
    assert put(stream, 9, b"ld, good ev") == "partly-again"
    assert state(stream) == (b"hello world, good evfar"[:23], False, 0, 2, 0)


def test_sent_again():
    stream = opened()
    assert [put(stream, 0, b"abcdef"), put(stream, 2, b"cd"), put(stream, 4, b"efgh"), put(stream, 0, b"abcdefgh")] == [
        "new",
        "again",
        "partly-again",
        "again",
    ]
    assert (stream.again, stream.conflicts) == (12, 0)
    assert [put(stream, 20, b"xyz"), put(stream, 20, b"xyz"), put(stream, 19, b"wxyz!")] == ["early", "again", "partly-again"]
    assert (stream.again, stream.holes, stream.octets) == (18, 1, 8)


def test_the_first_octets_win():
    stream = opened()
    put(stream, 0, b"abc")
    put(stream, 6, b"ghi")
    assert put(stream, 0, b"aXcdefgYi") == "partly-again"
    assert state(stream) == (b"abcdefghi", False, 0, 6, 2)


def test_fin():
    stream = opened()
    assert put(stream, 3, b"", fin=True) == "early"
    assert (stream.fin, stream.fin_at, stream.holes) == (False, 3, 1)
    assert put(stream, 0, b"abc") == "new" and stream.fin and stream.holes == 0
    assert put(stream, 3, b"", fin=True) == "again"
    assert put(stream, 0, b"abc", fin=True) == "again"
    assert stream.conflicts == 0


def test_nothing_comes_after_fin():
    stream = opened()
    put(stream, 0, b"ab", fin=True)
    assert put(stream, 2, b"c") == put(stream, 1, b"bc") == put(stream, 5, b"far") == put(stream, 4, b"", fin=True) == "beyond-fin"
    assert stream.data() == b"ab" and stream.fin_at == 2
    stream = opened()
    put(stream, 0, b"abc")
    assert put(stream, 1, b"", fin=True) == "beyond-fin", "octets after it are there"
    assert stream.fin_at is None


def test_syn():
    """The SYN takes a sequence number; data with it comes after it (RFC 9293 3.4, RFC 7413)."""
    stream = Stream()
    assert stream.add(ISN, b"early data", syn=True) == "new"
    assert stream.add(ISN, b"", syn=True) == "again"
    assert stream.add(ISN + 5, b"", syn=True) == "outside"
    assert stream.add(ISN + 5, b"x", syn=True) == "outside"
    assert stream.data() == b"early data"


def test_without_a_syn_the_first_segment_is_the_origin():
    stream = Stream()
    assert [stream.add(500, b"abc"), stream.add(503, b"def"), stream.add(499, b"x"), stream.add(490, b"long before")] == [
        "new",
        "new",
        "outside",
        "outside",
    ]
    assert stream.data() == b"abcdef"


def test_a_syn_that_comes_late_moves_the_origin():
    stream = Stream()
    put(stream, 3, b"def")
    put(stream, 9, b"jkl", fin=True)
    assert stream.add(ISN, b"", syn=True) == "new"
    assert (stream.octets, stream.holes, stream.fin_at) == (0, 2, 12)
    assert [put(stream, 0, b"abc"), put(stream, 6, b"ghi")] == ["new", "new"]
    assert state(stream) == (b"abcdefghijkl", True, 0, 0, 0)


@pytest.mark.parametrize("place", [-1, -1000, (1 << 30) + 4, 1 << 31])
def test_outside(place):
    stream = opened()
    put(stream, 0, b"abc")
    assert put(stream, place, b"x") == "outside"
    assert state(stream) == (b"abc", False, 0, 0, 0) and not stream.capped


def test_octets_are_capped():
    stream = opened(max_octets=10)
    assert [put(stream, 0, b"abcdefgh"), put(stream, 8, b"ijkl"), put(stream, 12, b"mn", fin=True)] == ["new", "new", "outside"]
    assert (stream.data(), stream.capped, stream.fin) == (b"abcdefghij", True, False)
    stream = opened(max_octets=10)
    assert [put(stream, 8, b"ijkl"), put(stream, 11, b"l")] == ["early", "outside"] and stream.capped


def test_holes_are_capped():
    stream = opened(max_holes=2)
    assert [put(stream, place, b"x") for place in (10, 20, 30)] == ["early"] * 3
    assert (stream.holes, stream.capped) == (2, True)
    assert put(stream, 0, b"0123456789") == "new" and stream.octets == 11
    assert put(stream, 11, b"abcdefghi") == "new" and stream.octets == 21 and stream.holes == 0


def test_a_capped_stream_that_wraps_is_not_taken_for_its_beginning():
    stream = opened(max_octets=4)
    put(stream, 0, b"abcd")
    for place in range(1 << 29, (1 << 32) + (1 << 30), 1 << 29):
        assert put(stream, place, b"zzzz") == "outside"
    assert state(stream) == (b"abcd", False, 0, 0, 0)


@given(data=st.data(), octets=st.binary(max_size=200), late=st.booleans())
def test_any_segmentation_order_and_repetition(data, octets, late):
    size = len(octets)
    cuts = sorted(data.draw(st.sets(st.integers(0, size), max_size=12)) | {0, size})
    again = data.draw(st.lists(st.tuples(st.integers(0, size), st.integers(0, size)).map(sorted), max_size=6))
    pieces = data.draw(st.permutations([*itertools.pairwise(cuts), *again, (size, size)]))
    stream = Stream() if late else opened()
    if late:
        put(stream, *(lambda start, end: (start, octets[start:end]))(*pieces[0]))
        stream.add(ISN, b"", syn=True)
    for start, end in pieces:
        put(stream, start, octets[start:end], fin=end == size)
    assert (stream.data(), stream.fin, stream.fin_at, stream.holes, stream.conflicts) == (octets, True, size, 0, 0)


@given(segments=st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=20)), max_size=25))
def test_against_a_dictionary(segments):
    """First octets win, whatever is sent; the model keeps each octet by its place."""
    stream, model, again, conflicts = opened(), {}, 0, 0
    for place, data in segments:
        known = [at for at in range(len(data)) if place + at in model]
        reached = next(n for n in range(100) if n not in model)
        if not data:
            expected = "empty"
        elif known:
            expected = "again" if len(known) == len(data) else "partly-again"
        else:
            expected = "early" if place > reached else "new"
        again += len(known)
        conflicts += sum(model[place + at] != data[at] for at in known)
        assert put(stream, place, data) == expected
        model = {place + at: octet for at, octet in enumerate(data)} | model
    reached = next(n for n in range(100) if n not in model)
    runs = sum(place - 1 not in model for place in model if place > reached)
    assert state(stream) == (bytes(model[n] for n in range(reached)), False, runs, again, conflicts)


@pytest.mark.parametrize("order", ["in order", "backwards", "first lost", "shuffled"])
def test_a_hundred_thousand_segments(order):
    """Done at once; quadratic work would take many minutes."""
    count, data = 100_000, bytes(range(100))
    places = [n * 100 for n in range(count)]
    if order == "backwards":
        places.reverse()
    elif order == "first lost":
        places = [*places[1:], 0]
    elif order == "shuffled":
        random.Random(1).shuffle(places)
    stream = opened(max_holes=count)
    for place in places:
        put(stream, place, data)
    assert stream.octets == count * 100 and stream.holes == 0
