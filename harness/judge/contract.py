"""Breaches of the peer contract that belong to no single case: a result of their own, so that they are neither lost nor
laid on a conversation that went well.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.model.result import CONTRACT, FAIL, Finding, Result


def result(name: str, place: str, incidents: Sequence[str]) -> Result:
    """The result for one peer in one place; ``incidents`` are sentences, at least one."""
    findings = tuple(Finding(CONTRACT, place.partition("-")[0], says, "what peers/README.md says", "otherwise") for says in incidents)
    key = f"peer-contract/{place}"
    return Result(key, FAIL, key, name, name, "-", "contract", findings=findings, reason=f"peer {place}: {incidents[0]}")
