"""The distance of the two clocks, also where the process is set aside between their readings."""

from __future__ import annotations

import time

import pytest

from harness.wire import clock


def test_a_pause_between_the_readings_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000]
    pauses = iter([5_000_000, 3_000_000, 100, *[9_000_000] * 20])

    def monotonic() -> int:
        now[0] += 50
        return now[0]

    def wall() -> int:
        now[0] += next(pauses)
        return now[0] + 7_000_000_000

    monkeypatch.setattr(time, "monotonic_ns", monotonic)
    monkeypatch.setattr(time, "time_ns", wall)
    assert abs(clock.wall_ahead() - 7_000_000_000) < 1_000


def test_it_is_the_distance() -> None:
    assert abs(clock.wall_ahead() + time.monotonic_ns() - time.time_ns()) < 50_000_000
