"""Parts of a datagram in any order give the datagram; parts that contradict each other give none; memory is bounded."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire import checksum
from harness.wire.fragments import Fragments
from harness.wire.packet import decode
from tests import frames as f

BOTH = pytest.mark.parametrize(("client", "server"), [(f.CLIENT, f.SERVER), (f.CLIENT6, f.SERVER6)], ids=["ipv4", "ipv6"])


def fed(together: Fragments, parts: list[bytes]) -> list[bytes]:
    """What came out whole."""
    return [whole for part in parts if (whole := together.add(part, decode(part))) is not None]


def is_right(whole: bytes, data: bytes) -> bool:
    found = decode(whole)
    sound = checksum.transport(whole, found) == "ok" and checksum.header_ok(whole, found) in (True, None)
    return sound and found.problem == "" and found.fragment is None and whole[found.data_start : found.data_end] == data


def altered(part: bytes) -> bytes:
    return part[:-1] + bytes([part[-1] ^ 1])


@BOTH
@given(size=st.integers(1, 60), octets=st.integers(500, 3000), seed=st.integers())
def test_any_order_and_duplicates(client, server, size, octets, seed):
    chance = random.Random(seed)
    data = chance.randbytes(octets)
    parts = f.fragments_of(f.udp(client, server, data), size * 8)
    sent = parts + chance.choices(parts, k=3)
    chance.shuffle(sent)
    together = Fragments()
    whole = fed(together, sent)
    assert whole and is_right(whole[0], data)
    assert together.dropped == 0


@BOTH
def test_nothing_comes_before_the_last_part(client, server):
    parts = f.fragments_of(f.udp(client, server, b"x" * 100), 48)
    for missing in range(3):
        assert fed(Fragments(), [part for n, part in enumerate(parts) if n != missing]) == []
    together = Fragments()
    assert len(fed(together, parts)) == 1
    assert len(together) == together.octets == 0


@BOTH
def test_a_whole_datagram_is_no_fragment(client, server):
    together = Fragments()
    assert fed(together, [f.udp(client, server, b"x"), f.tcp(client, server), f.arp(), b""]) == []
    assert len(together) == 0


def test_headers_before_the_fragment_header_stay():
    """RFC 8200 4.5: the per-fragment headers of the first fragment, its last next-header octet mended."""
    whole = f.udp(f.CLIENT6, f.SERVER6, b"x" * 100)
    hop = bytes([44]) + b"\x00\x01\x04\0\0\0\0"
    parts = []
    for part in f.fragments_of(whole, 48):
        length = int.from_bytes(part[18:20], "big") + 8
        parts.append(part[:18] + length.to_bytes(2, "big") + b"\x00" + part[21:54] + hop + part[54:])
    (out,) = fed(Fragments(), parts)
    assert is_right(out, b"x" * 100)
    assert out[54:62] == bytes([17]) + hop[1:] and out[20] == 0


def test_ip_options_and_dont_fragment_stay():
    whole = f.udp(data=b"x" * 100, options=b"\x01" * 4)
    (out,) = fed(Fragments(), f.fragments_of(whole, 48))
    assert is_right(out, b"x" * 100) and out[34:38] == b"\x01" * 4


@BOTH
def test_datagrams_do_not_mix(client, server):
    one, other = f.udp(client, server, b"1" * 100), f.udp(client, server, b"2" * 100)
    back = f.udp(server, client, b"3" * 100)
    parts = [f.fragments_of(one, 48, 1), f.fragments_of(other, 48, 2), f.fragments_of(back, 48, 1)]
    whole = fed(Fragments(), [part for together in zip(*parts, strict=True) for part in together])
    assert [is_right(*pair) for pair in zip(whole, (b"1" * 100, b"2" * 100, b"3" * 100), strict=True)] == [True] * 3


@BOTH
@pytest.mark.parametrize("which", range(2))
def test_fragments_that_differ_drop_the_datagram(client, server, which):
    parts = f.fragments_of(f.udp(client, server, b"x" * 100), 48)
    assert fed(Fragments(), [parts[which], altered(parts[which]), *parts]) == []


def overlapping(client: f.Endpoint, server: f.Endpoint, differ: bool) -> list[bytes]:
    """Fragments of 48 octets, and the last of another fragmentation into 32: it overlaps the second from within."""
    whole = f.udp(client, server, bytes(range(100)))
    coarse, fine = f.fragments_of(whole, 48), f.fragments_of(whole, 32)
    return [coarse[0], altered(fine[2]) if differ else fine[2], coarse[1], coarse[2]]


def test_overlaps():
    """RFC 791 lets fragments overlap; what differs is refused. RFC 5722 4 refuses any overlap in IPv6."""
    (whole,) = fed(Fragments(), overlapping(f.CLIENT, f.SERVER, differ=False))
    assert is_right(whole, bytes(range(100)))
    for ends, differ in (((f.CLIENT, f.SERVER), True), ((f.CLIENT6, f.SERVER6), True), ((f.CLIENT6, f.SERVER6), False)):
        assert fed(Fragments(), overlapping(*ends, differ=differ)) == []


def test_an_overlap_from_before_and_from_behind():
    whole = f.udp(data=bytes(range(100)))
    coarse, fine = f.fragments_of(whole, 48), f.fragments_of(whole, 32)
    for order in ([coarse[0], fine[1], coarse[1], coarse[2]], [fine[1], coarse[0], coarse[2], coarse[1]], [coarse[2], coarse[1], fine[1], fine[0]]):
        (out,) = fed(Fragments(), order)
        assert is_right(out, bytes(range(100)))


@BOTH
def test_two_ends_contradict_each_other(client, server):
    longer, shorter = (f.fragments_of(f.udp(client, server, b"x" * octets), 48) for octets in (130, 80))
    moved = f.fragments_of(f.udp(client, server, b"x" * 140), 48)
    for parts in (
        [shorter[-1], moved[2]],
        [moved[2], shorter[-1]],
        [longer[-1], moved[-1]],
        [shorter[-1], longer[2]],
        [longer[1], longer[2], shorter[-1]],
        [longer[-1], shorter[-1]],
    ):
        together = Fragments()
        assert fed(together, parts) == [] and together.octets == 128, "refused: nothing of it is kept"
        assert fed(together, longer) == fed(together, shorter) == []


@BOTH
def test_unsound_fragments_are_passed_over(client, server):
    parts = f.fragments_of(f.udp(client, server, b"x" * 100), 48)
    cut_short = parts[1][:-8]
    uneven = f.fragments_of(f.udp(client, server, b"x" * 100), 44)[0]
    beyond = f.ethernet(f.ipv4(b"x" * 8, 17, "198.18.0.1", "198.18.0.2", cut=0x1FFF))
    together = Fragments()
    assert fed(together, [parts[0][:-1], cut_short, uneven, beyond]) == [] and len(together) == 0
    assert len(fed(together, parts)) == 1


def test_the_oldest_goes_first():
    together = Fragments(max_datagrams=2)
    parts = [f.fragments_of(f.udp(data=b"x" * 60), 40, identification) for identification in range(3)]
    assert fed(together, [first for first, _ in parts]) == []
    assert (len(together), together.dropped) == (2, 1)
    assert len(fed(together, [parts[1][1], parts[2][1]])) == 2
    assert fed(together, [parts[0][1]]) == []


def test_octets_are_capped():
    together = Fragments(max_octets=5000)
    for identification in range(50):
        fed(together, f.fragments_of(f.udp(data=b"x" * 1400), 1000, identification)[:1])
        assert together.octets <= 5000
    assert together.dropped > 40


def test_a_datagram_longer_than_65535_octets_is_none():
    extra = f.ethernet(f.ipv4(b"x" * 1030, 17, "198.18.0.1", "198.18.0.2", cut=64504 // 8, identification=7))
    first = f.fragments_of(f.udp(data=b"x" * 64496), 64504 // 4 // 8 * 8)
    first = [part[:20] + (int.from_bytes(part[20:22], "big") | 0x2000).to_bytes(2, "big") + part[22:] for part in first]
    together = Fragments()
    assert fed(together, [*first, extra]) == [] and len(together) <= 1
