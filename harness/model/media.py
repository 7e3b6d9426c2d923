"""Streams of media over UDP (RFC 3550): what a sender is to send, what a receiver must find, and packets as the wire showed them. Frozen values."""

from __future__ import annotations

import hashlib
import itertools
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import msgspec

from harness.model.payload import Payload

RATES = {96: 90_000, 97: 48_000}
RATE = 8_000
"""Clock rates by payload type, and of all others, as the contract has them (``peers/rtp.md``)."""


class Block(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A report block (6.4.1). ``fraction``: of 256; ``lost``: signed; ``jitter``: in the clock's units; ``lsr``, ``dlsr``: 1/65536 s."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    lsr: int
    dlsr: int


class Rtp(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="rtp"):
    """An RTP packet (5.1); ``octets`` and ``digest``: of its payload. ``problem``: why it is none, if so."""

    ssrc: int = 0
    payload_type: int = 0
    sequence: int = 0
    timestamp: int = 0
    marker: bool = False
    csrc: tuple[int, ...] = ()
    octets: int = 0
    digest: str = ""
    problem: str = ""


class Rtcp(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="rtcp"):
    """A compound RTCP packet (6.1). ``kinds``: the types of its packets in order; ``ssrc``: of the sender of the first; ``ntp``, ``rtp``,
    ``packets``, ``octets``: of an SR; ``cname``: of which sources one is told; ``bye``: who leaves. ``problem``: why it is none, if so.
    """

    kinds: tuple[int, ...] = ()
    ssrc: int = 0
    ntp: int = 0
    rtp: int = 0
    packets: int = 0
    octets: int = 0
    blocks: tuple[Block, ...] = ()
    cname: tuple[int, ...] = ()
    bye: tuple[int, ...] = ()
    problem: str = ""


SR, RR, SDES, BYE = 200, 201, 202, 203
Media = Rtp | Rtcp


class Statistics:
    """What a receiver knows of one source: A.1 (without probation), A.3, A.8. Times are in seconds on any clock."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._base = -1
        self._transit: float | None = None
        self._before = (0, 0)
        self.highest = 0
        self.received = 0
        self.jitter = 0.0

    def take(self, sequence: int, timestamp: int, when: float | None) -> None:
        """One packet; where ``when`` it came is not known, its jitter is not counted."""
        if self._base < 0:
            self._base = self.highest = sequence
        elif (ahead := (sequence - self.highest) & 0xFFFF) < 0x8000:
            self.highest += ahead
        self.received += 1
        if when is not None:
            transit = when * self._rate - timestamp
            if self._transit is not None:
                late = (transit - self._transit + 2**31) % 2**32 - 2**31  # timestamps wrap (A.8 has integers of 32 bits)
                self.jitter += (abs(late) - self.jitter) / 16
            self._transit = transit

    @property
    def expected(self) -> int:
        """Packets from the first one's number to the highest."""
        return self.highest - self._base + 1 if self._base >= 0 else 0

    @property
    def lost(self) -> int:
        """Cumulative; duplicates make it less than what is missing."""
        return self.expected - self.received

    def fraction(self) -> int:
        """Of 256, since this was asked before (A.3)."""
        expected, received = self.expected - self._before[0], self.received - self._before[1]
        self._before = (self.expected, self.received)
        lost = expected - received
        return (lost << 8) // expected if expected > 0 and lost > 0 else 0


class Stream(msgspec.Struct, frozen=True):
    """What a sender sends. ``told``: as the contract's ``ask`` takes it; ``payload``: of packet 0; ``order``: which packets, in that order;
    ``reports``: after how many of them a report is asked for, in rising order, the last after all.
    """

    told: dict[str, Any]
    payload: Payload
    order: tuple[int, ...]
    reports: tuple[int, ...]
    requires: tuple[str, ...] = ()

    @property
    def rate(self) -> int:
        """Of its clock, in Hz."""
        return RATES.get(self.told["type"], RATE)

    @property
    def lasts(self) -> int:
        """Milliseconds that it takes at least."""
        return sum(self._gaps())

    def within(self, milliseconds: int) -> int:
        """How many packets leave in such a time at most."""
        times = [0, *itertools.accumulate(self._gaps())]
        return max(bisect_right(times, begin + milliseconds) - place for place, begin in enumerate(times))

    def _gaps(self) -> list[int]:
        gaps = self.told["gaps"]
        return [gaps[min(place, len(gaps) - 1)] for place in range(len(self.order) - 1)]

    def packet(self, number: int) -> Rtp:
        """Packet ``number`` as it must be on the wire."""
        told, content = self.told, self.payload.successor(number)
        return Rtp(
            told["ssrc"], told["type"], (told["sequence"] + number) & 0xFFFF, (told["timestamp"] + number * told["advance"]) & 0xFFFFFFFF,
            number in told.get("marked", ()), tuple(told.get("csrc", ())), *content.measure(),
        )  # fmt: skip

    def blocks(self) -> list[Block]:
        """What the reports must say where everything arrives as it is sent; jitter, LSR and DLSR are left at 0."""
        found, statistics = [], Statistics(self.rate)
        for place, number in enumerate(self.order, 1):
            packet = self.packet(number)
            statistics.take(packet.sequence, packet.timestamp, None)
            if place in self.reports:
                found.append(Block(packet.ssrc, statistics.fraction(), statistics.lost, statistics.highest, 0, 0, 0))
        return found

    def content(self) -> tuple[int, str]:
        """Octets and digest of all that a receiver can put together: payloads by their numbers, each once."""
        octets = b"".join(self.payload.successor(number).octets() for number in sorted(set(self.order)))
        return len(octets), hashlib.sha256(octets).hexdigest()


def same_packets(seen: Sequence[Rtp], wanted: Sequence[Rtp]) -> int:
    """The place of the first difference; -1 if there is none."""
    for place, (one, other) in enumerate(zip(seen, wanted, strict=False)):
        if one != other:
            return place
    return -1 if len(seen) == len(wanted) else min(len(seen), len(wanted))
