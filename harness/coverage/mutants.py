"""The mutants that are known: ``mutants/catalogue.yaml``, as far as coverage needs it.

Owns the link from a mutant to the requirement that it trips; what a mutant does and how it is run is not known here, so members that
are not asked for are left alone.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from harness.errors import SpecError
from harness.spec import yamlpos
from harness.spec.load import Problem, shown, validated
from harness.suggest import did_you_mean


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Mutant(BaseModel):
    """One entry: a program that breaks ``trips`` and nothing else. ``needs``: what is missing for it to be caught; then it counts for nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    says: str
    trips: Annotated[list[str], BeforeValidator(_listed)]
    needs: str = ""


def load(path: Path, requirements: Collection[str]) -> list[Mutant]:
    """All mutants; none where there is no catalogue. Raises ``SpecError`` with everything that is wrong with it."""
    if not path.is_file():
        return []
    document = yamlpos.read(shown(path))
    entries = document.value.get("mutants") if isinstance(document.value, dict) else None
    problems: list[Problem] = []
    found: list[Mutant] = []
    if not isinstance(entries, list):
        problems.append(document.error((), "this must be a mapping with the list 'mutants'"))
    for at, raw in enumerate(entries if isinstance(entries, list) else []):
        mutant = validated(document, Mutant, raw, ("mutants", at), problems)
        for unknown in (i for i in (mutant.trips if mutant else []) if i not in requirements):
            says = f"there is no requirement '{unknown}'{did_you_mean(unknown, requirements)}"
            problems.append(document.error(("mutants", at, "trips"), says))
        found += [mutant] if mutant else []
    if problems:
        raise SpecError(sorted(set(problems)))
    return found
