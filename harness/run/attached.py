"""A server that somebody else started: it keeps no contract, reports nothing, and is there as long as it answers."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from types import SimpleNamespace
from typing import Any

from harness.launch.base import Launcher
from harness.model.trace import Address
from harness.peer import contract
from harness.peer.build import Built
from harness.peer.manifest import Manifest
from harness.run.peer import LivePeer

PATIENCE_SECONDS = 3.0


class NobodyThere(Exception):
    """Nothing listens at its address."""


class Attached(LivePeer):
    """It stands where a peer would stand as server."""

    def __init__(self, name: str, at: Address) -> None:
        super().__init__(Built(Manifest(name=name, launch=["-"]), (), None), f"server-{name}", lambda _: None, lambda _: None)
        family = f"ipv{ipaddress.ip_address(at[0]).version}"
        self.at = at
        self.hello = contract.Event("hello", peer=name, language="attached", can=("serve http/tcp",), families=(family,))
        self._host = SimpleNamespace(addresses={family: at[0]}, number=0, nowhere={})

    @property
    def silent(self) -> bool:
        """It tells nothing."""
        return True

    @property
    def host(self) -> Any:
        """Where it is."""
        return self._host

    async def start(self, launcher: Launcher) -> None:
        """Looks whether it is there. Raises ``NobodyThere``."""
        assert self.at is not None
        host, port = self.at
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), PATIENCE_SECONDS)
        except (OSError, TimeoutError) as error:
            raise NobodyThere(f"nobody answers at {host} port {port}: {error or 'no answer in time'}") from None
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def flush(self) -> bool:
        """It reports nothing, so that there is nothing to wait for."""
        return True

    async def end(self) -> None:
        """It is not ours to end."""
