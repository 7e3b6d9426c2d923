"""Peers in containers without a network of their own; the harness plugs a wire into each from outside.

Owns the hardened container and the engine's attach stream, which is the control channel. A container carries its run's mark, goes by
itself when its input ends, and is removed by its own id; nothing else is touched.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker.errors
import requests

import docker
from harness.errors import LaunchError, NetworkError, ParleyError
from harness.launch.anchors import Anchors
from harness.launch.base import OnData, OnExit
from harness.launch.images import LABEL, Images, problem_of
from harness.launch.process import describe_status
from harness.network.base import Host, Network
from harness.peer.build import Builder, Built
from harness.peer.manifest import Manifest
from harness.peer.tools import Say

RUN_LABEL = "org.parley.run"
HINT = "Start the engine (for example: dockerd &, or systemctl start docker), or use --launcher process."
ENGINE_SECONDS = 60
_SYSCTLS = {"net.ipv6.conf.all.disable_ipv6": "0", "net.ipv4.ip_unprivileged_port_start": "0"}
_NOBODY = (65534, 65534)
_SCRATCH = {"/tmp": "size=64m"}  # noqa: S108
_MEMORY, _PROCESSES = "1g", 512


def problem() -> str:
    """Why no engine can be used from here; empty if one can."""
    try:
        engine = docker.from_env(timeout=5)
        try:
            engine.ping()
        finally:
            engine.close()
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        return f"no Docker engine answers ({_why(error)})"
    return ""


def _why(error: Exception) -> str:
    """The one reason at the bottom of a client's exception."""
    text = str(error)
    if "PermissionError" in text or "Permission denied" in text:
        return "this user may not use its socket"
    if "FileNotFoundError" in text or "ConnectionRefusedError" in text:
        return "nobody listens at its socket"
    return text.splitlines()[0][:120]


class _Stream(asyncio.Protocol):
    """The attach stream: frames of eight octets of head (stream, length) and their content."""

    def __init__(self, on_output: OnData, on_log: OnData) -> None:
        self._handlers = {1: on_output, 2: on_log}
        self._buffer = bytearray()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 8:
            size = int.from_bytes(self._buffer[4:8], "big")
            if len(self._buffer) < 8 + size:
                return
            handler = self._handlers.get(self._buffer[0])
            if handler:
                handler(bytes(self._buffer[8 : 8 + size]))
            del self._buffer[: 8 + size]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


class PeerContainer:
    """One running container."""

    def __init__(self, launcher: DockerLauncher, container: Any, host: Host, on_exit: OnExit) -> None:
        self.host = host
        self.id = str(container["Id"])
        self._launcher = launcher
        self._on_exit = on_exit
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[str] = self._loop.create_future()
        self._transport: Any = None
        self._stream: _Stream | None = None
        self._ending: asyncio.Task[None] | None = None

    async def attach(self, sock: socket.socket, on_output: OnData, on_log: OnData) -> None:
        """Takes the attach stream over."""
        kind = self._loop.create_unix_connection if sock.family == getattr(socket, "AF_UNIX", None) else self._loop.create_connection
        self._transport, self._stream = await kind(lambda: _Stream(on_output, on_log), sock=sock)
        threading.Thread(target=self._wait, name=f"wait {self.id[:12]}", daemon=True).start()
        self._ending = asyncio.ensure_future(self._finish())

    def _wait(self) -> None:
        how = "no status"  # if it is gone before it can be asked
        with contextlib.suppress(docker.errors.DockerException, requests.RequestException, OSError, KeyError):
            how = _container_status(int(self._launcher.engine.api.wait(self.id)["StatusCode"]))
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ended, how)

    def _ended(self, how: str) -> None:
        if not self._over.done():
            self._over.set_result(how)

    async def _finish(self) -> None:
        """When it is over: what it still said is read first, then its end is told."""
        how = await self._over
        assert self._stream is not None
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._stream.ended), 1)
        self._transport.close()
        self._launcher.forget(self)
        self._on_exit(how)

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def end_input(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self._transport.write_eof()

    def kill(self) -> None:
        threading.Thread(target=self._launcher.kill, args=(self.id,), daemon=True).start()

    async def gone(self) -> None:
        if self._ending is not None:
            await asyncio.shield(self._ending)


class DockerLauncher:
    """Starts peers in containers of one engine."""

    name = "docker"
    why = "an engine answers"

    def __init__(self, network: Network, builder: Builder, state: Path, say: Say, run: str) -> None:
        self.engine = docker.from_env(timeout=ENGINE_SECONDS)
        self._network = network
        self._images = Images(self.engine, builder, say)
        self._tags: dict[str, str] = {}
        self._run = run
        self._running: dict[str, PeerContainer] = {}
        self._base = ""
        self._anchors = Anchors(self._anchor, _NOBODY)

    async def prepare(self, built: list[Built]) -> dict[str, str]:
        return await asyncio.to_thread(self._prepare, built)

    def _prepare(self, built: list[Built]) -> dict[str, str]:
        broken: dict[str, str] = {}
        try:
            base = self._base = self._images.base()
        except (ParleyError, docker.errors.DockerException, requests.RequestException) as error:
            return {b.manifest.name: problem_of(error) for b in built}

        def one(b: Built) -> None:
            try:
                self._tags[b.manifest.name] = self._images.peer(b, base)
            except (ParleyError, docker.errors.DockerException, requests.RequestException) as error:
                broken[b.manifest.name] = problem_of(error)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, built))
        return broken

    async def start(self, built: Built, place: str, on_output: OnData, on_log: OnData, on_exit: OnExit, shares: str = "") -> PeerContainer:
        name = built.manifest.name
        try:
            container, sock, pid = await asyncio.to_thread(self._start, built, place, shares)
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            raise LaunchError(f"peer {name}: its container does not start: {problem_of(error)}") from None
        try:
            host = self._anchors.host() if shares else self._network.adopt(place, pid)
        except NetworkError:
            sock.close()
            await asyncio.to_thread(self.kill, str(container["Id"]))
            raise
        process = PeerContainer(self, container, host, on_exit)
        await process.attach(sock, on_output, on_log)
        self._running[process.id] = process
        return process

    def _start(self, built: Built, place: str, shares: str) -> tuple[Any, socket.socket, int]:
        command = self._images.command(built)
        common = self._anchors.config(shares) if shares else {}
        container, sock = self._create(self._tags[built.manifest.name], command, place, common)
        pid = int(self.engine.api.inspect_container(container)["State"]["Pid"])
        if pid == 0:
            sock.close()
            raise OSError(f"it ended at once; its command is {' '.join(command)}")
        return container, sock, pid

    def _create(self, image: str, command: list[str], place: str, common: dict[str, Any]) -> tuple[Any, socket.socket]:
        """A container that runs, and the socket of its streams; ``common``: what it shares with others."""
        api = self.engine.api
        joined = common.get("network_mode", "none") != "none"  # its network's settings are those of another then
        container = api.create_container(
            image,
            command=command,
            stdin_open=True,
            user=f"{_NOBODY[0]}:{_NOBODY[1]}",
            labels={LABEL: "peer", RUN_LABEL: self._run, "org.parley.place": place},
            host_config=api.create_host_config(
                **{"network_mode": "none", **({} if joined else {"sysctls": _SYSCTLS}), **common},
                auto_remove=True, read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges"],
                tmpfs=_SCRATCH, pids_limit=_PROCESSES, mem_limit=_MEMORY,
            ),
        )  # fmt: skip
        wrapped = api.attach_socket(container, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        sock = _real_socket(wrapped)
        api.start(container)
        return container, sock

    def _anchor(self, command: list[str], common: dict[str, Any]) -> tuple[str, Any]:
        container, sock = self._create(self._base, command, "anchor", common)
        return str(container["Id"]), sock

    def in_place(self, manifest: Manifest) -> bool:
        return False

    def machine(self, shares: str, manifest: Manifest) -> str:
        return shares

    def kill(self, container: str) -> None:
        """Ends one of this run's containers; the engine removes it."""
        with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
            self.engine.api.kill(container)

    def forget(self, container: PeerContainer) -> None:
        """It is gone."""
        if self._running.pop(container.id, None):
            self._network.drop(container.host)

    async def close(self) -> None:
        processes = list(self._running.values())
        for process in processes:
            process.kill()
        for process in processes:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.gone(), 10)
        await asyncio.to_thread(self._anchors.close, self.kill)
        self.engine.close()


def _real_socket(wrapped: Any) -> socket.socket:
    """The client wraps the connection in a file object; a copy of its descriptor outlives that."""
    inner = getattr(wrapped, "_sock", wrapped)
    made: socket.socket = inner.dup()
    wrapped.close()
    made.setblocking(False)
    return made


def _container_status(code: int) -> str:
    """How a container's program ended: over 128, the engine tells a signal."""
    return describe_status(-(code - 128) if 128 < code < 160 else code)
