"""What it means: findings, and the verdict they add up to."""

from __future__ import annotations

import msgspec

PASS, FAIL, UNSUPPORTED, ERROR = "pass", "fail", "unsupported", "error"
VERDICTS = (PASS, FAIL, UNSUPPORTED, ERROR)

NONCONFORMANT, MISREPORT, DISAGREE, CONTRACT = "nonconformant", "misreport", "disagree", "contract"
"""Kinds of finding: it broke the standard; its report contradicts itself or its orders; the two reports
contradict each other and nothing tells which is right; it broke the peer contract."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is not as it must be.

    ``side`` is who is blamed: ``client``, ``server``, or ``both`` where the evidence does not tell.
    ``evidence`` names the steps it rests on, such as ``client step 4``. ``clause`` and ``level`` come from the
    requirement's record.
    """

    kind: str
    side: str
    says: str
    expected: str = ""
    observed: str = ""
    requirement: str = ""
    evidence: tuple[str, ...] = ()
    clause: str = ""
    level: str = ""


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """The verdict on one case. ``reason`` is one line for people, empty for a pass."""

    id: str
    verdict: str
    scenario: str
    client: str
    server: str
    family: str
    protocol: str
    requires: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    seconds: float = 0.0
    attempt: int = 1
