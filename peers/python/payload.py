"""Payload recipes (``peers/README.md``, Payloads)."""

from __future__ import annotations

from functools import lru_cache

_COLUMNS = 72
_WORD = 0xFFFFFFFF


class BadPayload(ValueError):
    """The recipe is none that the contract knows."""


def octets(recipe: dict[str, object], steps: int = 0) -> bytes:
    """The octets of a recipe, its seed ``steps`` higher."""
    if "pattern" in recipe:
        seed, size = recipe.get("seed", 0), recipe.get("size")
        if not isinstance(size, int) or not isinstance(seed, int) or size < 0:
            raise BadPayload("a pattern needs a size and a seed that are whole numbers")
        return _made(str(recipe["pattern"]), (seed + steps) & _WORD, size)
    if isinstance(recipe.get("text"), str):
        return str(recipe["text"]).encode()
    if isinstance(recipe.get("hex"), str):
        return bytes.fromhex(str(recipe["hex"]))
    raise BadPayload("a payload has 'pattern', 'text' or 'hex'")


@lru_cache(maxsize=128)
def _made(pattern: str, seed: int, size: int) -> bytes:
    if pattern not in _PATTERNS:
        raise BadPayload(f"there is no pattern {pattern!r}")
    return _PATTERNS[pattern](seed, size)


def _every_octet(seed: int, size: int) -> bytes:
    cycle = bytes((seed + i) % 256 for i in range(256))
    return (cycle * (size // 256 + 1))[:size]


def _constant(seed: int, size: int) -> bytes:
    return bytes([seed % 256]) * size


def text(seed: int, size: int) -> bytes:
    """Lines of 72 printable characters, each starting one later (RFC 864)."""
    lines = [bytes(32 + (seed + k + c) % 95 for c in range(_COLUMNS)) + b"\r\n" for k in range(min(95, size // 74 + 1))]
    cycle = b"".join(lines)
    return (cycle * (size // len(cycle) + 1))[:size]


def _random(seed: int, size: int) -> bytes:
    x = seed or 2654435769
    made = bytearray()
    for _ in range((size + 3) // 4):
        x ^= (x << 13) & _WORD
        x ^= x >> 17
        x ^= (x << 5) & _WORD
        made += x.to_bytes(4, "big")
    return bytes(made[:size])


_PATTERNS = {"every-octet": _every_octet, "constant": _constant, "text": text, "random": _random}
