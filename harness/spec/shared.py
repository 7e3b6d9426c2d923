"""What the specs of a run have in common: one site, one zone, one tree of files. Stated twice it must be the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

Problem = tuple[str, int, int, str]


class Spec(Protocol):
    """What is asked of a spec."""

    @property
    def path(self) -> Path:
        """Its file."""

    @property
    def site(self) -> tuple[dict[str, Any], ...]:
        """Resources of every http service."""

    @property
    def zone(self) -> Mapping[str, Any] | None:
        """What every name server knows."""

    @property
    def files(self) -> tuple[dict[str, Any], ...]:
        """What every ftp service holds."""


def site(specs: Iterable[Spec], problems: list[Problem]) -> list[dict[str, Any]]:
    """One site for the whole run: a path and method may stand in several specs only if they are the same."""
    return _merged(
        ((spec, (r["path"], r["method"]), r) for spec in specs for r in spec.site),
        lambda key, other: f"{key[1]} {key[0]} is answered differently in {other}; all specs share one site",
        problems,
    )


def files(specs: Iterable[Spec], problems: list[Problem]) -> list[dict[str, Any]]:
    """The files of every FTP server: one name has one content."""
    return _merged(
        ((spec, (f["name"],), f) for spec in specs for f in spec.files),
        lambda key, other: f"the file {key[0]} is another in {other}; all specs share them",
        problems,
    )


def _merged(
    stated: Iterable[tuple[Spec, tuple[str, ...], dict[str, Any]]], says: Callable[[tuple[str, ...], str], str], problems: list[Problem]
) -> list[dict[str, Any]]:
    """What specs state under a key, each once; the same key with something else is a problem."""
    merged: dict[tuple[str, ...], tuple[Spec, dict[str, Any]]] = {}
    for spec, key, value in stated:
        other, known = merged.setdefault(key, (spec, value))
        if known != value:
            problems.append((str(spec.path), 1, 1, says(key, other.path.name)))
    return [value for _, value in merged.values()]


def zone(specs: Iterable[Spec], problems: list[Problem]) -> dict[str, Any]:
    """One zone for the whole run: all specs have the same origin, and records of all are in it once."""
    merged: dict[str, Any] = {}
    for spec in specs:
        if spec.zone is None:
            continue
        if spec.zone["origin"] != merged.setdefault("origin", spec.zone["origin"]):
            problems.append((str(spec.path), 1, 1, f"another zone than {merged['origin']}; all specs share one"))
        records = merged.setdefault("records", [])
        records += [record for record in spec.zone["records"] if record not in records]
    return merged
