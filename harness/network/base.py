"""What a network offers to launchers: hosts with addresses, made and taken down again.

Owns the interface and the loopback network, which runs anywhere and needs nothing of the system.
"""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from harness.errors import NetworkError
from harness.network.machine import Names

SERVICE_PORTS = {
    "echo": 7,
    "discard": 9,
    "daytime": 13,
    "qotd": 17,
    "chargen": 19,
    "time": 37,
    "http": 80,
    "smtp": 25,
    "dns": 53,
    "ftp": 21,
    "rtp": 5004,
}
"""The ports that the RFCs give (RFC 862, 863, 867, 865, 864, 868, 9110 section 4.2.1, 5321, 1035, 959, 3551), used where hosts have them to
themselves."""

_NEVER_SERVED = itertools.cycle(range(1024, 2048))
"""Ports that no service has and that the system gives to nobody (see ``netns``): each conversation that needs one gets the next."""

_GROUPS = itertools.cycle(range(1, 255))
_SELDOM_SERVED = itertools.cycle(range(20_000, 32_000))
"""Ports below those that systems give out by themselves: one that is free now is not given to somebody else a moment later."""


@dataclass(frozen=True)
class Host:
    """A place for one peer: ``addresses`` by family; ``namespace`` is a file descriptor, or None without one; ``number`` counts from 1;
    ``nowhere`` are addresses on the wire that no host has and nothing answers for. ``names``: it is one machine that several peers share;
    ``ipc`` is then the file descriptor of its namespace of IPC names, or None without one. ``interface``: what groups are joined on; empty
    where there is no multicast.
    """

    name: str
    addresses: dict[str, str]
    namespace: int | None = None
    own_ports: bool = False
    number: int = 0
    nowhere: dict[str, str] = field(default_factory=dict)
    names: Names | None = None
    ipc: int | None = None
    interface: str = ""

    def closed_port(self, family: str) -> int:
        """A port where nobody listens."""
        if self.own_ports:
            return next(_NEVER_SERVED)
        return next(port for port in _SELDOM_SERVED if _free(self.addresses[family], port))

    def group(self, family: str) -> str:
        """A multicast group that no other conversation has now: of MCAST-TEST-NET (RFC 5771 9.2), and of a prefix for documentation
        (RFC 3306 4, RFC 3849).
        """
        number = next(_GROUPS)
        return f"233.252.0.{number}" if family == "ipv4" else f"ff35:20:2001:db8::{number:x}"

    def port(self, service: str) -> int:
        """The port to serve on: the RFC's, or 0 (any free one) where ports are shared."""
        return SERVICE_PORTS[service] if self.own_ports else 0


def _free(address: str, port: int) -> bool:
    """Whether neither a stream nor a datagram socket is bound there now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(family, kind) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def nobody(host: Host) -> None:
    """Whom hosts are told of by default."""


OnHost = Callable[[Host], None]


class Network(Protocol):
    """Hosts joined by one wire. ``name`` is that of the command line; ``why`` says in words what it is.

    ``on_host`` is called with each host that has a namespace as soon as its wire is plugged in, before anything can act there;
    ``on_drop`` when it goes. ``unseen`` says why its wire cannot be watched, empty if it can.
    """

    name: str
    why: str
    unseen: str
    on_host: OnHost
    on_drop: OnHost

    def add(self, name: str) -> Host:
        """A new host. Raises ``NetworkError``."""

    def machine(self) -> Host:
        """The host that is one machine for several peers: the same each time, with a loopback and no wire. Raises ``NetworkError``."""

    def adopt(self, name: str, pid: int) -> Host:
        """Makes the namespace of a running process a host. Raises ``NetworkError``."""

    def entrance(self, host: Host) -> Callable[[], None] | None:
        """What a child process must call between fork and exec to find itself on that host."""

    def drop(self, host: Host) -> None:
        """Takes one host down; of the shared machine one peer less is left, it goes with the network."""

    def close(self) -> None:
        """Takes everything down. May be called twice."""


class Loopback:
    """All peers on this machine's own loopback: no namespaces, shared ports, no wire to watch."""

    name = "loopback"
    unseen = "there is no wire to watch on loopback"

    def __init__(self, why: str = "asked for", families: tuple[str, ...] = ("ipv4", "ipv6")) -> None:
        self.why = why
        self.on_host: OnHost = nobody
        self.on_drop: OnHost = nobody
        self._machine: Host | None = None
        self._addresses = {f: a for f, a in (("ipv4", "127.0.0.1"), ("ipv6", "::1")) if f in families}

    def add(self, name: str) -> Host:
        return Host(name, dict(self._addresses))

    def machine(self) -> Host:
        self._machine = self._machine or Host("machine", dict(self._addresses), names=Names())
        return self._machine

    def adopt(self, name: str, pid: int) -> Host:
        raise NetworkError("containers cannot be joined over loopback", hint="Use --network netns, or --launcher process.")

    def entrance(self, host: Host) -> Callable[[], None] | None:
        return None

    def drop(self, host: Host) -> None:
        pass

    def close(self) -> None:
        if self._machine is not None and self._machine.names:
            self._machine.names.remove()
            self._machine = None
