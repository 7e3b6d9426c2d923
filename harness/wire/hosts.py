"""The rings of all hosts, emptied often enough by a thread of their own that none runs over while something else takes long.

Owns when a ring is read, and when it lost frames. Knows nothing of what the frames are.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator

from harness.wire.capture import Ring, Slots, frames

Caught = tuple[int, int, bool, bytes]
"""The host's number, nanoseconds since 1970, whether it left that host (else it arrived), the frame."""
BUSY_SECONDS, IDLE_SECONDS = 0.002, 0.01
"""How long the rings are left to themselves while frames come, and while none do."""


class _Watched:
    """A host; when it was found that its ring lost frames: (nanoseconds since 1970, how many)."""

    def __init__(self, name: str, ring: Ring) -> None:
        self.name = name
        self.ring = ring
        self.losses: list[tuple[int, int]] = []

    def catch(self, number: int, caught: deque[tuple[int, Slots]]) -> None:
        """Takes what is there: to the ring's end, and on from its beginning."""
        for _ in range(2):
            if self.ring.ready():
                caught.append((number, self.ring.take()))
        if self.ring.losing:
            self.count()

    def count(self) -> None:
        """Asks the kernel for what the ring lost; frames tell of it only once there is room for one again."""
        dropped = self.ring.count()
        if dropped:
            self.losses.append((time.time_ns(), dropped))


class Hosts:
    """All hosts that are watched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: dict[int, _Watched] = {}
        self._caught: deque[tuple[int, Slots]] = deque()
        self._ended = threading.Event()
        self.names: dict[int, str] = {}
        self.dropped = 0
        threading.Thread(target=self._empty, name="rings", daemon=True).start()

    def add(self, number: int, name: str, packets: socket.socket) -> None:
        """Watches a host from now on."""
        with self._lock:
            self.names[number] = name
            self._watched[number] = _Watched(name, Ring(packets))

    def remove(self, number: int) -> None:
        """Takes what is left of a host that is no more."""
        with self._lock:
            host = self._watched.pop(number, None)
            if host is not None:
                host.catch(number, self._caught)
                host.count()
                self.dropped += host.ring.dropped
                host.ring.close()

    def _catch(self) -> bool:
        """Takes what all rings hold; says whether anything was there."""
        with self._lock:
            filled = [(number, host) for number, host in self._watched.items() if host.ring.ready()]
            for number, host in filled:
                host.catch(number, self._caught)
        return bool(filled)

    def _empty(self) -> None:
        pause = IDLE_SECONDS
        while not self._ended.wait(pause):
            pause = BUSY_SECONDS if self._catch() else IDLE_SECONDS

    def take(self) -> Iterator[Caught]:
        """Every frame that was caught until now, each once."""
        self._catch()
        for _ in range(len(self._caught)):
            number, slots = self._caught.popleft()
            for captured in frames(slots):
                yield number, *captured

    def lost(self, numbers: Iterable[int], since: int) -> str:
        """Which of these hosts lost frames since then, in words; empty if none did."""
        for number in numbers:
            with self._lock:
                host = self._watched.get(number)
                if host is not None:
                    host.count()
            lost = sum(count for when, count in host.losses if when >= since) if host else 0
            if lost:
                return f"the capture at {self.names[number]} lost {lost:,} frames while this went on"
        return ""

    def close(self) -> int:
        """Ends the thread; returns how many frames were lost in all."""
        self._ended.set()
        with self._lock:
            for host in self._watched.values():
                host.count()
            return self.dropped + sum(host.ring.dropped for host in self._watched.values())
