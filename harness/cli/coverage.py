"""``parley coverage``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from harness.cli import options
from harness.coverage import gather, render, rows
from harness.errors import EXIT_FAILURES, EXIT_OK
from harness.pipeline import LATEST


class Standard(click.ParamType[int | str]):
    """An RFC's number, or POSIX."""

    name = "standard"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """A number stays one."""
        return int(value) if value.isdecimal() else value.upper()


@click.command()
@click.option("--rfc", "rfcs", type=Standard(), multiple=True, metavar="N", help="Only this RFC, or POSIX. Repeatable.")
@click.option(
    "--run", "folder", type=options.FOLDER, metavar="DIR", help="The run whose verdicts are shown.  [default: runs/latest, if there is one]"
)
@click.option("--format", "form", type=click.Choice(["table", "json", "markdown"]), default="table", show_default=True, help="How it is written.")
@click.option("--all", "everything", is_flag=True, help="In the table too: every requirement, not only the totals.")
@click.option("--check", is_flag=True, help="Exit 1 if a requirement has neither a check with a mutant nor a reason, and name those.")
@click.option("--specs", "spec_folders", multiple=True, type=options.FOLDER, metavar="DIR", help="Add a folder of specs (or one file). Repeatable.")
def coverage(
    rfcs: tuple[int | str, ...],
    folder: Path | None,
    form: str,
    everything: bool,
    check: bool,
    spec_folders: tuple[Path, ...],
) -> int:
    """Show which requirements of the RFCs are checked, by what, and how each peer stands.

    A requirement has a check if a conversation cites it or a rule looks at it; it has a mutant if a program that breaks it, and nothing
    else, is known to be caught. A peer passes it if conversations that cite it passed with the peer in the role that it binds, and
    fails it if a finding that cites it blames the peer.

    \b
    ./parley coverage                          how much of each RFC
    ./parley coverage --rfc 862 --all          each requirement of RFC 862
    ./parley coverage --format markdown        all of it, to be read elsewhere
    ./parley coverage --check --rfc 9293       what is still to be done
    """
    known = gather.known(spec_folders, rfcs)
    run = folder or gather.latest(Path("runs") / LATEST)
    found = rows.rows(known, gather.held(run) if run else (), rfcs)
    totals = rows.totals(found, {rfc: title for rfc, (title, _) in known.records.items()})
    if form == "json":
        click.echo(render.as_json(totals, found, str(run or "")))
    elif form == "markdown":
        click.echo(render.as_markdown(totals, found, str(run or "")), nl=False)
    else:
        console = Console(highlight=False)
        render.table(console, totals)
        if everything:
            render.details(console, found)
    lacking = rows.lacking(found, rfcs) if check else []
    for row in lacking:
        click.echo(f"{row.id}: no {row.lacks}, and no reason", err=True)
    return EXIT_FAILURES if lacking else EXIT_OK
