"""Fragments of IP datagrams, put together again (RFC 791 3.2, RFC 8200 4.5).

Owns which fragments belong together, and the caps on what is kept of those that wait. Knows no clock: not time makes an
incomplete datagram go, but newer ones that need its place. Refuses datagrams whose fragments contradict each other, and for
IPv6 those with fragments that overlap without being the same (RFC 5722 4).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from struct import Struct

from harness.wire.checksum import field
from harness.wire.packet import FRAGMENT, Packet, chain

MAX_OCTETS = 16 * 1024 * 1024
MAX_DATAGRAMS = 1024
MAX_LENGTH = 65535

_OVERHEAD = 128  # octets that a part costs beside its own
_short = Struct(">H").pack
_Key = tuple[int, bytes, bytes, int, int]


class _Datagram:
    """The parts of one datagram that are there, by where they begin; none overlaps another."""

    def __init__(self) -> None:
        self.head: tuple[bytes, bytes] | None = None  # of the first fragment: Ethernet, and IP headers without fragmentation
        self.end = -1  # where the last fragment ends, once it is there
        self.cost = _OVERHEAD
        self.refused = False
        self._parts: dict[int, bytes] = {}
        self._offsets: list[int] = []
        self._size = 0

    def add(self, offset: int, part: bytes, more: bool, may_overlap: bool) -> None:
        """Takes a part; sets ``refused`` if it contradicts what is there."""
        end = offset + len(part)
        last = self._offsets[-1] + len(self._parts[self._offsets[-1]]) if self._offsets else 0
        if 0 <= self.end < end or (not more and last > end):
            self._refuse()
            return
        if not more:
            self.end = end
        if self._parts.get(offset) == part:
            return
        at = offset
        for start in self._overlapped(offset, end):
            kept = self._parts[start]
            first, stop = max(start, offset), min(start + len(kept), end)
            if not may_overlap or kept[first - start : stop - start] != part[first - offset : stop - offset]:
                self._refuse()
                return
            self._keep(at, part[at - offset : max(0, start - offset)])
            at = stop
        self._keep(at, part[at - offset :])

    def payload(self) -> bytes | None:
        """The whole of it, or None while parts are missing."""
        if self.head is None or self._size != self.end:
            return None
        return b"".join(self._parts[at] for at in self._offsets)

    def _overlapped(self, offset: int, end: int) -> list[int]:
        low, high = bisect_left(self._offsets, offset), bisect_left(self._offsets, end)
        if low and self._offsets[low - 1] + len(self._parts[self._offsets[low - 1]]) > offset:
            low -= 1
        return self._offsets[low:high]

    def _keep(self, offset: int, part: bytes) -> None:
        if part:
            self._parts[offset] = part
            insort(self._offsets, offset)
            self._size += len(part)
            self.cost += len(part) + _OVERHEAD

    def _refuse(self) -> None:
        """Nothing is kept but that it is refused, so that what still comes of it is refused too (RFC 5722 4)."""
        self.refused, self.cost = True, _OVERHEAD
        self._parts.clear()
        self._offsets.clear()


class Fragments:
    """Datagrams that wait for their missing parts: at most ``max_octets`` of them and ``max_datagrams``; the oldest goes first.

    ``dropped`` counts datagrams that went incomplete or refused.
    """

    def __init__(self, max_octets: int = MAX_OCTETS, max_datagrams: int = MAX_DATAGRAMS) -> None:
        self.dropped = 0
        self.octets = 0  # what is kept costs, the parts' own octets and those to keep them
        self._max_octets, self._max_datagrams = max_octets, max_datagrams
        self._waiting: dict[_Key, _Datagram] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, frame: bytes, packet: Packet) -> bytes | None:
        """Takes a fragment with its frame. None while parts are missing (and for what is no sound fragment); when the last part came,
        one frame: the first fragment's Ethernet and IP headers without fragmentation, then the whole payload.
        """
        part = frame[packet.fragment_start : packet.ip_end]
        if packet.fragment is None or packet.cut or not part:
            return None
        identification, offset, more = packet.fragment
        if (more and len(part) % 8) or offset + len(part) > MAX_LENGTH:
            return None
        protocol = packet.protocol if packet.version == 4 else 0
        key = (packet.version, packet.source, packet.destination, protocol, identification)
        datagram = self._waiting.get(key) or self._begin(key)
        if datagram.refused:
            return None
        cost = datagram.cost
        if offset == 0 and datagram.head is None:
            datagram.head = frame[: packet.ip_start], (_head4 if packet.version == 4 else _head6)(frame, packet)
        datagram.add(offset, part, more, packet.version == 4)
        self.octets += datagram.cost - cost
        payload = datagram.payload()
        if payload is None or datagram.head is None:
            self._make_room()
            return None
        self._forget(key)
        whole = _whole(datagram.head, packet.version, payload)
        self.dropped += whole is None
        return whole

    def _begin(self, key: _Key) -> _Datagram:
        datagram = self._waiting[key] = _Datagram()
        self.octets += datagram.cost
        return datagram

    def _make_room(self) -> None:
        while self._waiting and (self.octets > self._max_octets or len(self._waiting) > self._max_datagrams):
            self._forget(next(iter(self._waiting)))
            self.dropped += 1

    def _forget(self, key: _Key) -> None:
        self.octets -= self._waiting.pop(key).cost


def _head4(frame: bytes, packet: Packet) -> bytes:
    """The IPv4 header without More Fragments and offset."""
    header = frame[packet.ip_start : packet.fragment_start]
    return header[:6] + bytes([header[6] & 0xC0, 0]) + header[8:]


def _head6(frame: bytes, packet: Packet) -> bytes:
    """The headers before the Fragment header; the last of them names what that named (RFC 8200 4.5)."""
    at = packet.fragment_start - 8
    named = next(named for kind, named, start in chain(frame, packet) if kind == FRAGMENT and start == at)
    return frame[packet.ip_start : named] + frame[at : at + 1] + frame[named + 1 : at]


def _whole(head: tuple[bytes, bytes], version: int, payload: bytes) -> bytes | None:
    """One frame of a head and a payload; None if that is longer than a datagram may be."""
    link, header = head
    length = len(payload) + len(header) - (0 if version == 4 else 40)
    if length > MAX_LENGTH:
        return None
    if version == 6:
        return link + header[:4] + _short(length) + header[6:] + payload
    header = header[:2] + _short(length) + header[4:10] + b"\0\0" + header[12:]
    return link + header[:10] + _short(field(header)) + header[12:] + payload
