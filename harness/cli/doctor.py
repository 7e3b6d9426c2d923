"""``parley doctor``."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from harness.errors import EXIT_ENVIRONMENT, EXIT_OK

_MARKS = {"yes": "[green]yes[/]", "no": "[yellow]no[/]", "broken": "[red]no[/]"}


@click.command()
def doctor() -> int:
    """Say what this machine can do for a run, and the command that gives what is missing."""
    from harness.doctor import examine

    console = Console(highlight=False)
    table = Table(box=None, header_style="bold")
    for column in ("what", "", "how it stands"):
        table.add_column(column, overflow="fold")
    findings = examine()
    for finding in findings:
        says = finding.says + (f"\n[bold]{finding.remedy}[/]" if finding.remedy and finding.state != "yes" else "")
        table.add_row(finding.what, _MARKS[finding.state], says)
    console.print(table)
    return EXIT_ENVIRONMENT if any(f.state == "broken" for f in findings) else EXIT_OK
