"""Payload recipes: how a few words stand for many octets (``peers/README.md``, Payloads).

Owns the patterns and their digests. Knows nothing of specs or of peers; both sides of a conversation
make the octets themselves, so control traffic does not grow with the data.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec

from harness.model import patterns

PATTERNS = tuple(patterns.MAKERS)
MAX_OCTETS = 64 * 1024 * 1024


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

    def measure(self) -> tuple[int, str]:
        """How many octets, and their digest."""
        return self.length(), self.digest()

    def as_told(self) -> dict[str, object]:
        """The recipe as the contract writes it."""
        if self.pattern:
            return {"pattern": self.pattern, "seed": self.seed, "size": self.size}
        return {"text": self.text} if self.text is not None else {"hex": self.hex}

    def successor(self, steps: int) -> Payload:
        """The recipe of datagram number ``steps`` of a ``send`` with a count: the seed so much higher."""
        return msgspec.structs.replace(self, seed=(self.seed + steps) & patterns.WORD) if self.pattern else self

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
    return patterns.MAKERS[payload.pattern or ""](payload.seed, payload.size)
