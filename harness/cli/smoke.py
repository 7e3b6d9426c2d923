"""``parley smoke``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape

from harness.errors import EXIT_FAILURES, EXIT_OK, UsageError
from harness.peer.manifest import PLATFORM, Manifest, load
from harness.pipeline import load_peers, load_platforms
from harness.suggest import did_you_mean

if TYPE_CHECKING:
    from harness.smoke import Probe

_MARKS = {"held": "[green]held[/]  ", "broken": "[red]broken[/]", "skipped": "[yellow]skipped[/]"}


@click.command()
@click.argument("peer")
def smoke(peer: str) -> int:
    """Hold PEER (a folder with a peer.toml, or the name of a peer) against each rule of the contract, and explain each miss.

    The peer runs as a process over this machine's loopback. What it does not declare is skipped. Start here when you write one.
    A variant is named behind a colon: `peers/mine:other`, or `mine:other`; a platform behind an @: `peers/mine@windows`.
    """
    from harness.smoke import smoke_peer

    console = Console(highlight=False)

    def tell(probe: Probe) -> None:
        console.print(f"{_MARKS[probe.outcome]} {escape(probe.rule)}" + (f"\n         {escape(probe.says)}" if probe.says else ""))

    probes = asyncio.run(smoke_peer(_found(peer), tell))
    broken = sum(p.outcome == "broken" for p in probes)
    held = sum(p.outcome == "held" for p in probes)
    console.print(f"{held} held, {broken} broken, {len(probes) - held - broken} skipped")
    return EXIT_FAILURES if broken else EXIT_OK


def _found(text: str) -> Manifest:
    """The manifest of a folder or a name, with a variant's name or a platform's or without."""
    peer, _, platform = text.partition(PLATFORM)
    if platform:
        return _on(_found(peer), platform)
    place, _, variant = text.partition(":")
    if Path(place, "peer.toml").exists() or "/" in place:
        return load(Path(place), variant)
    known = load_peers()
    if text not in known:
        raise UsageError(f"{text}: there is no such folder, nor a peer of that name{did_you_mean(text, known)}")
    return known[text]


def _on(peer: Manifest, name: str) -> Manifest:
    there = load_platforms()
    if name not in there:
        raise UsageError(f"{name}: there is no such platform{did_you_mean(name, there)}", hint="`parley list platforms` shows them.")
    if there[name].target not in peer.targets:
        raise UsageError(f"{peer.name} is not built for {name}: its manifest has no [targets.{there[name].target}]")
    if there[name].machine:
        raise UsageError(f"{name} is a machine of its own, and smoke holds a process of this one: `parley run --server {peer.name}@{name}`")
    return peer.on(there[name])
