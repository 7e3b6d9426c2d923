"""Peers inside this process: miniatures for tests and for showing what the harness makes of a defect.

A miniature is a function that gets a ``Pipe`` and speaks the contract on it as a peer would, lies included. It opens no
socket and starts nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from harness.launch.base import OnData, OnExit
from harness.network.base import Host
from harness.network.machine import Names
from harness.peer.build import Built
from harness.peer.manifest import Manifest


class Pipe:
    """A miniature's end of the control channel: ``lines`` to read commands from, ``say`` to write octets."""

    def __init__(self, on_output: OnData, host: Host) -> None:
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.say = on_output
        self.host = host


Miniature = Callable[[Pipe], Awaitable[str | None]]
"""Runs until it returns how it ended (None: ``status 0``)."""


class FakeProcess:
    """A miniature at work."""

    def __init__(self, pipe: Pipe, miniature: Miniature, on_exit: OnExit) -> None:
        self.host = pipe.host
        self._pipe = pipe
        self._rest = b""
        self._on_exit = on_exit
        self._task = asyncio.ensure_future(self._live(miniature))

    async def _live(self, miniature: Miniature) -> None:
        status: str | None = "signal 9 (SIGKILL)"
        try:
            status = await miniature(self._pipe)
        except asyncio.CancelledError:
            pass
        finally:
            self._on_exit(status or "status 0")

    def write(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._pipe.lines.put_nowait(line)

    def end_input(self) -> None:
        self._pipe.lines.put_nowait(None)

    def kill(self) -> None:
        self._task.cancel()

    async def gone(self) -> None:
        await asyncio.wait([self._task])


class FakeLauncher:
    """Starts the miniature that stands for each peer name; addresses are made up and nobody listens there."""

    name = "fake"
    why = "peers inside this process"

    def __init__(self, miniatures: dict[str, Miniature]) -> None:
        self._miniatures = miniatures
        self._running: list[FakeProcess] = []
        self._names: Names | None = None

    async def prepare(self, built: list[Built]) -> dict[str, str]:
        return {}

    async def start(self, built: Built, place: str, on_output: OnData, on_log: OnData, on_exit: OnExit, shares: str = "") -> FakeProcess:
        number = len(self._running) + 1
        self._names = self._names or (Names() if shares else None)
        host = Host(place, {"ipv4": f"198.18.0.{number}", "ipv6": f"2001:db8::{number:x}"}, own_ports=True, names=self._names if shares else None)
        process = FakeProcess(Pipe(on_output, host), self._miniatures[built.manifest.name], on_exit)
        self._running.append(process)
        return process

    def in_place(self, manifest: Manifest) -> bool:
        return True

    def machine(self, shares: str, manifest: Manifest) -> str:
        return "machine" if shares else ""

    async def close(self) -> None:
        if self._names is not None:
            self._names.remove()
            self._names = None
        for process in self._running:
            process.kill()
            await process.gone()
