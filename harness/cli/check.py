"""``parley check``."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options
from harness.judge.rules import RULES, WIRE_RULES
from harness.pipeline import ROOT
from harness.spec import load, schema


@click.command()
@click.argument("specs", nargs=-1, type=options.FOLDER)
@click.option("--schema", "print_schema", is_flag=True, help="Print the JSON Schema of spec files, for editors, and end.")
def check(specs: tuple[Path, ...], print_schema: bool) -> None:
    """Check SPECS (files or folders; the project's own if none is named) and say everything that is wrong with them.

    Each problem is named as file:line:column, with what to write instead where that can be guessed.
    """
    if print_schema:
        click.echo(schema.text(), nl=False)
        return
    home = ROOT / "specs"
    roots = list(specs) or [home]
    found = load.load(roots, RULES, [home], WIRE_RULES)
    count = len(found.scenarios())
    click.echo(f"{len(found.specs)} spec{'s' * (len(found.specs) != 1)}, {count} scenario{'s' * (count != 1)}: all well")
