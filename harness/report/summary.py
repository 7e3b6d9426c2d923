"""Results counted: the numbers that every report shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from harness.errors import EXIT_ENVIRONMENT, EXIT_FAILURES, EXIT_OK
from harness.model.result import ERROR, FAIL, PASS, VERDICTS, Result

Cell = tuple[str, str, str, str]
"""Protocol, family, server, client."""


class Summary:
    """Counts by cell, as results come."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self.cells: dict[Cell, Counter[str]] = {}
        self.notes = 0

    def add(self, result: Result) -> None:
        """Counts one result."""
        self.total[result.verdict] += 1
        self.notes += result.verdict == PASS and bool(result.findings)
        if result.protocol == "contract":
            return  # of a peer, not of a pair
        cell = (result.protocol, result.family, result.server, result.client)
        self.cells.setdefault(cell, Counter())[result.verdict] += 1

    def exit_code(self) -> int:
        """What a run that ended like this exits with."""
        if self.total[FAIL]:
            return EXIT_FAILURES
        return EXIT_ENVIRONMENT if self.total[ERROR] else EXIT_OK

    def sentence(self) -> str:
        """``1,204 pass, 2 fail`` and so on; what there is none of is left out."""
        words = [f"{self.total[v]:,} {v}" for v in VERDICTS if self.total[v]]
        return ", ".join(words) or "no case"


def as_json(meta: Mapping[str, Any], results: Iterable[Result]) -> bytes:
    """``results.json``: what the run was, and each result."""
    return msgspec.json.format(msgspec.json.encode({**meta, "results": list(results)}), indent=1)
