"""What it means: findings, and the verdict they add up to."""

from __future__ import annotations

import msgspec

from harness.model import expectation
from harness.model.expectation import Expected

PASS, FAIL, UNSUPPORTED, ERROR = "pass", "fail", "unsupported", "error"
VERDICTS = (PASS, FAIL, UNSUPPORTED, ERROR)
EXPECTED_FAILURE, FLAKY, UNEXPECTED_PASS = "expected-failure", "flaky", "unexpected-pass"
OUTCOMES = (PASS, FAIL, UNEXPECTED_PASS, EXPECTED_FAILURE, FLAKY, UNSUPPORTED, ERROR)
"""How results are counted: verdicts, and those that an expectations file speaks of apart."""

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
    """The verdict on one case. ``reason`` is one line for people, empty for a pass. ``expected`` is what an expectations file says of it;
    ``observed``: of a probe, what came of it, in words that are the same wherever the same came; ``mechanism``: what carried it,
    where ``protocol`` is that of several together.
    """

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
    expected: Expected | None = None
    observed: str = ""
    mechanism: str = ""

    @property
    def case(self) -> str:
        """The case's id, the same for each of its repeats."""
        return self.id.removesuffix(f"/run={self.attempt}")

    @property
    def outcome(self) -> str:
        """How it is counted: one of ``OUTCOMES``."""
        if self.expected is None or self.verdict not in (PASS, FAIL):
            return self.verdict
        if self.verdict == FAIL and not self.expected.met:
            return FAIL
        if self.expected.kind == expectation.FLAKY:
            return FLAKY
        if self.verdict == FAIL:
            return EXPECTED_FAILURE
        return PASS if self.expected.met else UNEXPECTED_PASS
