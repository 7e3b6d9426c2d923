"""The few rtnetlink requests that a wire needs, packed by hand: 1 ms a host where ``ip`` takes 10 to 20.

Owns the messages (Linux ``rtnetlink(7)``, ``linux/if_link.h``). Knows no namespace: a ``Route`` talks to the one in which
its socket was made.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable

_NLMSG_ERROR = 2
_RTM_NEWLINK, _RTM_DELLINK, _RTM_NEWADDR, _RTM_NEWNEIGH = 16, 17, 20, 28
_REQUEST, _ACK, _EXCL, _CREATE, _REPLACE = 0x1, 0x4, 0x200, 0x400, 0x100
_IFF_UP = 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_NET_NS_FD = 1, 3, 4, 10, 18, 28
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_IFA_ADDRESS, _IFA_LOCAL, _NDA_DST, _NDA_LLADDR = 1, 2, 1, 2
_IFA_F_NODAD, _NUD_PERMANENT = 0x02, 0x80
_FAMILY = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute: length, type, value, padded to four octets."""
    return struct.pack("=HH", len(value) + 4, kind) + value + b"\0" * (-len(value) % 4)


def link(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    """``struct ifinfomsg``."""
    return struct.pack("=BBHiII", socket.AF_UNSPEC, 0, 0, index, flags, change)


def _name(text: str) -> bytes:
    return attribute(_IFLA_IFNAME, text.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


class Route:
    """One rtnetlink socket; every request waits for the kernel's word and raises ``OSError`` if that is a no."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> None:
        self._socket.close()

    def _ask(self, kind: int, flags: int, body: bytes) -> None:
        self._sequence += 1
        self._socket.send(struct.pack("=IHHII", 16 + len(body), kind, flags | _REQUEST | _ACK, self._sequence, 0) + body)
        reply = self._socket.recv(65536)
        _, answer, _, sequence, _, error = struct.unpack_from("=IHHIIi", reply)
        if answer != _NLMSG_ERROR or sequence != self._sequence:
            raise OSError(f"rtnetlink answered out of turn (type {answer})")
        if error:
            raise OSError(-error, os.strerror(-error))

    def add_bridge(self, name: str) -> None:
        """A learning bridge, not yet up."""
        info = attribute(_INFO_KIND, b"bridge")
        self._ask(_RTM_NEWLINK, _CREATE | _EXCL, link() + _name(name) + attribute(_IFLA_LINKINFO, info))

    def add_wire(self, name: str, bridge: int, far_name: str, far_namespace: int, far_mac: bytes) -> None:
        """A veth pair: the near end in ``bridge``, the far end in another namespace (a file descriptor)."""
        far = link() + _name(far_name) + attribute(_IFLA_ADDRESS, far_mac) + _number(_IFLA_NET_NS_FD, far_namespace)
        info = attribute(_INFO_KIND, b"veth") + attribute(_INFO_DATA, attribute(_VETH_PEER, far))
        body = link(flags=_IFF_UP, change=_IFF_UP) + _name(name) + _number(_IFLA_MASTER, bridge) + attribute(_IFLA_LINKINFO, info)
        self._ask(_RTM_NEWLINK, _CREATE | _EXCL, body)

    def enslave(self, index: int, bridge: int) -> None:
        """Puts an interface into a bridge."""
        self._ask(_RTM_NEWLINK, 0, link(index) + _number(_IFLA_MASTER, bridge))

    def up(self, index: int) -> None:
        """Sets an interface up."""
        self._ask(_RTM_NEWLINK, 0, link(index, _IFF_UP, _IFF_UP))

    def delete(self, index: int) -> None:
        """Deletes an interface; of a veth pair, both ends go."""
        self._ask(_RTM_DELLINK, 0, link(index))

    def add_address(self, index: int, family: str, address: str, prefix: int) -> None:
        """An address, usable at once: IPv6 without duplicate address detection."""
        packed = socket.inet_pton(_FAMILY[family], address)
        head = struct.pack("=BBBBi", _FAMILY[family], prefix, _IFA_F_NODAD if family == "ipv6" else 0, 0, index)
        self._ask(_RTM_NEWADDR, _CREATE | _REPLACE, head + attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed))

    def add_neighbours(self, index: int, neighbours: Iterable[tuple[str, str, bytes]]) -> None:
        """Permanent neighbours: (family, address, link-layer address), so that no ARP or ND delays a conversation."""
        for family, address, mac in neighbours:
            head = struct.pack("=BBHiHBB", _FAMILY[family], 0, 0, index, _NUD_PERMANENT, 0, 0)
            body = head + attribute(_NDA_DST, socket.inet_pton(_FAMILY[family], address)) + attribute(_NDA_LLADDR, mac)
            self._ask(_RTM_NEWNEIGH, _CREATE | _REPLACE, body)
