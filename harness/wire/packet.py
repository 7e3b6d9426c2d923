"""One Ethernet frame as one flat value: which octets are what.

Owns the layouts of Ethernet II with VLAN tags (IEEE 802.3, 802.1Q), ARP (RFC 826), IPv4 (RFC 791), IPv6 with its extension
headers (RFC 8200), TCP (RFC 9293), UDP (RFC 768), ICMP (RFC 792) and ICMPv6 (RFC 4443). Refuses to know what a packet means
after another one, what is in a payload, and whether a checksum is right (``checksum``). Any octets in, a value out:
nothing here raises, every walk has a bound, and what is malformed or cut short is said in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct

import msgspec

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS = 0, 43, 44, 51, 60

MAX_TAGS = 4
MAX_EXTENSIONS = 16
MAX_OPTIONS = 40  # the longest option list has 40 octets (RFC 9293 3.1)

_TAGS = frozenset((0x8100, 0x88A8))
_EXTENSIONS = frozenset((HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS))
_ERRORS = {4: frozenset((3, 4, 5, 11, 12)), 6: frozenset(range(1, 128))}
_LETTERS = ((SYN, "S"), (FIN, "F"), (RST, "R"), (PSH, "P"), (ACK, "A"), (URG, "U"), (ECE, "E"), (CWR, "C"))

_short = Struct(">H").unpack_from
_arp_header = Struct(">HHBB").unpack_from
_ipv4_header = Struct(">BxHHHBBxx4s4s").unpack_from
_ipv6_header = Struct(">B3xHBB16s16s").unpack_from
_fragment_header = Struct(">2xHI").unpack_from
_tcp_header = Struct(">HHIIBBHxxH").unpack_from
_tcp_beginning = Struct(">HHI").unpack_from
_udp_header = Struct(">HHH").unpack_from


class Packet(msgspec.Struct, gc=False):
    """One decoded frame. Offsets are into the frame and within it; whatever the frame has not keeps its default.

    ``ip_start <= transport_start <= data_start <= data_end <= ip_end <= len(frame)`` holds for every frame.
    """

    version: int = 0  # 4, 6, or 0: not IP
    ethertype: int = 0  # after VLAN tags; 0 if there is none (IEEE 802.3 length, or cut short)
    source: bytes = b""  # packed addresses, 4 or 16 octets; for ARP the protocol addresses of sender and target
    destination: bytes = b""
    protocol: int = -1  # of the transport, after IPv6 extension headers; -1 if none
    hops: int = 0  # TTL or hop limit
    fragment: tuple[int, int, bool] | None = None  # identification, offset in octets, more to come; None if whole
    ip_start: int = 0
    fragment_start: int = 0  # of the part that fragmentation cuts: after the IPv4 header, or the IPv6 Fragment header
    transport_start: int = 0
    data_start: int = 0
    data_end: int = 0  # honours the IP length, and the UDP length: Ethernet padding is no data
    ip_end: int = 0  # honours the IP length only
    source_port: int = 0
    destination_port: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0  # the low 8 flag bits of TCP: FIN=1 SYN=2 RST=4 PSH=8 ACK=16 URG=32 ECE=64 CWR=128
    window: int = 0  # as in the header, not scaled
    urgent: int = 0
    options: bytes = b""  # of TCP, as they stand
    length: int = 0  # of UDP, as in its header
    icmp_type: int = -1
    icmp_code: int = -1
    cut: bool = False  # the frame ends before the datagram does
    problem: str = ""  # what is malformed or cut short, the outermost first


def decode(frame: bytes) -> Packet:
    """What one Ethernet frame (without FCS) says. Never raises; ``problem`` tells what is wrong with it."""
    packet = Packet()
    end = packet.ip_end = packet.data_end = len(frame)
    if end < 14:
        _short_of(packet, "Ethernet header", 14, end)
        return packet
    (ethertype,) = _short(frame, 12)
    start = 14
    if ethertype in _TAGS:
        ethertype, start = _untag(packet, frame, ethertype)
    if ethertype < 0x600:  # a length (IEEE 802.3 3.2.6)
        ethertype = 0
    packet.ethertype = ethertype
    if ethertype == IPV4:
        _ipv4(packet, frame, start, end)
    elif ethertype == IPV6:
        _ipv6(packet, frame, start, end)
    else:
        packet.ip_start = start
        _transport_at(packet, start)
        if ethertype == ARP:
            _arp(packet, frame, start, end)
    return packet


def tcp_options(options: bytes) -> list[tuple[int, bytes]]:
    """The TCP options (RFC 9293 3.1) as (kind, value), No-Operation too; stops at End of Option List or where it is malformed."""
    found: list[tuple[int, bytes]] = []
    at, end = 0, len(options)
    while at < end and options[at] and len(found) < MAX_OPTIONS:
        size = 1 if options[at] == 1 else options[at + 1] if at + 1 < end else 0
        if at + size > end or (size < 2 and options[at] != 1):
            break
        found.append((options[at], options[at + 2 : at + size]))
        at += size
    return found


def quoted(frame: bytes, packet: Packet) -> Packet | None:
    """The packet that an ICMP or ICMPv6 error quotes (RFC 792; RFC 4443 2.4 (c)), its offsets into the same ``frame``; None if
    ``packet`` is no such error. The quotation goes as far as it goes: that it is cut short (``cut``) is no ``problem``.
    """
    if packet.icmp_type not in _ERRORS.get(packet.version, ()):
        return None
    start = packet.transport_start + 8
    end = min(packet.ip_end, len(frame), start + _quotation_length(frame, packet))
    if start >= end:
        return None
    inner = Packet(ethertype=packet.ethertype, data_end=end, ip_end=end)
    (_ipv4 if packet.version == 4 else _ipv6)(inner, frame, start, end)
    if inner.cut:
        inner.problem = ""
    return inner


def flags_text(flags: int) -> str:
    """TCP flags in letters, in the order S F R P A U E C: "SA", "FA", "R"."""
    return "".join(letter for bit, letter in _LETTERS if flags & bit)


def chain(frame: bytes, packet: Packet) -> Iterator[tuple[int, int, int]]:
    """The IPv6 extension headers of a decoded packet as (kind, offset of the octet that names the kind, start of the header)."""
    named, start = packet.ip_start + 6, packet.ip_start + 40
    while packet.version == 6 and start < packet.transport_start:
        kind = frame[named]
        yield kind, named, start
        named, start = start, start + _extension_length(kind, frame[start + 1])


def _short_of(packet: Packet, what: str, needed: int, there: int) -> None:
    _note(packet, f"the {what} needs {needed} octets and {there} are there")
    packet.cut = True


def _note(packet: Packet, problem: str) -> None:
    packet.problem = packet.problem or problem


def _untag(packet: Packet, frame: bytes, ethertype: int) -> tuple[int, int]:
    """The type after the VLAN tags, and where what it names begins."""
    for at in range(16, 16 + 4 * MAX_TAGS, 4):
        if at + 2 > len(frame):
            _short_of(packet, "VLAN tag", 4, len(frame) - at + 2)
            return 0, len(frame)
        (ethertype,) = _short(frame, at)
        if ethertype not in _TAGS:
            return ethertype, at + 2
    _note(packet, f"there are more than {MAX_TAGS} VLAN tags")
    return ethertype, 14 + 4 * MAX_TAGS


def _transport_at(packet: Packet, start: int) -> None:
    packet.fragment_start = packet.transport_start = packet.data_start = start


def _arp(packet: Packet, frame: bytes, start: int, end: int) -> None:
    if end - start < 8:
        _short_of(packet, "ARP header", 8, end - start)
        return
    _, _, hardware, size = _arp_header(frame, start)
    needed = 8 + 2 * (hardware + size)
    if end - start < needed:
        _short_of(packet, "ARP message", needed, end - start)
        return
    sender, target = start + 8 + hardware, start + 8 + hardware + size + hardware
    packet.source, packet.destination = frame[sender : sender + size], frame[target : target + size]


def _ipv4(packet: Packet, frame: bytes, start: int, end: int) -> None:
    packet.ip_start = start
    if end - start < 20:
        _transport_at(packet, start)
        _short_of(packet, "IPv4 header", 20, end - start)
        return
    first, total, identification, cut, hops, protocol, source, destination = _ipv4_header(frame, start)
    header = (first & 15) * 4
    if first >> 4 != 4 or header < 20 or total < header:
        _transport_at(packet, start)
        _note(packet, _ipv4_problem(first, total))
        return
    packet.version, packet.hops, packet.protocol, packet.source, packet.destination = 4, hops, protocol, source, destination
    if total > end - start:
        _note(packet, f"the IPv4 header says {total} octets and {end - start} are there")
        packet.cut = True
        header = min(header, end - start)
    else:
        end = packet.ip_end = packet.data_end = start + total
    packet.fragment_start = packet.transport_start = packet.data_start = at = start + header
    if cut & 0x3FFF:
        _fragment(packet, identification, (cut & 0x1FFF) * 8, bool(cut & 0x2000))
        if cut & 0x1FFF:
            return
    if protocol == TCP:
        _tcp(packet, frame, at, end)
    elif protocol == UDP:
        _udp(packet, frame, at, end)
    elif protocol == ICMP:
        _icmp(packet, frame, at, end, 8)


def _ipv4_problem(first: int, total: int) -> str:
    if first >> 4 != 4:
        return f"the IPv4 header says version {first >> 4}"
    return f"the IPv4 header says {first & 15} words for itself and {total} octets in all"


def _fragment(packet: Packet, identification: int, offset: int, more: bool) -> None:
    """RFC 791 3.2; RFC 8200 4.5: what is wrong with a fragment by itself is said here."""
    packet.fragment = (identification, offset, more)
    size = packet.ip_end - packet.fragment_start
    if more and size % 8 and not packet.cut:
        _note(packet, f"a fragment with more to come has {size} octets, no multiple of 8")
    if offset + size > 65535:
        _note(packet, f"a fragment ends at octet {offset + size}, beyond 65535")


def _ipv6(packet: Packet, frame: bytes, start: int, end: int) -> None:
    packet.ip_start = start
    if end - start < 40:
        _transport_at(packet, start)
        _short_of(packet, "IPv6 header", 40, end - start)
        return
    first, size, protocol, hops, source, destination = _ipv6_header(frame, start)
    if first >> 4 != 6:
        _transport_at(packet, start)
        _note(packet, f"the IPv6 header says version {first >> 4}")
        return
    packet.version, packet.hops, packet.protocol, packet.source, packet.destination = 6, hops, protocol, source, destination
    at = start + 40
    if size > end - at:
        _note(packet, f"the IPv6 header says {size} octets after it and {end - at} are there")
        packet.cut = True
    else:
        end = packet.ip_end = packet.data_end = at + size
    packet.fragment_start = packet.transport_start = packet.data_start = at
    if protocol in _EXTENSIONS:
        if not _extensions(packet, frame, end):
            return
        protocol, at = packet.protocol, packet.transport_start
    if protocol == TCP:
        _tcp(packet, frame, at, end)
    elif protocol == UDP:
        _udp(packet, frame, at, end)
    elif protocol == ICMPV6:
        _icmp(packet, frame, at, end, 4)


def _extensions(packet: Packet, frame: bytes, end: int) -> bool:
    """RFC 8200 4: walks to the transport header; False if none is to be found in this packet."""
    kind, at = packet.protocol, packet.transport_start
    for _ in range(MAX_EXTENSIONS + 1):
        packet.transport_start = packet.data_start = at
        if kind not in _EXTENSIONS:
            packet.protocol = kind
            return True
        size = _extension_length(kind, frame[at + 1]) if at + 8 <= end else 8
        if at + size > end:
            packet.protocol = -1
            _short_of(packet, f"IPv6 extension header {kind}", size, end - at)
            return False
        kind, at = frame[at], at + size if kind != FRAGMENT else _ipv6_fragment(packet, frame, at)
        if packet.fragment and packet.fragment[1]:
            packet.protocol, packet.transport_start, packet.data_start = kind, at, at
            return False
    packet.protocol = -1
    _note(packet, f"there are more than {MAX_EXTENSIONS} IPv6 extension headers")
    return False


def _extension_length(kind: int, field: int) -> int:
    """Octets of an extension header (RFC 8200 4.3 to 4.6; RFC 4302 2.2 for authentication)."""
    if kind == FRAGMENT:
        return 8
    return (field + 2) * 4 if kind == AUTHENTICATION else (field + 1) * 8


def _ipv6_fragment(packet: Packet, frame: bytes, at: int) -> int:
    """Reads a Fragment header; one that makes no fragment of the packet (RFC 6946) is passed over. Returns where it ends."""
    cut, identification = _fragment_header(frame, at)
    if packet.fragment:
        _note(packet, "there are two IPv6 Fragment headers")
    elif cut & 0xFFF9:
        packet.fragment_start = at + 8
        _fragment(packet, identification, cut & 0xFFF8, bool(cut & 1))
    return at + 8


def _tcp(packet: Packet, frame: bytes, at: int, end: int) -> None:
    """RFC 9293 3.1. Of a header cut short, the ports and the sequence number: what an ICMP error quotes at least."""
    there = end - at
    if there < 20:
        if there >= 8:
            packet.source_port, packet.destination_port, packet.seq = _tcp_beginning(frame, at)
        packet.data_start = end
        _short_of(packet, "TCP header", 20, there)
        return
    source, destination, packet.seq, packet.ack, words, packet.flags, packet.window, packet.urgent = _tcp_header(frame, at)
    packet.source_port, packet.destination_port = source, destination
    header = (words >> 4) * 4
    if header < 20:
        _note(packet, f"the TCP header says {header} octets for itself")
        header = 20
    if header > there:
        _note(packet, f"the TCP header says {header} octets and {there} are there")
        header = there
    packet.data_start = at + header
    if header > 20:
        packet.options = frame[at + 20 : at + header]


def _udp(packet: Packet, frame: bytes, at: int, end: int) -> None:
    """RFC 768. Data ends where its Length says, if the datagram is so long."""
    there = end - at
    if there < 8:
        packet.data_start = end
        _short_of(packet, "UDP header", 8, there)
        return
    packet.source_port, packet.destination_port, length = _udp_header(frame, at)
    packet.length = length
    packet.data_start = at + 8
    if length == there or packet.fragment:
        return
    if not packet.cut:
        _note(packet, f"the UDP header says {length} octets and {there} are there")
    if 8 <= length < there:
        packet.data_end = at + length


def _icmp(packet: Packet, frame: bytes, at: int, end: int, least: int) -> None:
    """RFC 792; RFC 4443 2.1. Data begins after eight octets, where an error's quotation and an echo's data are."""
    if end - at < least:
        packet.data_start = end
        _short_of(packet, "ICMP header", least, end - at)
        return
    packet.icmp_type, packet.icmp_code = frame[at], frame[at + 1]
    packet.data_start = min(at + 8, end)


def _quotation_length(frame: bytes, packet: Packet) -> int:
    """How many octets of an error are quotation: where its length attribute says so (RFC 4884 4), what follows is no part of it."""
    words, unit = (5, 4) if packet.version == 4 else (4, 8)
    if packet.icmp_type not in ((3, 11, 12) if packet.version == 4 else (1, 3)):
        return 65535
    at = packet.transport_start + words
    return frame[at] * unit if at < len(frame) and frame[at] else 65535
