"""RTP and RTCP packets, made and read, and what a receiver knows of a source (RFC 3550). There is no well-kept library for it in Python alone.

Owns the octets and the arithmetic of A.1, A.3 and A.8. Knows no socket.
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
from typing import Any

SR, RR, SDES, BYE = 200, 201, 202, 203
_EPOCH_1900 = 2208988800
_RATES = {96: 90_000, 97: 48_000}
_CNAME = b"parley@python.example"


class Malformed(ValueError):
    """It is no valid packet (A.1, A.2)."""


def rate(payload_type: int) -> int:
    """The clock of a payload type, in Hz (``rtp.md``)."""
    return _RATES.get(payload_type, 8_000)


def is_rtcp(octets: bytes) -> bool:
    """RTCP on the port of RTP (RFC 5761 4)."""
    return len(octets) >= 2 and 192 <= octets[1] <= 223


def ntp() -> int:
    """Now, as an NTP timestamp of 64 bits."""
    now = time.time_ns()
    return (now // 10**9 + _EPOCH_1900) << 32 | (now % 10**9 << 32) // 10**9


# -- RTP ------------------------------------------------------------------------------------------------------


def packet(stream: dict[str, Any], number: int, content: bytes) -> bytes:
    """Packet ``number`` of a stream (5.1)."""
    csrc, extension, padding = stream.get("csrc", []), stream.get("extension"), stream.get("padding", 0)
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extension else 0) | len(csrc)
    second = stream["type"] | (0x80 if number in stream.get("marked", []) else 0)
    timestamp = (stream["timestamp"] + number * stream["advance"]) & 0xFFFFFFFF
    made = struct.pack("!BBHII", first, second, (stream["sequence"] + number) & 0xFFFF, timestamp, stream["ssrc"])
    made += b"".join(one.to_bytes(4, "big") for one in csrc)
    if extension:
        words = bytes.fromhex(extension[1])
        made += struct.pack("!HH", extension[0], len(words) // 4) + words
    return made + content + (bytes(padding - 1) + bytes([padding]) if padding else b"")


class Packet:
    """An RTP packet that was read. Raises ``Malformed``."""

    def __init__(self, octets: bytes) -> None:
        if len(octets) < 12 or octets[0] >> 6 != 2:
            raise Malformed("no header of version 2")
        first, second, self.sequence, self.timestamp, self.ssrc = struct.unpack_from("!BBHII", octets)
        self.payload_type = second & 0x7F
        start, end = 12 + 4 * (first & 15), len(octets)
        if first & 0x10:
            start += 4 + 4 * int.from_bytes(octets[start + 2 : start + 4], "big") if start + 4 <= end else end
        if first & 0x20:
            end -= octets[-1] or len(octets)
        if start > end:
            raise Malformed("CSRC list, extension or padding longer than the packet")
        self.content = octets[start:end]


# -- what a receiver knows ------------------------------------------------------------------------------------


class Source:
    """The statistics of one source."""

    def __init__(self, first: Packet) -> None:
        self.ssrc = first.ssrc
        self.rate = rate(first.payload_type)
        self.base = self.highest = first.sequence
        self.received = 0
        self.jitter = 0.0
        self.report: tuple[int, float] | None = None
        self._transit: float | None = None
        self._before = (0, 0)
        self._contents: dict[int, bytes] = {}

    def take(self, one: Packet, when: float) -> None:
        """A packet came (A.1, A.8)."""
        ahead = (one.sequence - self.highest) & 0xFFFF
        if ahead < 0x8000:
            self.highest += ahead
        self.received += 1
        self._contents.setdefault(self.highest - ((self.highest - one.sequence) & 0xFFFF), one.content)
        transit = when * self.rate - one.timestamp
        if self._transit is not None:
            late = (transit - self._transit + 2**31) % 2**32 - 2**31  # timestamps wrap
            self.jitter += (abs(late) - self.jitter) / 16
        self._transit = transit

    def expected(self) -> int:
        """Packets from the first number to the highest."""
        return self.highest - self.base + 1

    def lost(self) -> int:
        """Cumulative (A.3)."""
        return self.expected() - self.received

    def fraction(self) -> int:
        """Of 256, since it was asked before (A.3)."""
        expected, received = self.expected() - self._before[0], self.received - self._before[1]
        self._before = (self.expected(), self.received)
        return (expected - received) * 256 // expected if expected > received > -1 else 0

    def block(self, now: float) -> bytes:
        """A report block (6.4.1)."""
        lsr, delay = (self.report[0], now - self.report[1]) if self.report else (0, 0.0)
        lost = max(-(1 << 23), min(self.lost(), (1 << 23) - 1)) & 0xFFFFFF
        return struct.pack(
            "!IIIIII", self.ssrc, self.fraction() << 24 | lost, self.highest & 0xFFFFFFFF, int(self.jitter), lsr, int(delay * 65536)
        )  # fmt: skip

    def told(self) -> dict[str, object]:
        """What is told of the stream when it is over."""
        octets = b"".join(content for _, content in sorted(self._contents.items()))
        return {
            "ssrc": self.ssrc, "packets": self.received, "lost": self.lost(), "highest": self.highest, "jitter": int(self.jitter),
            "octets": len(octets), "digest": hashlib.sha256(octets).hexdigest(),
        }  # fmt: skip


# -- RTCP -----------------------------------------------------------------------------------------------------


def _framed(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def description(ssrc: int) -> bytes:
    """SDES with a CNAME (6.5)."""
    chunk = ssrc.to_bytes(4, "big") + bytes([1, len(_CNAME)]) + _CNAME
    return _framed(SDES, 1, chunk + bytes(4 - len(chunk) % 4))


def sender_report(ssrc: int, timestamp: int, packets: int, octets: int) -> bytes:
    """SR without blocks (6.4.1)."""
    return _framed(SR, 0, struct.pack("!IQIII", ssrc, ntp(), timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF))


def receiver_report(ssrc: int, block: bytes) -> bytes:
    """RR with one block (6.4.2)."""
    return _framed(RR, 1, ssrc.to_bytes(4, "big") + block)


def goodbye(ssrc: int) -> bytes:
    """BYE (6.6)."""
    return _framed(BYE, 1, ssrc.to_bytes(4, "big"))


def compound(octets: bytes) -> list[tuple[int, int, bytes]]:
    """The packets of an RTCP datagram: type, count, body. Raises ``Malformed`` (A.2)."""
    found: list[tuple[int, int, bytes]] = []
    start = 0
    while start + 4 <= len(octets):
        first, kind, words = struct.unpack_from("!BBH", octets, start)
        end = start + 4 + 4 * words
        if first >> 6 != 2 or end > len(octets) or (not found and (kind not in (SR, RR) or first & 0x20)):
            break
        found.append((kind, first & 31, octets[start + 4 : end]))
        start = end
    if start != len(octets) or not found:
        raise Malformed("no compound packet")
    return found


def blocks(kind: int, count: int, body: bytes) -> list[dict[str, int]]:
    """The report blocks of an SR or RR; other packets have none."""
    if kind not in (SR, RR):
        return []
    start = 24 if kind == SR else 4
    end, found = start + 24 * min(count, max(0, len(body) - start) // 24), []
    for ssrc, lost, highest, jitter, lsr, dlsr in struct.iter_unpack("!IIIIII", body[start:end]):
        signed = (lost & 0xFFFFFF) - (1 << 24 if lost & 0x800000 else 0)
        found.append({"ssrc": ssrc, "fraction": lost >> 24, "lost": signed, "highest": highest, "jitter": jitter, "lsr": lsr, "dlsr": dlsr})
    return found


def leaving(packets: list[tuple[int, int, bytes]]) -> list[int]:
    """The sources that say BYE (6.6)."""
    said = [(count, body) for kind, count, body in packets if kind == BYE]
    return [ssrc for count, body in said for (ssrc,) in struct.iter_unpack("!I", body[: 4 * min(count, len(body) // 4)])]


def sent_reports(packets: list[tuple[int, int, bytes]]) -> list[tuple[int, int]]:
    """Of each SR: whose it is, and the middle of its NTP timestamp (LSR, 6.4.1)."""
    return [struct.unpack_from("!I2xI", body) for kind, _, body in packets if kind == SR and len(body) >= 24]


def own_ssrc() -> int:
    """One that no source is likely to have (8.1)."""
    return int.from_bytes(os.urandom(4), "big")
