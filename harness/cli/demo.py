"""``parley demo``."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from harness.cli.run import perform
from harness.demo import guide
from harness.errors import EXIT_ENVIRONMENT, EXIT_FAILURES, EXIT_OK
from harness.launch.choose import LAUNCHERS, NETWORKS
from harness.pipeline import Options, Run, Watcher
from harness.plan import matrix
from harness.report import journal


@click.command()
@click.argument("stops", nargs=-1, metavar="[STOP]...")
@click.option(
    "--lang", "language", type=click.Choice(guide.LANGUAGES), default="en", show_default=True, help="The language that the tour is told in."
)
@click.option("--list", "listing", is_flag=True, help="Only name the stops.")
@click.option("--pause/--no-pause", default=None, help="Wait for a key between two stops.  [default: in a terminal]")
@click.option("--launcher", type=click.Choice(LAUNCHERS), default="auto", show_default=True, help="How peers are started.")
@click.option("--network", type=click.Choice(NETWORKS), default="auto", show_default=True, help="What joins them.")
def demo(stops: tuple[str, ...], language: guide.Language, listing: bool, pause: bool | None, launcher: str, network: str) -> int:
    """A guided tour: for each mechanism a live conversation between two languages, and what the standard promises there.

    Each STOP shows both sides' steps and the frames between them. Without a STOP, all of them are visited.

    \b
    ./parley demo                 the whole tour
    ./parley demo --lang es       en español
    ./parley demo tcp udp         two stops of it
    """
    chosen = guide.stops(stops)
    console = Console(highlight=False)
    if listing:
        for stop in chosen:
            console.print(f"{stop.name:<10} {stop.title.words(language)}  ({' → '.join(stop.peers)})", markup=False)
        return EXIT_OK
    with TemporaryDirectory(prefix="parley-demo-") as folder:
        selection = matrix.Selection(
            servers=tuple(dict.fromkeys(s.peers[1] for s in chosen)),
            clients=tuple(dict.fromkeys(s.peers[0] for s in chosen)),
            patterns=tuple(s.case for s in chosen),
        )
        job = Run(
            Options(selection, launcher=launcher, network=network, captures="none", runs=Path(folder)),
            Watcher(lambda text: console.print(text, markup=False)),
        )
        job.prepare()
        with console.status("parley"):
            outcome = perform(job)
        entries = {e.result.id: e for e in journal.read(outcome.folder)}
        if outcome.problem is not None:
            click.echo(f"parley: {outcome.problem or 'interrupted'}", err=True)
            return EXIT_ENVIRONMENT
        waits = sys.stdin.isatty() and console.is_terminal if pause is None else pause
        well = guide.tell(console, chosen, entries, language, (lambda: click.pause("")) if waits else (lambda: None))
    return EXIT_OK if well else EXIT_FAILURES
