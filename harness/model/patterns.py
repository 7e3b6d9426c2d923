"""The patterns of payloads (``peers/README.md``, Payloads). Needs nothing: a stand-in for a program makes its octets with it, too."""

from __future__ import annotations

from typing import Any

WORD = 0xFFFFFFFF
_TEXT_COLUMNS = 72


def octets(recipe: dict[str, Any]) -> bytes:
    """The octets of a recipe as it stands in a command. Raises ``ValueError`` or ``KeyError`` if it is none."""
    if "pattern" in recipe:
        return MAKERS[recipe["pattern"]](recipe.get("seed", 0), recipe["size"])
    return str(recipe["text"]).encode() if "text" in recipe else bytes.fromhex(recipe["hex"])


def _every_octet(seed: int, size: int) -> bytes:
    start = seed % 256
    cycle = bytes((start + i) % 256 for i in range(256))
    return (cycle * (size // 256 + 1))[:size]


def _constant(seed: int, size: int) -> bytes:
    return bytes([seed % 256]) * size


def _text(seed: int, size: int) -> bytes:
    ring = bytes(32 + i % 95 for i in range(95 + _TEXT_COLUMNS))
    lines = []
    for k in range(size // (_TEXT_COLUMNS + 2) + 1):
        start = (seed + k) % 95
        lines.append(ring[start : start + _TEXT_COLUMNS] + b"\r\n")
    return b"".join(lines)[:size]


def _random(seed: int, size: int) -> bytes:
    x = seed or 2654435769
    words = bytearray()
    for _ in range((size + 3) // 4):
        x ^= (x << 13) & WORD
        x ^= x >> 17
        x ^= (x << 5) & WORD
        words += x.to_bytes(4, "big")
    return bytes(words[:size])


MAKERS = {"every-octet": _every_octet, "constant": _constant, "text": _text, "random": _random}
