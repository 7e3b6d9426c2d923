"""What containers on one machine have in common, and no more: each kind is held by an anchor, a container that does nothing.

An anchor ends when its input ends, so that it goes with this process however that ends.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import docker.errors
import requests

from harness.network.base import Host
from harness.network.machine import Names

NETWORK, FOLDER, IPC, PROCESSES = "network", "folder", "ipc", "processes"
_IDLE = ["cat"]


class Anchors:
    """One for each kind, started when it is first needed. ``create`` makes and starts a container: image, command, changes of its host
    configuration; it returns its id and the socket of its input.
    """

    def __init__(self, create: Callable[[list[str], dict[str, Any]], tuple[str, Any]], owner: tuple[int, int]) -> None:
        self._create = create
        self._owner = owner
        self._lock = threading.Lock()
        self._started: dict[str, tuple[str, Any]] = {}
        self._host: Host | None = None

    def host(self) -> Host:
        """The machine that they make up."""
        with self._lock:
            self._host = self._host or Host("machine", {"ipv4": "127.0.0.1", "ipv6": "::1"}, names=Names(self._owner))
            return self._host

    def config(self, shares: str) -> dict[str, Any]:
        """What a container's host configuration needs for it. Raises what the engine's client raises."""
        if shares == FOLDER:
            return self._folder()
        with self._lock:
            if shares not in self._started:
                self._started[shares] = self._create(_IDLE, {"ipc_mode": "shareable"} if shares == IPC else {})
            anchor = f"container:{self._started[shares][0]}"
        if shares == PROCESSES:
            return {"pid_mode": anchor, **self._folder()}
        return {"network_mode": anchor} if shares == NETWORK else {"ipc_mode": anchor}

    def _folder(self) -> dict[str, Any]:
        names = self.host().names
        assert names is not None
        return {"binds": {str(names.folder): {"bind": str(names.folder), "mode": "rw"}}}

    def close(self, kill: Callable[[str], None]) -> None:
        """Ends them, and removes what is left of the machine."""
        for container, sock in self._started.values():
            with contextlib.suppress(docker.errors.DockerException, requests.RequestException, OSError):
                sock.close()
                kill(container)
        self._started.clear()
        if self._host is not None and self._host.names:
            self._host.names.remove()
            self._host = None
