"""How far the wall clock is from the monotonic one: frames carry the one, reports the other."""

from __future__ import annotations

import time

_CLOSE = 20_000
_TRIES = 8


_SLEWED = 1_000_000
_SLEW = 2_000


def stepped(ahead: int, now: int, nanoseconds: int) -> str:
    """Why times of the wall clock cannot be compared over that long, in words; empty if they can. A clock that is only made to go faster or
    slower (500 parts in a million at most) is no matter, one that is set is: frames would be those of another conversation.
    """
    by = abs(now - ahead)
    return f"this machine's clock was set by {by / 1e6:.1f} ms while this went on" if by > _SLEWED + nanoseconds // _SLEW else ""


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
