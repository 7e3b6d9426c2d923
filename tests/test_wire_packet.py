"""Given octets, expected packets: each layout of an RFC once by hand, then each way in which it can be broken."""

from __future__ import annotations

import pytest

from harness.wire import packet as p
from harness.wire.packet import decode, flags_text, quoted, tcp_options
from tests import frames as f

ETHERNET4 = "020000000002 020000000001 0800"
SYN_BY_HAND = bytes.fromhex(
    f"{ETHERNET4} 4500 002c 1c46 4000 40 06 ffff c6120001 c6120002"  # RFC 791 3.1: 44 octets, DF, TTL 64, TCP
    "1388 0007 01020304 0a0b0c0d 60 52 7210 beef 0102 020405b4"  # RFC 9293 3.1: six words; ECE ACK SYN
)
UDP6_BY_HAND = bytes.fromhex(
    "020000000002 020000000001 86dd 60012345 000a 11 ff"  # RFC 8200 3: 10 octets of UDP, hop limit 255
    "fd000000000000000000000000000001 fd000000000000000000000000000002"
    "1388 0007 000a cafe 6869"
)
BOTH = pytest.mark.parametrize(("client", "server"), [(f.CLIENT, f.SERVER), (f.CLIENT6, f.SERVER6)], ids=["ipv4", "ipv6"])


def test_a_tcp_segment_over_ipv4_by_hand():
    found = decode(SYN_BY_HAND)
    assert found == p.Packet(
        version=4, ethertype=0x0800, source=bytes([198, 18, 0, 1]), destination=bytes([198, 18, 0, 2]), protocol=p.TCP, hops=64,
        ip_start=14, fragment_start=34, transport_start=34, data_start=58, data_end=58, ip_end=58,
        source_port=5000, destination_port=7, seq=0x01020304, ack=0x0A0B0C0D, flags=0x52, window=0x7210, urgent=0x0102,
        options=bytes.fromhex("020405b4"),
    )  # fmt: skip


def test_a_udp_datagram_over_ipv6_by_hand():
    found = decode(UDP6_BY_HAND)
    assert found == p.Packet(
        version=6, ethertype=0x86DD, source=f.packed("fd00::1"), destination=f.packed("fd00::2"), protocol=p.UDP, hops=255,
        ip_start=14, fragment_start=54, transport_start=54, data_start=62, data_end=64, ip_end=64,
        source_port=5000, destination_port=7, length=10,
    )  # fmt: skip


def test_arp_by_hand():
    """RFC 826: protocol addresses of sender and target."""
    found = decode(bytes.fromhex("ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c6120001 000000000000 c6120002"))
    assert (found.version, found.ethertype, found.source, found.destination) == (0, p.ARP, f.packed("198.18.0.1"), f.packed("198.18.0.2"))
    assert found == decode(f.arp())


@BOTH
def test_every_field_of_a_built_segment(client, server):
    found = decode(f.tcp(client, server, 7, 8, p.PSH | p.ACK, 512, b"data", options=b"\x01\x01", urgent=3, ttl=9))
    assert (found.source, found.destination) == (f.packed(client[0]), f.packed(server[0]))
    assert (found.source_port, found.destination_port, found.hops, found.problem) == (client[1], server[1], 9, "")
    assert (found.seq, found.ack, found.flags, found.window, found.urgent) == (7, 8, 24, 512, 3)
    assert found.options == b"\x01\x01\0\0" and found.data_end - found.data_start == 4


@BOTH
def test_padding_is_no_data(client, server):
    frame = f.udp(client, server, b"hi", pad=True)
    found = decode(frame)
    assert frame[found.data_start : found.data_end] == b"hi" and found.problem == ""
    assert found.ip_end == found.data_end
    assert len(f.udp(data=b"hi", pad=True)) == 60 > decode(f.udp(data=b"hi", pad=True)).ip_end


@BOTH
def test_a_trailer_is_no_data(client, server):
    frame = f.tcp(client, server, data=b"data")
    found = decode(frame + b"trailer")
    assert found == decode(frame) and found.ip_end == len(frame)


def test_headers_that_say_more_than_is_there_stay_within_the_frame():
    found = decode(f.ethernet(f.ipv4(bytes(8), 17, "198.18.0.1", "198.18.0.2", words=15, total=60)))
    assert (found.transport_start, found.data_start, found.ip_end) == (42, 42, 42)
    found = decode(f.ethernet(f.ipv6(b"\x01\x04\0\0", 58, "fd00::1", "fd00::2"), 0x86DD))
    assert (found.icmp_type, found.data_start, found.problem) == (1, 58, "")


def test_the_outermost_problem_is_told():
    assert decode(f.tcp(words=3, total=60)).problem == "the IPv4 header says 60 octets and 40 are there"


def test_ip_options_are_skipped():
    frame = f.udp(data=b"hi", options=b"\x01\x01\x01\0\x01\x01\x01\0")
    found = decode(frame)
    assert found.transport_start == 14 + 28 and frame[found.data_start : found.data_end] == b"hi"


@pytest.mark.parametrize("tags", range(1, 5))
@pytest.mark.parametrize("kind", [0x8100, 0x88A8])
def test_vlan_tags(tags, kind):
    found = decode(f.udp(data=b"hi", vlans=range(tags), vlan_type=kind))
    assert (found.ethertype, found.ip_start, found.destination_port, found.problem) == (0x0800, 14 + 4 * tags, 7, "")


def test_five_vlan_tags_are_too_many():
    found = decode(f.udp(vlans=range(5)))
    assert (found.version, found.ethertype, found.problem) == (0, 0x8100, "there are more than 4 VLAN tags")


def test_a_length_is_no_type():
    assert decode(f.ethernet(b"\x42\x42\x03" + bytes(43), 46)).ethertype == 0
    assert decode(f.ethernet(b"", 0x0600)).ethertype == 0x0600


EXTENSIONS = {
    "hop by hop": [(0, bytes(7))],
    "routing": [(43, b"\x01" + bytes(14))],
    "destination options": [(60, bytes(7))],
    "authentication, counted in words": [(51, b"\x02" + bytes(14))],
    "atomic fragment": [(44, bytes(7))],
    "all": [(0, bytes(7)), (60, b"\x01" + bytes(14)), (43, bytes(7)), (44, bytes(7)), (51, b"\x01" + bytes(10)), (60, bytes(7))],
    "sixteen": [(60, bytes(7))] * 16,
}


@pytest.mark.parametrize("extensions", EXTENSIONS.values(), ids=EXTENSIONS.keys())
def test_ipv6_extension_headers(extensions):
    frame = f.tcp(f.CLIENT6, f.SERVER6, data=b"data", extensions=extensions)
    found = decode(frame)
    assert (found.protocol, found.problem, found.fragment) == (p.TCP, "", None)
    assert frame[found.data_start : found.data_end] == b"data" and found.destination_port == 7
    walked = [kind for kind, _, _ in p.chain(frame, found)]
    assert walked == [kind for kind, _ in extensions]


def test_the_walk_over_extension_headers_is_bounded():
    found = decode(f.tcp(f.CLIENT6, f.SERVER6, extensions=[(60, bytes(7))] * 17))
    assert (found.protocol, found.destination_port, found.problem) == (-1, 0, "there are more than 16 IPv6 extension headers")


def test_no_next_header():
    found = decode(f.ethernet(f.ipv6(b"rest", 59, "fd00::1", "fd00::2"), 0x86DD))
    assert (found.protocol, found.problem, found.data_end - found.data_start) == (59, "", 4)


@BOTH
def test_fragments(client, server):
    parts = [decode(part) for part in f.fragments_of(f.udp(client, server, b"x" * 100), 48, identification=99)]
    assert [part.fragment for part in parts] == [(99, 0, True), (99, 48, True), (99, 96, False)]
    assert [part.destination_port for part in parts] == [7, 0, 0], "only the first has a transport header"
    assert [part.protocol for part in parts] == [p.UDP] * 3
    assert [part.ip_end - part.fragment_start for part in parts] == [48, 48, 12]
    assert [part.problem for part in parts] == [""] * 3


@BOTH
def test_a_quotation(client, server):
    asked = f.udp(client, server, b"x" * 100)
    frame = f.icmp_unreachable(asked)
    found = decode(frame)
    assert (found.icmp_type, found.icmp_code) == ((3, 3) if found.version == 4 else (1, 4))
    inner = quoted(frame, found)
    assert inner is not None and inner.problem == "" and not inner.cut
    assert (inner.source, inner.source_port, inner.destination_port) == (f.packed(client[0]), client[1], server[1])
    assert frame[inner.data_start : inner.data_end] == b"x" * 100


@BOTH
def test_a_quotation_of_eight_octets(client, server):
    """RFC 792 promises no more: the ports and, of TCP, the sequence number."""
    header = 20 if client == f.CLIENT else 40
    frame = f.icmp_unreachable(f.tcp(client, server, 12345, data=b"x" * 50), octets=header + 8)
    inner = quoted(frame, decode(frame))
    assert inner is not None
    assert (inner.source_port, inner.destination_port, inner.seq, inner.cut, inner.problem) == (client[1], server[1], 12345, True, "")


def test_a_quotation_that_is_malformed_says_so():
    frame = f.icmp_unreachable(f.tcp(words=3))
    inner = quoted(frame, decode(frame))
    assert inner is not None and inner.problem == "the TCP header says 12 octets for itself"


def test_only_errors_quote():
    for frame in (f.icmp(f.CLIENT[0], f.SERVER[0], 8, 0, f.udp()[14:]), f.icmp(f.CLIENT6[0], f.SERVER6[0], 128, 0, f.udp()[14:]), f.udp(), f.arp()):
        assert quoted(frame, decode(frame)) is None
    empty = f.icmp(f.CLIENT[0], f.SERVER[0], 3, 3, b"")
    assert quoted(empty, decode(empty)) is None


def test_extensions_of_an_error_are_no_quotation():
    """RFC 4884 4.1: the length attribute counts words of four octets in ICMP."""
    asked = f.udp(data=b"x" * 100)[14:]
    frame = f.icmp("198.18.0.2", "198.18.0.1", 3, 3, asked + b"extension!!!", rest=b"\0\x10\0\0")
    inner = quoted(frame, decode(frame))
    assert inner is not None and inner.ip_end == 14 + 20 + 8 + 64


MALFORMED = {
    "no frame": (b"", "the Ethernet header needs 14 octets and 0 are there"),
    "tag cut short": (f.ethernet(b"", vlans=(1,))[:16], "the VLAN tag needs 4 octets and 2 are there"),
    "ipv4 cut short": (f.udp()[:30], "the IPv4 header needs 20 octets and 16 are there"),
    "ipv4 version": (f.udp(version=5), "the IPv4 header says version 5"),
    "ipv4 words": (f.ethernet(f.ipv4(bytes(8), 17, "198.18.0.1", "198.18.0.2", words=4)), "the IPv4 header says 4 words for itself and 28 octets in all"),
    "ipv4 total below header": (f.udp(total=19), "the IPv4 header says 5 words for itself and 19 octets in all"),
    "ipv4 total": (f.udp(total=60), "the IPv4 header says 60 octets and 28 are there"),
    "ipv6 cut short": (f.udp(f.CLIENT6, f.SERVER6)[:53], "the IPv6 header needs 40 octets and 39 are there"),
    "ipv6 version": (f.udp(f.CLIENT6, f.SERVER6, version=4), "the IPv6 header says version 4"),
    "ipv6 total": (f.udp(f.CLIENT6, f.SERVER6, total=9), "the IPv6 header says 9 octets after it and 8 are there"),
    "extension beyond": (f.tcp(f.CLIENT6, f.SERVER6, extensions=[(0, b"\x09" + bytes(6))]), "the IPv6 extension header 0 needs 80 octets and 28 are there"),
    "tcp header of three words": (f.tcp(words=3), "the TCP header says 12 octets for itself"),
    "tcp header beyond": (f.tcp(words=15, data=b"x" * 12), "the TCP header says 60 octets and 32 are there"),
    "tcp cut short": (f.ethernet(f.ipv4(bytes(19), 6, "198.18.0.1", "198.18.0.2")), "the TCP header needs 20 octets and 19 are there"),
    "udp cut short": (f.ethernet(f.ipv4(bytes(7), 17, "198.18.0.1", "198.18.0.2")), "the UDP header needs 8 octets and 7 are there"),
    "udp length beyond": (f.udp(data=b"hi", length=11), "the UDP header says 11 octets and 10 are there"),
    "udp length below": (f.udp(data=b"hi", length=9), "the UDP header says 9 octets and 10 are there"),
    "udp length of nothing": (f.udp(data=b"hi", length=7), "the UDP header says 7 octets and 10 are there"),
    "icmp cut short": (f.ethernet(f.ipv4(bytes(7), 1, "198.18.0.1", "198.18.0.2")), "the ICMP header needs 8 octets and 7 are there"),
    "arp cut short": (f.arp()[:-1], "the ARP message needs 28 octets and 27 are there"),
    "fragment not of eight": (f.udp(data=b"x" * 5, cut=0x2000), "a fragment with more to come has 13 octets, no multiple of 8"),
    "fragment of twelve": (f.udp(data=b"x" * 4, cut=0x2000), "a fragment with more to come has 12 octets, no multiple of 8"),
    "fragment beyond": (f.udp(data=b"x" * 8, cut=0x1FFF), "a fragment ends at octet 65544, beyond 65535"),
    "two fragment headers": (f.udp(f.CLIENT6, f.SERVER6, extensions=[(44, b"\0\0\x01" + bytes(4))] * 2), "there are two IPv6 Fragment headers"),
}  # fmt: skip


@pytest.mark.parametrize(("frame", "problem"), MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_is_said_in_words(frame, problem):
    assert decode(frame).problem == problem


def test_what_could_be_decoded_before_stays():
    found = decode(f.tcp(seq=9, words=15, data=b"x" * 12))
    assert (found.seq, found.source_port, found.options, found.data_start) == (9, 5000, b"x" * 12, found.data_end)
    found = decode(f.udp(data=b"hi", length=9))
    assert (found.length, found.data_end - found.data_start, found.ip_end - found.data_end) == (9, 1, 1)
    found = decode(f.udp(data=b"hello")[:-2])
    assert found.cut and found.destination_port == 7 and found.data_end - found.data_start == 3


def test_options():
    """RFC 9293 3.2: No-Operation has no length, End of Option List ends."""
    octets = bytes.fromhex("020405b4 01 030307 0402 08 0a 0000000100000002 00 0101")
    assert tcp_options(octets) == [(2, b"\x05\xb4"), (1, b""), (3, b"\x07"), (4, b""), (8, bytes.fromhex("0000000100000002"))]


@pytest.mark.parametrize("tail", ["02", "0200", "0201", "0205aabb"], ids=["no length", "length 0", "length 1", "beyond"])
def test_options_stop_where_they_are_malformed(tail):
    assert tcp_options(bytes.fromhex("030307" + tail)) == [(3, b"\x07")]
    assert len(tcp_options(b"\x01" * 1000)) == p.MAX_OPTIONS


def test_flags_in_letters():
    assert [flags_text(flags) for flags in (0, 2, 18, 17, 4, 24, 63, 255)] == ["", "S", "SA", "FA", "R", "PA", "SFRPAU", "SFRPAUEC"]
