"""``parley diff-peers``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from harness.cli import options
from harness.errors import UsageError
from harness.pipeline import LATEST
from harness.plan.matrix import matches
from harness.report import differences, journal


@click.command("diff-peers")
@click.option("--run", "folder", type=options.FOLDER, default=Path("runs") / LATEST, show_default=True, help="The run's folder.")
@click.option("-k", "patterns", multiple=True, metavar="PATTERN", help="Only probes whose id has this part, or fits this glob. Repeatable.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How it is written.")
def diff_peers(folder: Path, patterns: tuple[str, ...], form: str) -> None:
    """Show where peers take the same octets differently, whatever the standard says of it.

    For each HTTP probe of a run the peers are put together that did the same with it. Where two stacks disagree, what passes the one may
    mean something else to the next: most request smuggling begins there.

    \b
    ./parley diff-peers                     the latest run
    ./parley diff-peers -k chunk            only what has to do with chunks
    ./parley diff-peers --format json       every probe, also those where all agree
    """
    entries = ((e.result, e.says) for e in journal.read(folder))
    found = differences.of((r, says) for r, says in entries if not patterns or any(matches(r.scenario, p) for p in patterns))
    if not found:
        raise UsageError(f"{folder} has no probes{' that fit' if patterns else ''}", hint="`parley run -k probe-` holds them.")
    if form == "json":
        click.echo(differences.as_json(found, str(folder)))
    else:
        differences.show(Console(), found)
