"""``parley list``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from harness.cli import options
from harness.model import levels
from harness.peer import manifest as manifests
from harness.pipeline import load_peers, load_platforms, load_specs, offers
from harness.plan import matrix


@click.group(name="list")
def list_() -> None:
    """List specs, peers, platforms or cases."""


@list_.command()
@options.sources
def specs(peer_folders: tuple[Path, ...], spec_folders: tuple[Path, ...]) -> None:
    """Each spec with its conversations, and how many cases each makes for one pair of peers."""
    for spec in load_specs(spec_folders).specs:
        click.echo(f"{spec.name}  {levels.standard(spec.rfc)}, {spec.section} ({spec.service}/{spec.transport})")
        conversations: dict[str, list[int]] = {}
        says: dict[str, str] = {}
        for scenario in spec.scenarios:
            name = scenario.key.removeprefix(spec.name + "/").split("/")[0]
            conversations.setdefault(name, []).append(len(scenario.families))
            says[name] = scenario.says
        for name, counts in conversations.items():
            click.echo(f"    {name} ({sum(counts)}): {says[name]}")


@list_.command()
@options.sources
def peers(peer_folders: tuple[Path, ...], spec_folders: tuple[Path, ...]) -> None:
    """Each peer that a run would take."""
    table = Table(box=None, header_style="bold")
    for column in ("peer", "what it is", "there for", "folder"):
        table.add_column(column, overflow="fold")
    for name, manifest in load_peers(peer_folders).items():
        table.add_row(name, manifest.says, ", ".join(manifest.offers) or "all it declares", str(_relative(manifest.folder)))
    Console().print(table)


@list_.command()
@click.option("--peers", "peer_folders", multiple=True, type=options.FOLDER, metavar="DIR", help="Add a peer, or a folder of peers. Repeatable.")
def platforms(peer_folders: tuple[Path, ...]) -> None:
    """Each platform that peers are built for, with the peers; `parley doctor` says which of them can be had here."""
    table = Table(box=None, header_style="bold")
    for column in ("platform", "what it is", "deadlines", "taken", "peers"):
        table.add_column(column, overflow="fold")
    peers = load_peers(peer_folders)
    for name, platform in load_platforms().items():
        on_it = manifests.guests(peers, {name: platform})
        taken = "if it is there" if platform.fast else "if asked for"
        table.add_row(name, platform.says, f"x {platform.slower:g}", taken, ", ".join(on_it) or "none")
    Console().print(table)


@list_.command()
@options.selecting
@options.sources
def cases(
    selection: matrix.Selection,
    peer_folders: tuple[Path, ...],
    spec_folders: tuple[Path, ...],
) -> None:
    """The id of each case that a run would hold. Starts nothing: what peers do not support is among them.

    How many there are of each mechanism is told at the end, on standard error.
    """
    known = {name: matrix.Abilities(known=False, offers=offers(m)) for name, m in load_peers(peer_folders).items()}
    counts: Counter[str] = Counter()
    for case in matrix.cases(load_specs(spec_folders).scenarios(), known, selection):
        click.echo(case.id)
        counts[case.scenario.mechanism + (" (probes)" if case.scenario.probe else "")] += 1
    click.echo(f"{counts.total():,} cases: " + ", ".join(f"{n:,} {name}" for name, n in counts.most_common()), err=True)


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
