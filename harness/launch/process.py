"""Peers as plain processes of this machine, each on a host of the given network."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.bound import binder
from harness.errors import LaunchError
from harness.launch.base import OnData, OnExit
from harness.network.base import Host, Network
from harness.network.machine import Names
from harness.peer.build import Built
from harness.peer.manifest import Manifest

_ELF, _PE, _HEAD = b"\x7fELF", b"MZ", 20
_KIND, _MACHINE = slice(4, 6), slice(18, 20)
"""Where a program's head has its word size and byte order, and its machine (ELF)."""


class _Streams(asyncio.SubprocessProtocol):
    """Hands a subprocess's octets and its end on."""

    def __init__(self, on_output: OnData, on_log: OnData, on_exit: OnExit) -> None:
        self._handlers = {1: on_output, 2: on_log}
        self._on_exit = on_exit
        self._transport: asyncio.SubprocessTransport | None = None
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._handlers[fd](data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        pass

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
            assert self._transport is not None
            self._on_exit(describe_status(self._transport.get_returncode()))


class PeerProcess:
    """One child process."""

    def __init__(self, transport: asyncio.SubprocessTransport, streams: _Streams, host: Host, on_drop: Callable[[PeerProcess], None]) -> None:
        self.host = host
        self._transport = transport
        self._streams = streams
        self._stdin: Any = transport.get_pipe_transport(0)
        self._on_drop = on_drop

    def write(self, data: bytes) -> None:
        if not self._stdin.is_closing():
            self._stdin.write(data)

    def end_input(self) -> None:
        self._stdin.close()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._transport.kill()

    async def gone(self) -> None:
        await asyncio.shield(self._streams.ended)
        self._transport.close()
        self._on_drop(self)


class ProcessLauncher:
    """Starts peers with the command that their manifest gives. What they leave in their folder for temporary files bears the run's mark, so
    that it is found even where the run was killed.
    """

    name = "process"

    def __init__(self, network: Network, why: str = "asked for") -> None:
        self.why = why
        self._network = network
        self._running: dict[int, PeerProcess] = {}
        self._scratch: Names | None = None

    async def prepare(self, built: list[Built]) -> dict[str, str]:
        return {}

    async def start(self, built: Built, place: str, on_output: OnData, on_log: OnData, on_exit: OnExit, shares: str = "") -> PeerProcess:
        _of_this_machine(built)
        host = self._network.machine() if shares else self._network.add(place)
        self._scratch = self._scratch or Names()
        try:
            transport, streams = await asyncio.get_running_loop().subprocess_exec(
                lambda: _Streams(on_output, on_log, on_exit),
                *built.argv,
                cwd=built.manifest.folder,
                env={**_environment(), "TMPDIR": str(self._scratch.folder), **built.env},
                **_isolation(self._network.entrance(host)),
            )
        except OSError as error:
            self._network.drop(host)
            raise LaunchError(f"{built.manifest.title} does not start: {error}", hint=f"Its command: {' '.join(built.argv)}") from None
        process = PeerProcess(transport, streams, host, self._forget)
        self._running[id(process)] = process
        return process

    def _forget(self, process: PeerProcess) -> None:
        if self._running.pop(id(process), None):
            self._network.drop(process.host)

    def in_place(self, manifest: Manifest) -> bool:
        return True

    def machine(self, shares: str, manifest: Manifest) -> str:
        return "machine" if shares else ""

    async def close(self) -> None:
        processes = list(self._running.values())
        for process in processes:
            process.kill()
        await asyncio.gather(*(p.gone() for p in processes))
        if self._scratch is not None:
            self._scratch.remove()
            self._scratch = None


def _of_this_machine(built: Built) -> None:
    """Raises ``LaunchError`` for a program of another system or processor: a system that cannot execute it might take it for a script."""
    try:
        with Path(built.argv[0]).open("rb") as program, Path("/proc/self/exe").open("rb") as own:
            head, mine = program.read(_HEAD), own.read(_HEAD)
    except OSError:
        return  # starting it says why
    if head[:2] == _PE or (head[:4] == mine[:4] == _ELF and head[_KIND] + head[_MACHINE] != mine[_KIND] + mine[_MACHINE]):
        hint = "A platform's file says in 'launch' what starts such a program."
        raise LaunchError(f"{built.manifest.title} does not start: {built.argv[0]} is a program for another system or machine", hint=hint)


def _environment() -> dict[str, str]:
    """The environment of this process without what would lead a client astray: there are no proxies on the wire."""
    return {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


def _isolation(enter: Callable[[], None] | None) -> dict[str, Any]:
    """A session of its own (the terminal's Ctrl-C is for Parley), on Linux bound to this process's life."""
    if sys.platform == "win32":
        return {}
    bind = binder()
    if bind is None:
        return {"start_new_session": True}

    def before_exec() -> None:
        bind()
        if enter:
            enter()

    return {"start_new_session": True, "preexec_fn": before_exec}


def describe_status(status: int | None) -> str:
    """How a process ended, in words."""
    if status is None:
        return "no status"
    if status >= 0:
        return f"status {status}"
    with contextlib.suppress(ValueError):
        return f"signal {-status} ({signal.Signals(-status).name})"
    return f"signal {-status}"
