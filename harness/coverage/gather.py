"""What coverage is made of, from where it lies: specs, rules, the catalogue of mutants, a run's journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.coverage import mutants
from harness.coverage.rows import Held, Known
from harness.errors import UsageError
from harness.judge.rules import ALWAYS_CHECKS, CHECKS
from harness.pipeline import ROOT, load_specs
from harness.report import journal
from harness.suggest import did_you_mean

CATALOGUE = ROOT / "mutants" / "catalogue.yaml"


def known(extra: Sequence[Path], wanted: Sequence[int | str] = (), catalogue: Path = CATALOGUE) -> Known:
    """Everything but results. Raises ``SpecError``, and ``UsageError`` for an RFC that has no records."""
    specs = load_specs(extra)
    for rfc in wanted:
        if rfc not in specs.records:
            raise UsageError(f"--rfc {rfc}: there are no requirements of it{did_you_mean(str(rfc), map(str, specs.records))}")
    return Known(specs.records, specs.scenarios(), CHECKS, ALWAYS_CHECKS, mutants.load(catalogue, specs.requirements))


def latest(folder: Path) -> Path | None:
    """The latest run's folder, if there is one."""
    return folder if (folder / journal.NAME).is_file() else None


def held(run: Path) -> Iterator[Held]:
    """What was held in a run. Raises ``StorageError`` if that has no journal."""
    for entry in journal.read(run):
        wire = entry.trace.wire if entry.trace else None
        yield Held(entry.result, bool(wire and wire.flows), bool(wire and wire.datagrams), bool(wire and any(f.responses for f in wire.flows)))
