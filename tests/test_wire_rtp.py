"""RTP and RTCP packets read, a receiver's arithmetic, and what streams must be. Given octets, expected values (RFC 3550)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.media import Block, Rtcp, Rtp, Statistics, Stream, same_packets
from harness.model.payload import Payload, sha256
from harness.wire import rtp


def packet(first: int, more: bytes, second: int = 0) -> bytes:
    return struct.pack("!BBHII", first, second, 7, 1000, 42) + more


@pytest.mark.parametrize(
    ("octets", "payload"),
    [
        (packet(0x80, b"abc"), b"abc"),
        (packet(0x80, b""), b""),
        (packet(0x82, bytes(8) + b"abc"), b"abc"),
        (packet(0x90, bytes.fromhex("12340001") + b"wordabc"), b"abc"),
        (packet(0x90, bytes.fromhex("12340000") + b"abc"), b"abc"),
        (packet(0xA0, b"abc\x00\x00\x03"), b"abc"),
        (packet(0xB1, bytes(4) + bytes.fromhex("12340001") + b"wordabc\x01"), b"abc"),
    ],
)
def test_the_payload_is_found(octets: bytes, payload: bytes) -> None:
    read = rtp.read(octets)
    assert isinstance(read, Rtp)
    assert (read.problem, read.octets, read.digest, read.sequence, read.timestamp, read.ssrc) == ("", len(payload), sha256(payload), 7, 1000, 42)


@pytest.mark.parametrize(
    "octets",
    [b"", b"\x80", packet(0x40, b""), packet(0x80, b"")[:11], packet(0x81, b""), packet(0x90, b"123"), packet(0x90, bytes.fromhex("12340002") + b"word"),
     packet(0xA0, b"\x00"), packet(0xA0, b"\x05")],
)  # fmt: skip
def test_what_is_no_packet_says_why(octets: bytes) -> None:
    assert rtp.read(octets).problem


def framed(kind: int, count: int, body: bytes, first: int = 0x80) -> bytes:
    return struct.pack("!BBH", first | count, kind, len(body) // 4) + body


RECEIVER = struct.pack("!I", 9) + struct.pack("!IB3sIIII", 42, 12, b"\xff\xff\xfe", 70000, 3, 4, 5)
SDES = framed(202, 1, struct.pack("!I", 9) + b"\x01\x04name\x00\x00")


def test_a_compound_packet_is_read_to_its_end() -> None:
    sender = framed(200, 0, struct.pack("!IQIII", 9, 1 << 32, 8, 2, 20))
    read = rtp.read(sender + SDES + framed(203, 1, struct.pack("!I", 9)))
    assert read == Rtcp((200, 202, 203), 9, 1 << 32, 8, 2, 20, (), (9,), (9,))
    read = rtp.read(framed(201, 1, RECEIVER) + SDES)
    assert read == Rtcp((201, 202), 9, blocks=(Block(42, 12, -2, 70000, 3, 4, 5),), cname=(9,))


@pytest.mark.parametrize(
    "octets",
    [SDES + framed(201, 1, RECEIVER), framed(201, 1, RECEIVER, 0xA0) + SDES, framed(201, 1, RECEIVER)[:-4], framed(201, 2, RECEIVER),
     framed(201, 1, RECEIVER) + b"\x80", framed(201, 1, RECEIVER) + bytes(4), b"\x80\xc9"],
)  # fmt: skip
def test_what_is_no_compound_packet_says_why(octets: bytes) -> None:
    read = rtp.read(octets)
    assert isinstance(read, Rtcp)
    assert read.problem


@given(st.binary(max_size=120))
@settings(max_examples=500, deadline=None)
def test_any_octets_are_read(octets: bytes) -> None:
    assert rtp.read(octets) is not None


@given(st.binary(max_size=60), st.integers(0, 31), st.sampled_from([200, 201, 202, 203, 204]))
@settings(max_examples=500, deadline=None)
def test_any_rtcp_is_read(body: bytes, count: int, kind: int) -> None:
    body = body[: len(body) // 4 * 4]
    assert isinstance(rtp.read(framed(201, 1, RECEIVER) + framed(kind, count, body)), Rtcp)


# -- arithmetic -----------------------------------------------------------------------------------------------


def received(*numbers: int) -> Statistics:
    found = Statistics(8000)
    for number in numbers:
        found.take(number & 0xFFFF, 0, None)
    return found


@pytest.mark.parametrize(
    ("numbers", "expected", "lost", "highest", "fraction"),
    [
        ((1, 2, 3), 3, 0, 3, 0),
        ((1, 3), 3, 1, 3, 85),
        ((1, 3, 2), 3, 0, 3, 0),
        ((1, 1, 2), 2, -1, 2, 0),
        ((65534, 65535, 65536, 65538), 5, 1, 65538, 51),
        ((5,), 1, 0, 5, 0),
        ((), 0, 0, 0, 0),
    ],
)
def test_what_a_receiver_counts(numbers: tuple[int, ...], expected: int, lost: int, highest: int, fraction: int) -> None:
    found = received(*numbers)
    assert (found.expected, found.lost, found.highest, found.fraction()) == (expected, lost, highest, fraction)


def test_the_fraction_is_of_what_came_since_the_report_before() -> None:
    found = received(1, 3)
    assert found.fraction() == 85
    found.take(4, 0, None)
    assert found.fraction() == 0


def test_jitter_is_smoothed_by_sixteen() -> None:
    found = Statistics(8000)
    for when in (0.0, 0.02, 0.06):  # the third comes 20 ms late: 160 units
        found.take(1, round(when * 8000) if when < 0.05 else 320, when)
    assert found.jitter == pytest.approx(160 / 16)


STREAM = Stream(
    {"ssrc": 5, "type": 96, "sequence": 65535, "timestamp": 0xFFFFFFFF, "advance": 10, "marked": [1]}, Payload(pattern="every-octet", seed=0, size=4),
    (0, 2, 1, 1), (2, 4),
)  # fmt: skip


def test_what_a_stream_must_be() -> None:
    assert STREAM.packet(1) == Rtp(5, 96, 0, 9, True, (), 4, sha256(bytes([1, 2, 3, 4])))
    assert STREAM.blocks() == [Block(5, 85, 1, 65537, 0, 0, 0), Block(5, 0, -1, 65537, 0, 0, 0)]
    assert STREAM.content() == (12, sha256(bytes([0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5])))
    assert STREAM.rate == 90_000


def test_where_packets_first_differ() -> None:
    wanted = [STREAM.packet(n) for n in STREAM.order]
    assert same_packets(wanted, wanted) == -1
    assert same_packets(wanted[:3], wanted) == 3
    assert same_packets([wanted[0], wanted[0]], wanted) == 1
