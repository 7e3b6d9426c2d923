"""Internet checksums (RFC 1071) of decoded frames: right, bad, none, or not to be known.

Owns the sum and the pseudo headers (RFC 9293 3.1, RFC 768, RFC 8200 8.1). Refuses to know why a checksum is bad: a frame that
was captured before its network device filled the checksum in looks the same as a broken one.
"""

from __future__ import annotations

from struct import Struct

from harness.wire.packet import ICMP, ICMPV6, ROUTING, TCP, UDP, Packet, chain

_LEAST = {(4, TCP): 20, (4, UDP): 8, (4, ICMP): 8, (6, TCP): 20, (6, UDP): 8, (6, ICMPV6): 4}
_RIGHT = 0xFFFF
_short = Struct(">H").unpack_from
_pseudo_v4 = Struct(">HH").pack
_pseudo_v6 = Struct(">IHH").pack


def internet(*parts: bytes) -> int:
    """The ones' complement sum (RFC 1071) of 16-bit words, 0 to 65535, over ``parts`` as if joined; only the last may be of odd
    length. What goes into a header is its complement (``field``); over octets with their right checksum it is 65535.
    """
    total = 0
    for part in parts:
        words = int.from_bytes(part, "big")
        total += words << 8 if len(part) & 1 else words  # 2**16 is 1 modulo 65535: words may be added as digits
    return total % 0xFFFF or (0xFFFF if total else 0)


def field(*parts: bytes) -> int:
    """The checksum of ``parts``: the complement of their sum."""
    return internet(*parts) ^ 0xFFFF


def header_ok(frame: bytes, packet: Packet) -> bool | None:
    """Whether the IPv4 header checksum (RFC 791 3.1) is right; None where there is none, or not the whole header."""
    if packet.version != 4:
        return None
    header = frame[packet.ip_start : packet.ip_start + (frame[packet.ip_start] & 15) * 4]
    if len(header) < (header[0] & 15) * 4:
        return None
    return internet(header) == _RIGHT


def surely_right(frame: bytes, packet: Packet) -> bool:
    """Whether all checksums of a segment without IP options or extension headers are right, at one look: the addresses stand just before
    the segment, so that one sum goes over both. False says nothing: ``transport`` and ``header_ok`` tell.
    """
    start, end = packet.transport_start, packet.ip_end
    if start != packet.ip_start + (20 if packet.version == 4 else 40) or packet.cut or packet.protocol != TCP:
        return False
    if packet.version == 4 and int.from_bytes(frame[packet.ip_start : start], "big") % 0xFFFF:
        return False
    total = int.from_bytes(frame[start - (8 if packet.version == 4 else 32) : end], "big")
    length = end - start
    return not ((total << 8 if length & 1 else total) + TCP + length) % 0xFFFF


def transport(frame: bytes, packet: Packet) -> str:
    """The checksum of the transport: "ok", "bad", "none" (a zero in UDP over IPv4, RFC 768), or "unknown": a fragment, cut short,
    neither TCP, UDP nor ICMP, or routed by a header that hides the last destination. UDP over IPv6 must have one (RFC 8200 8.1).
    """
    start, protocol = packet.transport_start, packet.protocol
    end = packet.data_end if protocol == UDP else packet.ip_end
    least = _LEAST.get((packet.version, protocol))
    if least is None or end - start < least or packet.fragment or packet.cut or _is_source_routed(frame, packet):
        return "unknown"
    if protocol == UDP:
        if packet.length != end - start:
            return "unknown"
        if _short(frame, start + 6) == (0,):
            return "none" if packet.version == 4 else "bad"
    segment = frame[start:end]
    before = b"" if protocol == ICMP else _pseudo(packet, end - start)
    return "ok" if internet(before, segment) == _RIGHT else "bad"


def _pseudo(packet: Packet, length: int) -> bytes:
    ends = packet.source + packet.destination
    return ends + (_pseudo_v4(packet.protocol, length) if packet.version == 4 else _pseudo_v6(length, 0, packet.protocol))


def _is_source_routed(frame: bytes, packet: Packet) -> bool:
    """Whether a Routing header has segments left (RFC 8200 4.4): then the pseudo header has another destination."""
    return any(kind == ROUTING and frame[start + 3] for kind, _, start in chain(frame, packet))
