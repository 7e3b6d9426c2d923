"""How far the wall clock is from the monotonic one: frames carry the one, reports the other."""

from __future__ import annotations

import time

_CLOSE = 20_000
_TRIES = 8


def wall_ahead() -> int:
    """Wall clock minus monotonic clock, in nanoseconds. A process may be set aside between two readings of its clocks: the reading that
    took the shortest counts.
    """
    best, found = 1 << 62, 0
    for _ in range(_TRIES):
        before = time.monotonic_ns()
        wall = time.time_ns()
        took = time.monotonic_ns() - before
        if took < best:
            best, found = took, wall - before - took // 2
        if took < _CLOSE:
            break
    return found
