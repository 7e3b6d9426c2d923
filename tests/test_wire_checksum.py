"""Checksums against the examples of the RFCs, a naive sum, and single flipped bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.checksum import field, header_ok, internet, transport
from harness.wire.packet import decode
from tests import frames as f

PAIRS = [(f.CLIENT, f.SERVER), (f.CLIENT6, f.SERVER6)]
BOTH = pytest.mark.parametrize(("client", "server"), PAIRS, ids=["ipv4", "ipv6"])


def judged(frame: bytes) -> str:
    return transport(frame, decode(frame))


def test_the_example_of_rfc_1071():
    """RFC 1071 3: 0001 f203 f4f5 f6f7 sum up to ddf2."""
    assert internet(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2
    assert field(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D


@given(st.lists(st.binary(max_size=40).map(lambda b: b[: len(b) & ~1]), max_size=4), st.binary(max_size=41))
def test_parts_sum_up_as_if_joined(parts, last):
    whole = b"".join(parts) + last
    assert internet(*parts, last) == internet(whole)
    assert field(whole) == f.naive_checksum(whole)


def test_all_zeros_and_all_ones():
    assert (internet(), internet(bytes(20)), internet(b"\xff" * 20)) == (0, 0, 0xFFFF)


def test_an_ipv4_header_of_the_textbooks():
    frame = f.ethernet(bytes.fromhex("45000073000040004011b861c0a80001c0a800c7") + bytes(95))
    assert header_ok(frame, decode(frame)) is True


def test_header_checksums():
    right = f.udp(data=b"hi", options=b"\x01" * 4)
    assert header_ok(right, decode(right)) is True
    for at in range(16, 38):
        broken = right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]
        assert header_ok(broken, decode(broken)) is not True, at
    for frame in (f.arp(), f.udp(f.CLIENT6, f.SERVER6)):
        assert header_ok(frame, decode(frame)) is None


@BOTH
@pytest.mark.parametrize("data", [b"", b"x", b"even", b"x" * 1459])
def test_right_ones_are_ok(client, server, data):
    unreachable = f.icmp_unreachable(f.udp(client, server, data))
    for frame in (f.tcp(client, server, data=data), f.udp(client, server, data), unreachable, f.udp(client, server, data, pad=True)):
        assert judged(frame) == "ok"


@BOTH
def test_each_flipped_bit_of_a_segment_is_seen(client, server):
    frame = f.tcp(client, server, data=b"data!")
    start = decode(frame).transport_start
    for at in [*range(26 if client == f.CLIENT else 22, start), *range(start, len(frame))]:
        broken = frame[:at] + bytes([frame[at] ^ 0x01]) + frame[at + 1 :]
        assert judged(broken) in ("bad", "unknown"), at
        assert judged(broken) == "bad" or decode(broken).problem, at


@BOTH
def test_a_wrong_checksum_is_bad(client, server):
    assert judged(f.tcp(client, server, checksum=0x1234)) == judged(f.udp(client, server, checksum=0x1234)) == "bad"
    assert judged(f.icmp(client[0], server[0], 8, 0, b"", checksum=1)) == "bad"


def test_none_only_in_udp_over_ipv4():
    """RFC 768; RFC 8200 8.1."""
    assert judged(f.udp(checksum=0)) == "none"
    assert judged(f.udp(f.CLIENT6, f.SERVER6, checksum=0)) == "bad"
    assert judged(f.tcp(checksum=0)) == "bad"


@BOTH
def test_a_computed_zero_is_sent_as_all_ones(client, server):
    zero = f.udp(client, server, b"\0\0")
    checksum = zero[decode(zero).transport_start + 6 :][:2]
    frame = f.udp(client, server, checksum)
    assert frame[decode(frame).transport_start + 6 :][:2] == b"\xff\xff" and judged(frame) == "ok"


@BOTH
def test_unknown(client, server):
    whole = f.udp(client, server, b"x" * 100)
    assert [judged(part) for part in f.fragments_of(whole, 48)] == ["unknown"] * 3
    assert judged(whole[:-1]) == "unknown", "cut short"
    segment = f.tcp(client, server, data=b"x" * 100)
    assert [judged(part) for part in f.fragments_of(segment, 48)] == ["unknown"] * 3
    assert judged(segment[:-1]) == "unknown", "cut short"
    assert judged(f.udp(client, server, b"hi", length=20)) == "unknown"


def test_unknown_of_other_protocols():
    other = f.ethernet(f.ipv4(b"x" * 40, 132, "198.18.0.1", "198.18.0.2"))
    icmp_of_the_other_family = f.ethernet(f.ipv6(b"x" * 40, 1, "fd00::1", "fd00::2"), 0x86DD)
    assert [judged(frame) for frame in (b"", other, icmp_of_the_other_family, f.arp())] == ["unknown"] * 4


def test_a_routing_header_with_segments_left_hides_the_destination():
    """RFC 8200 8.1: the pseudo header has the last destination."""
    on_its_way = f.tcp(f.CLIENT6, f.SERVER6, extensions=[(43, b"\0\0\x01" + bytes(4))])
    there = f.tcp(f.CLIENT6, f.SERVER6, extensions=[(43, bytes(7))])
    assert (judged(on_its_way), judged(there)) == ("unknown", "ok")


def test_quotations_are_judged_too():
    frame = f.icmp_unreachable(f.tcp(data=b"hello"))
    from harness.wire.packet import quoted

    inner = quoted(frame, decode(frame))
    assert inner is not None and transport(frame, inner) == "ok" and header_ok(frame, inner) is True
