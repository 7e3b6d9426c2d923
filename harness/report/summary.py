"""Results counted: the numbers that every report shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from harness.errors import EXIT_ENVIRONMENT, EXIT_FAILURES, EXIT_OK
from harness.model import levels
from harness.model.expectation import Trouble
from harness.model.result import ERROR, EXPECTED_FAILURE, FAIL, FLAKY, OUTCOMES, PASS, UNEXPECTED_PASS, Result
from harness.report import repeats

Cell = tuple[str, str, str, str]
"""Protocol, family, server, client."""
MACHINE = "machine"
"""The protocol of all that is between two processes of one machine."""
_ONE_AND_MORE = {
    UNEXPECTED_PASS: ("unexpected pass", "unexpected passes"),
    EXPECTED_FAILURE: ("expected failure", "expected failures"),
}


class Summary:
    """Counts by cell, outcome and level, as results come; ``troubles`` are the expectations that fail the run, told at its end."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self.cells: dict[Cell, Counter[str]] = {}
        self.mechanisms: dict[str, Counter[str]] = {}
        """Of what is on one machine, by its means."""
        self.findings: Counter[str] = Counter()
        self.cases: Counter[str] = Counter()
        self.troubles: list[Trouble] = []
        self.notes = self.flaky_failed = 0

    def add(self, result: Result) -> None:
        """Counts one result."""
        outcome = result.outcome
        self.total[outcome] += 1
        self.notes += result.verdict == PASS and bool(result.findings)
        self.flaky_failed += outcome == FLAKY and result.verdict == FAIL
        if result.findings:
            found = by_level(result)
            self.findings += found
            self.cases += Counter(found.keys())
        if result.protocol == "contract":
            return  # of a peer, not of a pair
        if result.protocol == MACHINE:
            self.mechanisms.setdefault(result.mechanism, Counter())[outcome] += 1
        cell = (result.protocol, result.family, result.server, result.client)
        self.cells.setdefault(cell, Counter())[outcome] += 1

    def exit_code(self) -> int:
        """What a run that ended like this exits with."""
        if self.total[FAIL] or self.total[UNEXPECTED_PASS] or self.troubles:
            return EXIT_FAILURES
        return EXIT_ENVIRONMENT if self.total[ERROR] else EXIT_OK

    def sentence(self) -> str:
        """``1,204 pass, 2 fail`` and so on; what there is none of is left out."""
        words = [f"{self.total[o]:,} {_ONE_AND_MORE.get(o, (o, o))[self.total[o] != 1]}" for o in OUTCOMES if self.total[o]]
        words += [f"{self.flaky_failed:,} of the flaky failed"] if self.flaky_failed else []
        words += [f"{len(self.troubles):,} expectation{'s' * (len(self.troubles) != 1)} to see to"] if self.troubles else []
        return ", ".join(words) or "no case"

    def levels(self) -> dict[str, dict[str, int]]:
        """Findings of each level, and cases that have such."""
        return {level: {"findings": self.findings[level], "cases": self.cases[level]} for level in levels.LEVELS}

    def levels_sentence(self) -> str:
        """``broken by level: MUST 3 in 2 cases, SHOULD 0, MAY 0``."""
        words = [
            f"{level} {n['findings']:,}" + (f" in {n['cases']:,} case{'s' * (n['cases'] != 1)}" if n["cases"] else "")
            for level, n in self.levels().items()
        ]
        return "broken by level: " + ", ".join(words)


def by_level(result: Result) -> Counter[str]:
    """How many findings of each level a result has."""
    return Counter(levels.of_finding(f) for f in result.findings)


def as_json(meta: Mapping[str, Any], results: Sequence[Result], summary: Summary) -> bytes:
    """``results.json``: what the run was, its counts, and each result."""
    counted = {
        "counts": dict(summary.total),
        "levels": summary.levels(),
        "mechanisms": {name: dict(counter) for name, counter in sorted(summary.mechanisms.items())},
        "expectations": {"troubles": summary.troubles},
        "repeats": repeats.count(results),
    }
    return msgspec.json.format(msgspec.json.encode({**meta, **counted, "results": results}), indent=1)
