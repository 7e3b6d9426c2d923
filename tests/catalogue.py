"""The catalogue of mutants as tests read it: what every row says, and the rows of one kind."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import pytest
from ruamel.yaml import YAML

from harness.pipeline import ROOT

ALL: list[dict[str, Any]] = YAML(typ="safe").load((ROOT / "mutants" / "catalogue.yaml").read_text(encoding="utf-8"))["mutants"]


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every row has (``mutants/README.md``); a kind of its own adds its members."""

    name: str
    says: str
    trips: str
    blames: str
    kind: str
    by: str


M = TypeVar("M", bound=Mutant)


def rows(by: str, kind: type[M]) -> list[M]:
    """The rows whose ``by`` is this. Raises ``msgspec.ValidationError`` for one that has another member, or lacks one."""
    return [msgspec.convert(row, kind) for row in ALL if row["by"] == by]


def each(found: list[M]) -> pytest.MarkDecorator:
    """A test for each of these rows, called by its name."""
    return pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in found])
