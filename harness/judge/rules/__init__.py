"""Rules, one file an RFC: what a content must look like where no exact octets can be asked for, and what the wire must show.

A content rule takes the octets and the context; a wire rule takes what the capture showed. Both return what is wrong.
"""

from __future__ import annotations

from types import ModuleType

from harness.judge.rules import (
    posix,
    rfc768,
    rfc862,
    rfc864,
    rfc865,
    rfc867,
    rfc868,
    rfc959,
    rfc1112,
    rfc1122,
    rfc3550,
    rfc5321,
    rfc9110,
    rfc9112,
    rfc9293,
)
from harness.judge.rules.base import Always, Asked, Content, Rule, Shown, Wrong

_MODULES: tuple[ModuleType, ...] = (
    posix,
    rfc768,
    rfc862,
    rfc864,
    rfc865,
    rfc867,
    rfc868,
    rfc959,
    rfc1112,
    rfc1122,
    rfc3550,
    rfc5321,
    rfc9110,
    rfc9112,
    rfc9293,
)


def _merged(name: str) -> dict[str, str]:
    return {key: value for module in _MODULES for key, value in getattr(module, name, {}).items()}


RULES: dict[str, Rule] = _merged("RULES")  # type: ignore[assignment]
"""Every content rule by the name that specs use."""
WIRE_RULES: dict[str, Asked] = _merged("WIRE_RULES")  # type: ignore[assignment]
"""Every wire rule that specs may ask for, by its name."""
ALWAYS: tuple[Always, ...] = tuple(rule for module in _MODULES for rule in getattr(module, "ALWAYS", ()))
"""The wire rules that every conversation is held to."""
CHECKS: dict[str, str] = _merged("CHECKS")
"""Every requirement that a rule looks at by itself, and half a sentence on what it looks at."""
ALWAYS_CHECKS: frozenset[str] = frozenset(i for module in _MODULES if hasattr(module, "ALWAYS") for i in getattr(module, "CHECKS", {}))
"""Those of them that every conversation is held to whose wire was seen."""

__all__ = ["ALWAYS", "ALWAYS_CHECKS", "CHECKS", "RULES", "WIRE_RULES", "Always", "Asked", "Content", "Rule", "Shown", "Wrong"]
