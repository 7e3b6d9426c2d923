"""POSIX.1-2017, write(): writes of at most PIPE_BUF octets are not torn apart by those of others."""

from __future__ import annotations

import re

from harness.judge.rules.base import Content, Wrong

_RUNS = re.compile(rb"(.)\1*", re.DOTALL)


def _atomic(content: Content) -> list[Wrong]:
    """Each write is of as many equal octets as what this side sent: every run of equal octets is whole writes."""
    size = max(1, len(content.question))
    for run in _RUNS.finditer(content.octets):
        length = run.end() - run.start()
        if length % size:
            return [Wrong(f"writes of {size} octets, each in one piece", f"{length} octets {run[0][0]:#04x} at offset {run.start()}")]
    return []


RULES = {"posix-pipe-atomic": _atomic}
