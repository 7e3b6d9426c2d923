"""POSIX.1-2017, write(): writes of at most PIPE_BUF octets are not torn apart by those of others."""

from __future__ import annotations

import itertools

from harness.judge.rules.base import Content, Wrong


def _atomic(content: Content) -> list[Wrong]:
    """Each write is of as many equal octets as what this side sent: every run of equal octets is whole writes."""
    size = max(1, len(content.question))
    at = 0
    for octet, run in itertools.groupby(content.octets):
        length = sum(1 for _ in run)
        if length % size:
            return [Wrong(f"writes of {size} octets, each in one piece", f"{length} octets {octet:#04x} at offset {at}")]
        at += length
    return []


RULES = {"posix-pipe-atomic": _atomic}
