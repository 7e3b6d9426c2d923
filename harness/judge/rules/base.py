"""What a content rule gets and returns."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Content(msgspec.Struct, frozen=True):
    """What came: ``octets`` (the beginning, if ``total`` is more), and the harness's wall clock in seconds since 1970."""

    octets: bytes
    total: int
    clock: float


class Wrong(msgspec.Struct, frozen=True):
    """One thing wrong with it. Where ``requirement`` is empty, it is the one that the spec cites."""

    expected: str
    observed: str
    requirement: str = ""


Rule = Callable[[Content], list[Wrong]]
_SPACES = b"\r\n"


def printable(content: Content) -> list[int]:
    """Positions of octets that are neither printable ASCII, SP, CR nor LF."""
    return [i for i, octet in enumerate(content.octets) if not (32 <= octet < 127 or octet in _SPACES)]
