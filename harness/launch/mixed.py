"""One run, several ways of coming to life: the peers of this system as the run's launcher has it, those of a platform as that asks for.

Owns who starts whom, and which peers are on one machine. Starts nothing itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from harness.errors import LaunchError
from harness.launch.base import Launcher, OnData, OnExit, Process
from harness.peer.build import Built
from harness.peer.manifest import Manifest
from harness.peer.platform import Platform

BESIDE = "beside"
"""The machine of processes in a run whose peers are in containers."""


class Nowhere:
    """The launcher of a platform that cannot be had in this run, and why."""

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why

    def in_place(self, manifest: Manifest) -> bool:
        return True

    async def prepare(self, built: list[Built]) -> dict[str, str]:
        return {one.manifest.name: self.why for one in built}

    async def start(self, built: Built, place: str, on_output: OnData, on_log: OnData, on_exit: OnExit, shares: str = "") -> Process:
        raise LaunchError(f"{built.manifest.title}: {self.why}")

    def machine(self, shares: str, manifest: Manifest) -> str:
        return self.name if shares else ""

    async def close(self) -> None:
        pass


class MixedLauncher:
    """``main`` starts the peers of this system. Processes ``beside`` it are those of platforms that ``main`` has no image for; ``machine_of``
    makes the launcher of a platform that is a machine of its own.
    """

    def __init__(self, main: Launcher, beside: Callable[[], Launcher], machine_of: Callable[[Platform], Launcher]) -> None:
        self._main = main
        self._beside = beside
        self._machine_of = machine_of
        self._others: dict[str, Launcher] = {}
        self.name, self.why = main.name, main.why

    def system(self, manifest: Manifest) -> str:
        """On which system's machine it is where two peers are on one; empty: that of the peers of this system."""
        platform = manifest.platform
        if platform is None:
            return ""
        if platform.machine is not None:
            return platform.name
        return "" if self._main.in_place(manifest) or manifest.container is not None else BESIDE

    def _of(self, manifest: Manifest) -> Launcher:
        system, platform = self.system(manifest), manifest.platform
        if not system or platform is None:
            return self._main
        if system not in self._others:
            self._others[system] = self._beside() if system == BESIDE else self._machine_of(platform)
        return self._others[system]

    def in_place(self, manifest: Manifest) -> bool:
        return bool(self.system(manifest)) or self._main.in_place(manifest)

    async def prepare(self, built: list[Built]) -> dict[str, str]:
        by: dict[int, tuple[Launcher, list[Built]]] = {}
        for one in built:
            launcher = self._of(one.manifest)
            by.setdefault(id(launcher), (launcher, []))[1].append(one)
        done = await asyncio.gather(*(launcher.prepare(ones) for launcher, ones in by.values()))
        return {name: why for broken in done for name, why in broken.items()}

    async def start(self, built: Built, place: str, on_output: OnData, on_log: OnData, on_exit: OnExit, shares: str = "") -> Process:
        return await self._of(built.manifest).start(built, place, on_output, on_log, on_exit, shares)

    def machine(self, shares: str, manifest: Manifest) -> str:
        return self._of(manifest).machine(shares, manifest)

    async def close(self) -> None:
        await asyncio.gather(*(launcher.close() for launcher in (self._main, *self._others.values())))
