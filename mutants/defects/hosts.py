"""Hosts on which something answers where nobody serves."""

from __future__ import annotations

import resource
import socket
from typing import Any

import peer
import sockets

from .base import defect

CLOSED = range(1024, 2048)
"""The ports among which the harness chooses one where nobody listens."""


def everywhere(transport: str) -> list[socket.socket]:
    """A socket on each of those ports (IPv4)."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * len(CLOSED), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    made = [sockets.make(transport, "0.0.0.0") for _ in CLOSED]
    for one, port in zip(made, CLOSED, strict=True):
        one.bind(("", port))
    return made


@defect("server-takes-datagrams-to-a-closed-port")
class TakesDatagrams(peer.Peer):
    """Holds UDP sockets on ports that should be closed, so that no ICMP error answers what comes there."""

    def __init__(self, *stack: Any) -> None:
        super().__init__(*stack)
        self.open = everywhere("udp")


@defect("server-accepts-on-a-closed-port")
class Accepts(peer.Peer):
    """Listens on ports that should be closed."""

    def __init__(self, *stack: Any) -> None:
        super().__init__(*stack)
        self.open = everywhere("tcp")
        for one in self.open:
            one.listen()
