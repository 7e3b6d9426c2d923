"""What a launcher offers: a process with three streams, on a host.

Owns the interface. Knows neither the contract nor the network's making.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from harness.network.base import Host
from harness.peer.build import Built
from harness.peer.manifest import Manifest

OnData = Callable[[bytes], None]
OnExit = Callable[[str], None]
"""Called once when the process is gone, with how it ended in words: ``status 0``, ``signal 11 (SIGSEGV)``."""


class Process(Protocol):
    """A running peer."""

    host: Host

    def write(self, data: bytes) -> None:
        """Queues octets for its standard input; nothing happens if it is gone."""

    def end_input(self) -> None:
        """Ends its standard input: the contract's way to ask it to go."""

    def kill(self) -> None:
        """Ends it without asking."""

    async def gone(self) -> None:
        """Returns when it is gone and its streams are drained."""


class Launcher(Protocol):
    """Starts peers. ``name`` is that of the command line; ``why`` says in words what it is."""

    name: str
    why: str

    def in_place(self, manifest: Manifest) -> bool:
        """Whether it starts what is built on this machine, and not in an image."""

    async def prepare(self, built: list[Built]) -> dict[str, str]:
        """Whatever takes long and is done once for all (images); returns why for each peer that it can't start."""

    async def start(self, built: Built, place: str, on_output: OnData, on_log: OnData, on_exit: OnExit, shares: str = "") -> Process:
        """Starts a peer on a new host called ``place``; or, where ``shares`` says what it must have in common with the others, on the one
        machine that has it (``model/transports.py``). Raises ``LaunchError`` or ``NetworkError``.
        """

    def machine(self, shares: str, manifest: Manifest) -> str:
        """Which machine has this in common: what needs the same one is told the same; empty for a host of its own."""

    async def close(self) -> None:
        """Ends whatever it started that still runs."""
