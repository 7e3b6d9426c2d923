"""Peers in virtual machines: each on a card of its own, spoken to over a serial port.

Owns the machines' life, what is packed for them, and who is on which port. What starts a machine stands in its platform's file, what is said
on a port in ``ports.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from harness.bound import binder
from harness.errors import LaunchError, ParleyError
from harness.launch import cpio
from harness.launch.base import OnData, OnExit
from harness.launch.ports import Port, VirtualProcess
from harness.network.base import Host
from harness.network.netns import PREFIX, SETTINGS, Namespaces, mac, nowhere
from harness.peer.build import Builder, Built
from harness.peer.machine import Machine
from harness.peer.manifest import Manifest
from harness.peer.platform import Platform

ROLES, SPARE = 2, 2
"""Each peer is there as server and as client; one that is started again may take its place before the last one has left."""
_CONSOLE_LINES = 10
_ELF = b"\x7fELF"


@dataclass
class _Running:
    """One machine: its process, and its ports."""

    process: asyncio.subprocess.Process
    ports: list[Port] = field(default_factory=list)
    watch: asyncio.Task[None] | None = None


class VirtualLauncher:
    """Starts peers in the machines of one platform. ``logs``: the folder for their consoles."""

    def __init__(self, platform: Platform, network: Namespaces, builder: Builder, logs: Path) -> None:
        assert platform.machine is not None
        self.name, self.why = platform.name, platform.says
        self._platform = platform
        self._machine: Machine = platform.machine
        self._network = network
        self._builder = builder
        self._logs = logs
        self._running: list[_Running] = []
        self._hosts: list[Host] = []
        self._count = 0

    def in_place(self, manifest: Manifest) -> bool:
        return True

    def machine(self, shares: str, manifest: Manifest) -> str:
        return self.name if shares else ""

    # -- booting ----------------------------------------------------------------------------------------------

    async def prepare(self, built: list[Built]) -> dict[str, str]:
        try:
            made = await asyncio.to_thread(self._builder.prepare, self._platform)
            with tempfile.NamedTemporaryFile(prefix="parley-machine-", suffix=".cpio") as packed:
                await asyncio.to_thread(self._pack, packed, made, built)
                await self._boot(len(built), made, packed.name)
        except (ParleyError, OSError) as error:
            await self.close()
            return {b.manifest.name: str(error) for b in built}
        return {}

    async def _boot(self, peers: int, made: Path | None, packed: str) -> None:
        """As many machines as these peers need. Raises ``LaunchError`` or ``NetworkError``."""
        needed, each = peers * ROLES + SPARE, self._machine.hosts
        sizes = [needed] if each is None else [each] * -(-needed // each)
        for size in sizes:
            self._running.append(await self._start_machine(size, 0 if each else needed, made, packed))
        waiting = [port.ready.wait() for running in self._running for port in running.ports] if self._machine.announces else []
        over = [asyncio.ensure_future(running.process.wait()) for running in self._running]
        booted = asyncio.ensure_future(asyncio.wait_for(asyncio.gather(*waiting), self._machine.boot_seconds))
        try:
            await asyncio.wait([booted, *over], return_when=asyncio.FIRST_COMPLETED)
            if not booted.done():
                raise LaunchError(f"platform {self.name}: its machine ended while it booted (status {_status(over)}){self._last_words()}")
            if booted.exception() is not None:
                late = f"did not boot within {self._machine.boot_seconds:g} s"
                raise LaunchError(
                    f"platform {self.name}: its machine {late}{self._last_words()}", hint="boot-seconds in its file says how long that may take."
                )
        finally:
            for task in (booted, *over):
                task.cancel()
            await asyncio.gather(booted, *over, return_exceptions=True)
        for running in self._running:
            running.watch = asyncio.ensure_future(self._watch(running))

    async def _watch(self, running: _Running) -> None:
        """When a machine ends by itself, so does everybody who is on it."""
        await running.process.wait()
        for port in running.ports:
            port.lost(f"its machine ended{self._last_words()}")

    async def _start_machine(self, cards: int, places: int, made: Path | None, packed: str) -> _Running:
        """One machine, with that many cards, each with a port; and ``places`` more ports for peers that share it."""
        argv = self._fill(self._machine.command, made, packed=packed)
        ports: list[Port] = []
        inherited: list[int] = []
        try:
            for place in range(cards + places):
                self._count += 1
                number = str(self._count)
                host = None
                if place < cards:
                    host, tap = self._network.add_foreign(f"{self.name}-{number}")
                    self._hosts.append(host)
                    inherited.append(tap)
                    link = mac(host.number).hex(":")
                    argv += self._fill(self._machine.card, made, number=number, mac=link, tap=str(tap))
                ours, theirs = socket.socketpair()
                inherited.append(theirs.detach())
                argv += self._fill(self._machine.port, made, number=number, serial=str(inherited[-1]))
                ports.append(await Port.open(ours, host, self._machine.announces))
            process = await self._spawn(argv, inherited)
        finally:
            for descriptor in inherited:
                os.close(descriptor)
        return _Running(process, ports)

    def _fill(self, argv: list[str], made: Path | None, **holes: str) -> list[str]:
        return self._builder.on_platform(self._platform, argv, made, **holes)

    async def _spawn(self, argv: list[str], inherited: list[int]) -> asyncio.subprocess.Process:
        try:
            with self._console.open("ab") as console:
                return await asyncio.create_subprocess_exec(
                    *argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console, pass_fds=inherited, start_new_session=True, preexec_fn=binder()
                )
        except OSError as error:
            raise LaunchError(f"platform {self.name}: its machine does not start: {error}", hint=f"Its command: {' '.join(argv)}") from None

    @property
    def _console(self) -> Path:
        return self._logs / f"machine-{self.name}.log"

    def _last_words(self) -> str:
        try:
            lines = self._console.read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        shown = "".join(f"\n    {line}" for line in [text.strip() for text in lines if text.strip()][-_CONSOLE_LINES:])
        return f"; the last lines of its console ({self._console}):{shown}" if shown else f"; its console ({self._console}) is empty"

    # -- what it is given -------------------------------------------------------------------------------------

    def _pack(self, packed: IO[bytes], made: Path | None, built: Iterable[Built]) -> None:
        """The archive: what the platform made for its first file system (``root``), and the peers' files, each where it is here."""
        base = [(path, path.name) for path in sorted((made / "root").iterdir())] if made and (made / "root").is_dir() else []
        files: dict[Path, str] = {}
        for one in built:
            for path in self._files(one):
                files[path] = str(path)
        settings = "".join(f"{name}={value}\n" for name, value in SETTINGS.items())
        neighbours = "".join(f"{address} {link}\n" for address, link in nowhere())
        cpio.write(packed, [*base, *files.items()], [("settings", settings.encode()), ("neighbours", neighbours.encode())])
        packed.flush()

    def _files(self, built: Built) -> Iterator[Path]:
        named = [Path(part) for part in (*built.argv, *self._builder.carried(built)) if part.startswith("/")]
        for path in [*([built.out] if built.out else []), *(p for p in named if p.exists())]:
            yield from _with_links(path)
        programs = [p for p in [*named, *(built.out.rglob("*") if built.out else ())] if p.is_file() and _is_program(p)]
        for program in programs:
            for library in _libraries(program):
                yield from _with_links(library)

    # -- peers ------------------------------------------------------------------------------------------------

    async def start(self, built: Built, place: str, on_output: OnData, on_log: OnData, on_exit: OnExit, shares: str = "") -> VirtualProcess:
        free = [p for running in self._running for p in running.ports if p.free and (p.host is None) == bool(shares)]
        if not free:
            raise LaunchError(f"{built.manifest.title}: no host is free on the machine of platform {self.name}")
        port = free[0]
        host = port.host or self._network.machine()
        return VirtualProcess(port, host, self._start_line(port, host, built, place), on_output, on_log, on_exit)

    def _start_line(self, port: Port, host: Host, built: Built, place: str) -> bytes:
        """``peers/README.md`` and ``platforms/README.md``, "A machine"."""
        where = ["-", "-", "-"]
        if port.host is not None:
            addresses = [f"{port.host.addresses[family]}/{PREFIX[family]}" for family in ("ipv4", "ipv6")]
            where = [mac(port.host.number).hex(":"), *addresses]
        folder = str(host.names.folder) if host.names else f"/tmp/{place}"  # noqa: S108
        fields = ["start", *where, folder, *built.argv]
        if any(c in part for part in fields for c in "\t\n"):
            raise LaunchError(f"{built.manifest.title}: a tab or a line's end in its command cannot be told to a machine")
        return "\t".join(fields).encode() + b"\n"

    async def close(self) -> None:
        machines, self._running = self._running, []
        hosts, self._hosts = self._hosts, []
        for running in machines:
            with contextlib.suppress(ProcessLookupError):
                running.process.kill()
        for running in machines:
            await running.process.wait()
            for port in running.ports:
                port.lost("its machine ended")
                port.close()
        for host in hosts:
            self._network.drop(host)


def _status(over: Iterable[asyncio.Future[int]]) -> str:
    return ", ".join(str(task.result()) for task in over if task.done())


def _with_links(path: Path) -> Iterator[Path]:
    """A path, and what it leads to where a part of it is a link."""
    for part in [*reversed(path.parents), path]:
        if part.is_symlink():
            yield part
            target = part.parent / part.readlink()
            yield from _with_links(Path(os.path.normpath(target)) / path.relative_to(part))
            return
    yield path


def _is_program(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == _ELF


def _libraries(program: Path) -> list[Path]:
    """What the system's loader would load for it; nothing for a static one."""
    said = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    words = [word for line in said.stdout.splitlines() for word in line.split() if word.startswith("/")]
    return [Path(word) for word in dict.fromkeys(words)]
