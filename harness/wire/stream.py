"""One side of a TCP connection: the octets that its segments carry, put together again (RFC 9293 3.4, 3.10.7.4).

Owns sequence numbers modulo 2**32, holes, what was sent again, and the place of the FIN. Knows no packet, no window, no
acknowledgment and no clock. The first octet that was seen at a place stays; memory is capped, and ``capped`` says when
that cost something.
"""

from __future__ import annotations

import hashlib
import mmap
from bisect import bisect_left, bisect_right

MAX_OCTETS = 64 * 1024 * 1024
MAX_HOLES = 1024
FARTHEST = 1 << 30
"""How far beyond what was seen a segment may begin: the largest window there is (RFC 7323 2.3)."""


class Stream:
    """What one side sent. Places are octets from the origin: the octet after the first SYN, else the first segment's first."""

    def __init__(self, max_octets: int = MAX_OCTETS, max_holes: int = MAX_HOLES) -> None:
        self.fin_at: int | None = None
        self.again = 0
        self.conflicts = 0
        self.capped = False
        self._max_octets, self._max_holes = max_octets, max_holes
        self._data = bytearray()
        self._origin: int | None = None
        self._synchronized = False
        self._top = 0  # the farthest end seen: what sequence numbers are read against
        self._starts: list[int] = []  # of the runs of octets that came early, apart from each other
        self._ends: list[int] = []
        self._early: mmap.mmap | None = None  # their octets at their places; pages that none touches take no memory

    @property
    def octets(self) -> int:
        """How many octets there are without a hole from the origin."""
        return len(self._data)

    @property
    def holes(self) -> int:
        """How many gaps there are before octets that came early, or before the FIN."""
        last = self._ends[-1] if self._ends else len(self._data)
        return len(self._starts) + (self.fin_at is not None and self.fin_at > last)

    @property
    def fin(self) -> bool:
        """Whether the FIN came, and every octet before it."""
        return self.fin_at is not None and len(self._data) >= self.fin_at

    def data(self) -> bytes:
        """The octets without a hole."""
        return bytes(self._data)

    def digest(self) -> str:
        """SHA-256 of ``data()``, lower-case hexadecimal."""
        return hashlib.sha256(self._data).hexdigest()

    def add(self, seq: int, data: bytes, *, syn: bool = False, fin: bool = False) -> str:
        """Takes one segment and says what it was: "new", "again" (every octet known), "partly-again", "early" (it leaves a hole
        before it), "beyond-fin", "outside" (too far away to belong, beyond the cap, or another SYN), or "empty".
        """
        if not data and not syn and not fin:
            return "empty"
        fresh = self._begin(seq, syn)
        if fresh is None:
            return "outside"
        start = self._place_of(seq + syn)
        if start < 0 or start > self._top + FARTHEST:
            return "outside"
        end = start + len(data)
        word = self._take(start, data) if data else ("new" if fresh else "again" if syn else "")
        if fin:
            word = self._finish(end, word)
        self._top = max(self._top, end)
        return word

    def _begin(self, seq: int, syn: bool) -> bool | None:
        """Sets the origin; True if this SYN is the first, None if it contradicts the first."""
        if self._origin is None:
            self._origin, self._synchronized = (seq + syn) & 0xFFFFFFFF, syn
            return syn
        if not syn:
            return False
        if self._synchronized:
            return False if (seq + 1) & 0xFFFFFFFF == self._origin else None
        distance = (self._origin - seq - 1) & 0xFFFFFFFF
        if distance >= FARTHEST:
            return None
        self._move(distance)
        self._origin, self._synchronized = (seq + 1) & 0xFFFFFFFF, True
        return True

    def _place_of(self, seq: int) -> int:
        """The place nearest to the farthest seen that ``seq`` can mean."""
        assert self._origin is not None
        return self._top + ((seq - self._origin - self._top + 0x80000000) & 0xFFFFFFFF) - 0x80000000

    def _take(self, start: int, data: bytes) -> str:
        if self.fin_at is not None and start + len(data) > self.fin_at:
            self._keep(start, data[: max(0, self.fin_at - start)])
            return "beyond-fin"
        if start == len(self._data) and not self._starts and start + len(data) <= self._max_octets:
            self._data += data
            return "new"
        return self._keep(start, data)

    def _keep(self, start: int, data: bytes) -> str:
        """Stores what is new of it, and counts what is not."""
        if start + len(data) > self._max_octets:
            self.capped = True
            data = data[: max(0, self._max_octets - start)]
        if not data:
            return "outside"
        there, size = len(self._data), len(data)
        known = min(size, max(0, there - start))
        if known:
            self._compare(self._data[start : start + known], data[:known])
        if known < size:
            known += self._place(start + known, data[known:])
        if known:
            return "again" if known == size else "partly-again"
        return "early" if start > there else "new"

    def _compare(self, first: bytes | bytearray, second: bytes) -> None:
        self.again += len(second)
        if first != second:
            self.conflicts += sum(a != b for a, b in zip(first, second, strict=True))

    def _place(self, start: int, data: bytes) -> int:
        """Stores octets beyond those without a hole, between what is there already; returns how many were there."""
        end = start + len(data)
        if start == len(self._data) and (not self._starts or end < self._starts[0]):
            self._data += data
            return 0
        low, high = bisect_left(self._ends, start), bisect_right(self._starts, end)
        if low == high and len(self._starts) >= self._max_holes:
            self.capped = True
            return 0
        known, at = 0, start
        for i in range(low, high):
            self._write(at, data[at - start : max(0, self._starts[i] - start)])
            first, at = max(self._starts[i], start), min(self._ends[i], end)
            self._compare(self._read(first, at), data[first - start : at - start])
            known += at - first
        self._write(at, data[at - start :])
        merged = (min(start, self._starts[low]), max(end, self._ends[high - 1])) if low < high else (start, end)
        self._starts[low:high], self._ends[low:high] = [merged[0]], [merged[1]]
        self._drain()
        return known

    def _drain(self) -> None:
        """The first run of early octets is early no more once the hole before it is filled."""
        if self._starts[0] == len(self._data):
            self._data += self._read(self._starts.pop(0), self._ends.pop(0))

    def _read(self, start: int, end: int) -> bytes:
        return self._early[start:end] if self._early else b""

    def _write(self, at: int, data: bytes) -> None:
        if data:
            if self._early is None:
                self._early = mmap.mmap(-1, self._max_octets)
            self._early[at : at + len(data)] = data

    def _finish(self, end: int, word: str) -> str:
        """Places the FIN: the first one stays, and none may stand before octets that are there."""
        known = self._ends[-1] if self._ends else len(self._data)
        if self.fin_at is None and end >= known:
            self.fin_at = end
            return word if word not in ("", "again") else "early" if end > known else "new"
        if self.fin_at != end:
            self.conflicts += word != "beyond-fin"
            return "beyond-fin"
        return word or "again"

    def _move(self, distance: int) -> None:
        """Puts everything ``distance`` octets later, since a SYN told an earlier origin."""
        runs = [(0, bytes(self._data))] if self._data else []
        runs += [(start, self._read(start, end)) for start, end in zip(self._starts, self._ends, strict=True)]
        self._data.clear()
        self._starts.clear()
        self._ends.clear()
        self._top += distance
        self.fin_at = None if self.fin_at is None else self.fin_at + distance
        for start, data in runs:
            self._keep(start + distance, data)
