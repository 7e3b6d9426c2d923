"""Payload recipes: how a few words stand for many octets (``peers/README.md``, Payloads).

Owns the patterns and their digests. Knows nothing of specs or of peers; both sides of a conversation
make the octets themselves, so control traffic does not grow with the data.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec

PATTERNS = ("every-octet", "constant", "text", "random")
MAX_OCTETS = 64 * 1024 * 1024
_WORD = 0xFFFFFFFF
_TEXT_COLUMNS = 72


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """A recipe: either ``pattern`` with ``seed`` and ``size`` (in octets), or ``text``, or ``hex``."""

    pattern: str | None = None
    seed: int = 0
    size: int = 0
    text: str | None = None
    hex: str | None = None

    def octets(self) -> bytes:
        """The octets themselves; made once for each recipe and kept."""
        return _octets(self)

    def digest(self) -> str:
        """SHA-256 of the octets, lower-case hexadecimal."""
        return _digest(self)

    def length(self) -> int:
        """How many octets it stands for."""
        return self.size if self.pattern else len(_octets(self))

    def successor(self, steps: int) -> Payload:
        """The recipe of datagram number ``steps`` of a ``send`` with a count: the seed so much higher."""
        return msgspec.structs.replace(self, seed=(self.seed + steps) & _WORD) if self.pattern else self

    def __str__(self) -> str:
        if self.pattern:
            return f"{self.size} octets of {self.pattern}, seed {self.seed}"
        return repr(self.text) if self.text is not None else f"hex {self.hex}"


def sha256(octets: bytes) -> str:
    """The digest that the contract uses, of octets at hand."""
    return hashlib.sha256(octets).hexdigest()


@lru_cache(maxsize=4096)
def _digest(payload: Payload) -> str:
    return sha256(_octets(payload))


@lru_cache(maxsize=256)
def _octets(payload: Payload) -> bytes:
    if payload.text is not None:
        return payload.text.encode()
    if payload.hex is not None:
        return bytes.fromhex(payload.hex)
    return _MAKERS[payload.pattern or ""](payload.seed, payload.size)


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
        x ^= (x << 13) & _WORD
        x ^= x >> 17
        x ^= (x << 5) & _WORD
        words += x.to_bytes(4, "big")
    return bytes(words[:size])


_MAKERS = {"every-octet": _every_octet, "constant": _constant, "text": _text, "random": _random}
