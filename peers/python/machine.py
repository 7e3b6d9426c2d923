"""The transports of one machine (``machine.md``): which there are here, and who holds their scripts.

Loaded when the first of them is asked for.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import script

_KINDS = {
    "unix": ("local_streams", "UnixScript", "socketpair"),
    "fifo": ("local_streams", "FifoScript", "mkfifo"),
    "pipe": ("local_streams", "PipeScript", "pipe"),
    "shared-memory": ("local_streams", "MemoryScript", "shm_open"),
    "unix-datagram": ("local_records", "DatagramScript", "socketpair"),
    "unix-seqpacket": ("local_records", "SeqpacketScript", "socketpair"),
    "message-queue": ("local_records", "QueueScript", "mq_open"),
    "signal": ("local_signals", "SignalScript", "signalfd"),
}
"""Module, class, and the function of the C library without which it is not there."""


def abilities() -> tuple[list[str], dict[str, str]]:
    """What can be done here, and what cannot, and why."""
    can: list[str] = []
    lacks: dict[str, str] = {}
    for transport, (_, _, function) in _KINDS.items():
        why = _lacking(function)
        for role in ("client", "server"):
            ability = f"script {role}/{transport}"
            lacks |= {ability: why} if why else {}
            can += [] if why else [ability]
    return can, lacks


def _lacking(function: str) -> str:
    if os.name != "posix":
        return "this system is not POSIX"
    posix = importlib.import_module("posix_calls")
    return str(posix.lacking(function))


def kind(transport: str) -> type[script.Script]:
    """Who holds scripts over it."""
    module, name, _ = _KINDS[transport]
    found: Any = getattr(importlib.import_module(module), name)
    return found  # type: ignore[no-any-return]


def prepare() -> None:
    """What must be done before any thread is started."""
    if os.name == "posix" and not _lacking("signalfd"):
        importlib.import_module("local_signals").hold_back()
