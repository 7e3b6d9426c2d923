"""Content rules, one file an RFC: what a content must look like where no exact octets can be asked for.

A rule takes the octets and the context, and returns what is wrong with them.
"""

from __future__ import annotations

from harness.judge.rules import rfc864, rfc865, rfc867, rfc868, rfc9112
from harness.judge.rules.base import Content, Rule, Wrong

RULES: dict[str, Rule] = {**rfc864.RULES, **rfc865.RULES, **rfc867.RULES, **rfc868.RULES, **rfc9112.RULES}
"""Every rule by the name that specs use."""

__all__ = ["RULES", "Content", "Rule", "Wrong"]
