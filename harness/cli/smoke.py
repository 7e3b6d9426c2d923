"""``parley smoke``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from harness.cli import options
from harness.errors import EXIT_FAILURES, EXIT_OK
from harness.smoke import Probe, smoke_peer

_MARKS = {"held": "[green]held[/]  ", "broken": "[red]broken[/]", "skipped": "[yellow]skipped[/]"}


@click.command()
@click.argument("peer", type=options.FOLDER)
def smoke(peer: Path) -> int:
    """Hold PEER (a folder with a peer.toml) against each rule of the contract, and explain each miss.

    The peer runs as a process over this machine's loopback. What it does not declare is skipped. Start here when you write one.
    """
    console = Console(highlight=False)

    def tell(probe: Probe) -> None:
        console.print(f"{_MARKS[probe.outcome]} {escape(probe.rule)}" + (f"\n         {escape(probe.says)}" if probe.says else ""))

    probes = asyncio.run(smoke_peer(peer, tell))
    broken = sum(p.outcome == "broken" for p in probes)
    held = sum(p.outcome == "held" for p in probes)
    console.print(f"{held} held, {broken} broken, {len(probes) - held - broken} skipped")
    return EXIT_FAILURES if broken else EXIT_OK
