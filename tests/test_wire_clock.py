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


@pytest.mark.parametrize(
    ("by", "seconds", "words"),
    [
        (0, 0.01, ""),
        (900_000, 0.01, ""),
        (1_200_000, 0.01, "set by 1.2 ms"),
        (-1_200_000, 0.01, "set by 1.2 ms"),
        (4_000_000, 8.0, ""),
        (3_600_000_000_000, 8.0, "set by"),
    ],
)
def test_a_clock_that_is_set_is_told_from_one_that_is_steered(by: int, seconds: float, words: str) -> None:
    said = clock.stepped(7_000_000_000, 7_000_000_000 + by, int(seconds * 1e9))
    assert words in said if words else not said
