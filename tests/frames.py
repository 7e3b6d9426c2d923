"""Frames for tests: right ones, each field of which can be broken by name.

Owns its own naive checksum, so that the decoder's is not its own judge. Addresses are text and choose the family; ports go with
them: ``("198.18.0.1", 5000)``.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Sequence

Endpoint = tuple[str, int]
CLIENT, SERVER = ("198.18.0.1", 5000), ("198.18.0.2", 7)
CLIENT6, SERVER6 = ("fd00::1", 5000), ("fd00::2", 7)
CLIENT_MAC, SERVER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
MSS_1460 = bytes.fromhex("020405b4")


def naive_checksum(octets: bytes) -> int:
    """RFC 1071, word by word with an end-around carry."""
    total = 0
    for at in range(0, len(octets), 2):
        total += int.from_bytes(octets[at : at + 2].ljust(2, b"\0"), "big")
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def packed(address: str) -> bytes:
    """The 4 or 16 octets of an address."""
    return ipaddress.ip_address(address).packed


def ethernet(
    payload: bytes,
    ethertype: int = 0x0800,
    *,
    source_mac: bytes = CLIENT_MAC,
    destination_mac: bytes = SERVER_MAC,
    vlans: Sequence[int] = (),
    vlan_type: int = 0x8100,
    pad: bool = False,
) -> bytes:
    """An Ethernet II frame without FCS; with ``pad`` at least 60 octets long."""
    tags = b"".join(struct.pack(">HH", vlan_type, vlan) for vlan in vlans)
    frame = destination_mac + source_mac + tags + struct.pack(">H", ethertype) + payload
    return frame.ljust(60, b"\xee") if pad else frame


def ipv4(
    payload: bytes,
    protocol: int,
    source: str,
    destination: str,
    *,
    ttl: int = 64,
    identification: int = 0,
    cut: int = 0x4000,
    total: int | None = None,
    options: bytes = b"",
    version: int = 4,
    words: int | None = None,
    ip_checksum: int | None = None,
) -> bytes:
    """An IPv4 datagram; ``cut`` is the word of flags and fragment offset, ``words`` the header length."""
    words = 5 + len(options) // 4 if words is None else words
    total = 20 + len(options) + len(payload) if total is None else total
    first = struct.pack(">BBHHHBB", version << 4 | words, 0, total & 0xFFFF, identification, cut, ttl, protocol)
    last = packed(source) + packed(destination) + options
    checksum = naive_checksum(first + b"\0\0" + last) if ip_checksum is None else ip_checksum
    return first + struct.pack(">H", checksum) + last + payload


def ipv6(
    payload: bytes,
    protocol: int,
    source: str,
    destination: str,
    *,
    ttl: int = 64,
    total: int | None = None,
    version: int = 6,
    extensions: Sequence[tuple[int, bytes]] = (),
) -> bytes:
    """An IPv6 packet; ``extensions`` are (kind, the header's octets after its next-header octet), ``total`` the payload length."""
    kinds = [kind for kind, _ in extensions] + [protocol]
    body = b"".join(bytes([following]) + octets for following, (_, octets) in zip(kinds[1:], extensions, strict=True)) + payload
    length = len(body) if total is None else total
    return struct.pack(">IHBB", version << 28, length & 0xFFFF, kinds[0], ttl) + packed(source) + packed(destination) + body


def _ip_frame(segment: bytes, protocol: int, source: str, destination: str, ip: dict[str, object]) -> bytes:
    link = {k: ip.pop(k) for k in ("source_mac", "destination_mac", "vlans", "vlan_type", "pad") if k in ip}
    make, ethertype = (ipv6, 0x86DD) if ":" in source else (ipv4, 0x0800)
    return ethernet(make(segment, protocol, source, destination, **ip), ethertype, **link)  # type: ignore[arg-type]


def pseudo(source: str, destination: str, protocol: int, length: int) -> bytes:
    """The pseudo header of RFC 9293 3.1 or RFC 8200 8.1."""
    layout = ">IxxxB" if ":" in source else ">xBH"
    numbers = (length, protocol) if ":" in source else (protocol, length)
    return packed(source) + packed(destination) + struct.pack(layout, *numbers)


def _sealed(octets: bytes, at: int, checksum: int | None, pseudo_header: bytes) -> bytes:
    """``octets`` with the checksum at ``at``: the right one, or the given one."""
    if checksum is None:
        checksum = naive_checksum(pseudo_header + octets)
        if at == 6:  # UDP sends a computed zero as all ones
            checksum = checksum or 0xFFFF
    return octets[:at] + struct.pack(">H", checksum) + octets[at + 2 :]


def tcp(
    source: Endpoint = CLIENT,
    destination: Endpoint = SERVER,
    seq: int = 1,
    ack: int = 0,
    flags: int = ACK,
    window: int = 65535,
    data: bytes = b"",
    *,
    options: bytes = b"",
    checksum: int | None = None,
    urgent: int = 0,
    words: int | None = None,
    **ip: object,
) -> bytes:
    """A TCP segment in a frame; ``options`` is padded to whole words, ``words`` is the data offset. The rest goes to the IP header
    and to ``ethernet``.
    """
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4 if words is None else words
    ports = struct.pack(">HHII", source[1], destination[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF)
    segment = ports + struct.pack(">BBHHH", words << 4, flags, window, 0, urgent) + options + data
    segment = _sealed(segment, 16, checksum, pseudo(source[0], destination[0], TCP, len(segment)))
    return _ip_frame(segment, TCP, source[0], destination[0], ip)


def udp(
    source: Endpoint = CLIENT,
    destination: Endpoint = SERVER,
    data: bytes = b"",
    *,
    length: int | None = None,
    checksum: int | None = None,
    **ip: object,
) -> bytes:
    """A UDP datagram in a frame; ``length`` is its Length field."""
    size = 8 + len(data)
    head = struct.pack(">HHHH", source[1], destination[1], size if length is None else length, 0)
    datagram = _sealed(head + data, 6, checksum, pseudo(source[0], destination[0], UDP, size))
    return _ip_frame(datagram, UDP, source[0], destination[0], ip)


def icmp(
    source: str, destination: str, kind: int, code: int, data: bytes, *, rest: bytes = bytes(4), checksum: int | None = None, **ip: object
) -> bytes:
    """An ICMP or ICMPv6 message in a frame; ``rest`` are the octets 4 to 7 of its header."""
    message = bytes([kind, code, 0, 0]) + rest + data
    protocol, ends = (ICMPV6, pseudo(source, destination, ICMPV6, len(message))) if ":" in source else (ICMP, b"")
    return _ip_frame(_sealed(message, 2, checksum, ends), protocol, source, destination, ip)


def icmp_unreachable(frame: bytes, *, code: int | None = None, octets: int | None = None, source: str | None = None, **more: object) -> bytes:
    """Port unreachable from whom ``frame`` (untagged) went to, quoting all of it or its first ``octets``."""
    six = frame[12:14] == b"\x86\xdd"
    start, size = (22, 16) if six else (26, 4)
    sender, receiver = (str(ipaddress.ip_address(frame[start + n * size : start + n * size + size])) for n in (0, 1))
    code = (4 if six else 3) if code is None else code
    kind = 1 if six else 3
    macs = {"source_mac": frame[:6], "destination_mac": frame[6:12], **more}
    return icmp(source or receiver, sender, kind, code, frame[14:][:octets], **macs)  # type: ignore[arg-type]


def fragments_of(frame: bytes, size: int, identification: int = 7) -> list[bytes]:
    """The frames of the fragments of a whole datagram, each with at most ``size`` octets (a multiple of 8) of it."""
    return _fragments6(frame, size, identification) if frame[12:14] == b"\x86\xdd" else _fragments4(frame, size, identification)


def _fragments4(frame: bytes, size: int, identification: int) -> list[bytes]:
    header, parts = (frame[14] & 15) * 4, []
    total = int.from_bytes(frame[16:18], "big")
    payload = frame[14 + header : 14 + total]
    for at in range(0, len(payload), size):
        part = payload[at : at + size]
        cut = at // 8 | (0x2000 if at + size < len(payload) else 0)
        lead = frame[14:16] + struct.pack(">HHH", header + len(part), identification, cut) + frame[22:24]
        rest = frame[26 : 14 + header]
        checksum = struct.pack(">H", naive_checksum(lead + b"\0\0" + rest))
        parts.append(frame[:14] + lead + checksum + rest + part)
    return parts


def _fragments6(frame: bytes, size: int, identification: int) -> list[bytes]:
    kind, payload, parts = frame[20], frame[54 : 54 + int.from_bytes(frame[18:20], "big")], []
    for at in range(0, len(payload), size):
        part = payload[at : at + size]
        header = struct.pack(">BBHI", kind, 0, at | (at + size < len(payload)), identification)
        parts.append(frame[:18] + struct.pack(">HB", 8 + len(part), 44) + frame[21:54] + header + part)
    return parts


def arp(
    source: str = CLIENT[0],
    destination: str = SERVER[0],
    *,
    operation: int = 1,
    source_mac: bytes = CLIENT_MAC,
    destination_mac: bytes = b"\xff" * 6,
    target_mac: bytes = bytes(6),
) -> bytes:
    """An ARP request (or with ``operation`` 2 a reply) in a frame."""
    head = struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation)
    message = head + source_mac + packed(source) + target_mac + packed(destination)
    return ethernet(message, 0x0806, source_mac=source_mac, destination_mac=destination_mac)


def conversation(
    client: Endpoint = CLIENT,
    server: Endpoint = SERVER,
    client_octets: bytes = b"",
    server_octets: bytes = b"",
    *,
    client_isn: int = 1000,
    server_isn: int = 900_000,
    size: int = 1460,
    start_ns: int = 1_000_000_000,
    step_ns: int = 10_000,
    client_mac: bytes = CLIENT_MAC,
    server_mac: bytes = SERVER_MAC,
) -> list[tuple[int, str, bytes]]:
    """One right TCP conversation as (nanoseconds, who sent it, frame): opened, the client's octets, the server's octets, closed by
    both. Each data segment (``size`` octets at most) is acknowledged by the next frame.
    """
    ends = {"client": (client, server, client_mac, server_mac), "server": (server, client, server_mac, client_mac)}
    seq = {"client": client_isn, "server": server_isn}
    frames: list[tuple[int, str, bytes]] = []

    def send(who: str, flags: int, data: bytes = b"", options: bytes = b"") -> None:
        here, there, here_mac, there_mac = ends[who]
        ack = seq["server" if who == "client" else "client"] if flags & ACK else 0
        frame = tcp(here, there, seq[who], ack, flags, data=data, options=options, source_mac=here_mac, destination_mac=there_mac)
        frames.append((start_ns + len(frames) * step_ns, who, frame))
        seq[who] += len(data) + bool(flags & SYN) + bool(flags & FIN)

    send("client", SYN, options=MSS_1460)
    send("server", SYN | ACK, options=MSS_1460)
    send("client", ACK)
    for who, other, octets in (("client", "server", client_octets), ("server", "client", server_octets)):
        for part in _segments(octets, size):
            send(who, PSH | ACK, part)
            send(other, ACK)
    for who, other in (("client", "server"), ("server", "client")):
        send(who, FIN | ACK)
        send(other, ACK)
    return frames


def _segments(octets: bytes, size: int) -> Iterable[bytes]:
    return (octets[at : at + size] for at in range(0, len(octets), size))
