"""``parley show``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from harness.cli import options
from harness.errors import UsageError
from harness.pipeline import LATEST
from harness.plan.matrix import matches
from harness.report import journal, ladder

_MAX = 5


@click.command()
@click.argument("case")
@click.option("--run", "folder", type=options.FOLDER, default=Path("runs") / LATEST, show_default=True, help="The run's folder.")
def show(case: str, folder: Path) -> None:
    """Show what happened in CASE: both sides' steps side by side, with times, and the findings.

    CASE is a case's id, a part of one, or a glob over it; the first five cases that it fits are shown.
    """
    console = Console()
    exact = [e for e in journal.read(folder) if e.result.id == case]
    found = exact or [e for e in journal.read(folder) if matches(e.result.id, case)]
    if not found:
        raise UsageError(f"no case of {folder} fits {case!r}", hint="`parley list cases` shows the ids; --run names another run.")
    for number, entry in enumerate(found[:_MAX]):
        if number:
            console.print()
        ladder.show(console, entry)
    if len(found) > _MAX:
        console.print(f"\n... and {len(found) - _MAX:,} more cases fit", highlight=False)
