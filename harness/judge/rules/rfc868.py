"""RFC 868, Time: 32 bits, seconds since 1900."""

from __future__ import annotations

from harness.judge.rules.base import Content, Rule, Wrong

_UNIX_EPOCH = 2_208_988_800
_TOLERANCE = 86_400
"""Seconds: a clock may be wrong without breaking the standard, an epoch, a time zone or a byte order may not."""
CHECKS = {"RFC868-value-epoch-1900": "the value, against the harness's own clock"}


def _time(content: Content) -> list[Wrong]:
    if content.total != 4:
        return [Wrong("4 octets", f"{content.total} octets")]
    value = int.from_bytes(content.octets, "big")
    right = (int(content.clock) + _UNIX_EPOCH) % 2**32
    distance = min((value - right) % 2**32, (right - value) % 2**32)
    if distance > _TOLERANCE:
        return [Wrong(f"about {right} (seconds since 1900, network order)", f"{value}", "RFC868-value-epoch-1900")]
    return []


RULES: dict[str, Rule] = {"rfc868-time": _time}
