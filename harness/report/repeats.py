"""Repeats counted: how often each case failed of how many times, and what that says of its rate. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from harness.model.result import FAIL, PASS, Result

_Z = 1.959964
"""Of a normal distribution's values, 95 % lie within so many standard deviations."""


def wilson(failures: int, runs: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a rate of which ``failures`` of ``runs`` were seen (E. B. Wilson, 1927). Needs runs > 0."""
    rate, square = failures / runs, _Z * _Z
    middle = (rate + square / (2 * runs)) / (1 + square / runs)
    half = _Z / (1 + square / runs) * math.sqrt(rate * (1 - rate) / runs + square / (4 * runs * runs))
    return (0.0 if failures == 0 else max(0.0, middle - half), 1.0 if failures == runs else min(1.0, middle + half))


class Repeated(msgspec.Struct, frozen=True):
    """One case, or all of a run together: ``failures`` of ``runs``, with ``rate`` between ``low`` and ``high`` (95 %)."""

    case: str
    runs: int
    failures: int
    rate: float
    low: float
    high: float

    @property
    def unstable(self) -> bool:
        """Neither always nor never failed."""
        return 0 < self.failures < self.runs


def _repeated(case: str, runs: int, failures: int) -> Repeated:
    low, high = wilson(failures, runs)
    return Repeated(case, runs, failures, failures / runs, low, high)


class Repeats(msgspec.Struct, frozen=True):
    """All cases that were judged several times, the least stable first, and all their repeats taken together."""

    total: Repeated
    cases: tuple[Repeated, ...]


def count(results: Iterable[Result]) -> Repeats | None:
    """None where nothing was repeated. Only passes and failures count: what could not be held says nothing of a rate."""
    runs: dict[str, list[int]] = {}
    for result in results:
        if result.verdict in (PASS, FAIL):
            held = runs.setdefault(result.case, [0, 0])
            held[0] += 1
            held[1] += result.verdict == FAIL
    several = {case: held for case, held in runs.items() if held[0] > 1}
    if not several:
        return None
    cases = sorted((_repeated(c, n, k) for c, (n, k) in several.items()), key=lambda r: (not r.unstable, -r.rate, r.case))
    return Repeats(_repeated("", sum(r.runs for r in cases), sum(r.failures for r in cases)), tuple(cases))


def sentence(repeats: Repeats) -> str:
    """``91,360 repeats, 0 failed: rate below 0.0043 % (95 %)``."""
    total = repeats.total
    said = f"{total.runs:,} repeats, {total.failures:,} failed: rate "
    if not total.failures:
        return said + f"below {_percent(total.high, up=True)} % (95 %)"
    return said + f"{_percent(total.rate)} %, between {_percent(total.low)} and {_percent(total.high, up=True)} % (95 %)"


def row(repeated: Repeated) -> str:
    """``3 of 20 failed: 15 %, between 5.2 and 37 %``."""
    rates = f"{_percent(repeated.rate)} %, between {_percent(repeated.low)} and {_percent(repeated.high, up=True)} %"
    return f"{repeated.failures:,} of {repeated.runs:,} failed: {rates}"


def _percent(rate: float, *, up: bool = False) -> str:
    """Two digits that count; a bound from above is never rounded down."""
    value = rate * 100
    if value == 0:
        return "0"
    places = max(0, 1 - math.floor(math.log10(value)))
    return f"{math.ceil(value * 10**places - 1e-9) / 10**places if up else value:.{places}f}"
