"""What all defects share: the register, the places that they take, and reporters whose words are bent."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import peer
import script
import services

Kind = TypeVar("Kind", bound=type)
Told = tuple[str, dict[str, Any]]
DEFECTS: dict[str, type] = {}
_PLACES = (
    (services, "Connection"),
    (services, "TcpService"),
    (services, "UdpService"),
    (script, "TcpScript"),
    (script, "UdpScript"),
    (script, "Stream"),
    (peer, "Peer"),
)
_LATE = {
    "channels": ("UnixSocket", "Ends", "Ring"),
    "local_streams": ("UnixSocket", "Ends", "Ring", "UnixScript", "FifoScript", "PipeScript", "MemoryScript"),
    "local_records": ("UnixSocket", "DatagramScript", "SeqpacketScript", "QueueScript"),
    "local_signals": ("SignalScript",),
    "posix_calls": ("Queue",),
    "smtp_service": ("_Handler", "_Connection"),
    "smtp_client": ("_Client", "Asking"),
    "ftp_service": ("Session",),
    "ftp_client": ("Client", "Asking"),
    "groups": ("GroupScript",),
    "rtp": ("Source", "Packet"),
    "rtp_service": ("Service",),
    "rtp_client": ("Asking",),
    "dns_service": ("Zone", "Answering"),
    "dns_client": ("Asking",),
}
"""Modules that the peer loads when it needs them, and what in them a defect may take the place of."""
FOR_EVER = 3600
"""Seconds: longer than any conversation."""


def defect(name: str) -> Callable[[Kind], Kind]:
    """Registers a class under the name that the catalogue uses."""

    def register(kind: Kind) -> Kind:
        assert name not in DEFECTS, name
        DEFECTS[name] = kind
        return kind

    return register


def says(name: str) -> str:
    """What a defect breaks: the first line of its docstring."""
    return (inspect.getdoc(DEFECTS[name]) or "").partition("\n")[0]


def install(name: str) -> None:
    """Puts a defect in the place of the class that it is made from."""
    kind = DEFECTS[name]
    for module, place in (*_PLACES, *_late_places()):
        if issubclass(kind, getattr(module, place)):
            setattr(module, place, kind)


def _late_places() -> list[tuple[Any, str]]:
    """The classes of modules that are loaded by now, wherever they go by that name."""
    found = [(sys.modules.get(module), place) for module, places in _LATE.items() for place in places]
    return [(module, place) for module, place in found if module is not None]


class Bent:
    """A reporter that asks ``bend`` what to tell in place of each step; None tells nothing."""

    def __init__(self, reporter: Any, bend: Callable[[str, dict[str, Any]], Told | None]) -> None:
        self._reporter = reporter
        self._bend = bend

    def step(self, name: str, **members: Any) -> None:
        told = self._bend(name, members)
        if told is not None:
            self._reporter.step(told[0], **told[1])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reporter, name)


class Liar:
    """Mixed into a conversation, has its reports bent by ``tell``."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.reporter: Any = Bent(self.reporter, self.tell)

    def tell(self, name: str, members: dict[str, Any]) -> Told | None:
        raise NotImplementedError


def another_port(address: list[Any]) -> list[Any]:
    """The same address, one port up."""
    return [address[0], address[1] % 65535 + 1]


async def for_ever() -> None:
    """Leaves everything as it is."""
    await asyncio.sleep(FOR_EVER)
