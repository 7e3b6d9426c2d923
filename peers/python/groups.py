"""Scripts over multicast (``multicast.md``): UDP to a group, which a server joins and leaves."""

from __future__ import annotations

import socket
import struct
import sys
from typing import Any

import sockets
from script import BadCommand, UdpScript, Unsupported, text, whole

_SOURCE_V4, _LEAVE_SOURCE_V4 = 39, 40
_SOURCE_V6, _LEAVE_SOURCE_V6 = 46, 47
"""IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP, MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP (RFC 3678): Python does not name them."""


class GroupScript(UdpScript):
    """A script over one socket of a group."""

    def check(self) -> None:
        super().check()
        for member in ("interface", "local"):
            text(self.command, member)
        whole(self.command, "hops", needed=False)
        if self.command.get("source") is not None:
            text(self.command, "source")
            if sys.platform != "linux":
                raise Unsupported("Python does not name what joins a group for one source, and its numbers here are Linux's alone")
        if self.command["role"] == "client" and any(step["do"] in ("connect", "join", "leave") for step in self.command["steps"]):
            raise BadCommand("a client of a group neither connects nor joins")

    async def begin(self) -> None:
        self.sock = sockets.make("udp", self.command["address"])
        self.reporter.step("created")
        if self.command["role"] == "server":
            sockets.reuse(self.sock)
            self.sock.bind((self.command["address"], self.command["port"]))
            self.member(self.sock, join=True)
        else:
            self.aim(self.sock)
            self.sock.bind((self.command["local"], 0))
        self.told = True
        self.reporter.step("bound", local=sockets.shown(self.sock.getsockname()))
        self.reporter.flush()

    async def do_join(self, step: dict[str, Any]) -> None:
        self.member(self._open(), join=True)
        self.reporter.step("joined")

    async def do_leave(self, step: dict[str, Any]) -> None:
        self.member(self._open(), join=False)
        self.reporter.step("left")

    def aim(self, sock: socket.socket) -> None:
        """Datagrams leave by the interface, go as far as they are to, and are not heard here."""
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, self._index())
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
            self.hops(sock, socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(self.command["local"]))
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
            self.hops(sock, socket.IPPROTO_IP, socket.IP_MULTICAST_TTL)

    def hops(self, sock: socket.socket, level: int, option: int) -> None:
        """How far they go, where that is asked for."""
        if "hops" in self.command:
            sock.setsockopt(level, option, self.command["hops"])

    def member(self, sock: socket.socket, *, join: bool) -> None:
        """Joins the group or leaves it, for one source alone if there is one."""
        group, source = self.command["address"], self.command.get("source")
        if sock.family == socket.AF_INET6:
            if source is None:
                option = socket.IPV6_JOIN_GROUP if join else socket.IPV6_LEAVE_GROUP
                sock.setsockopt(socket.IPPROTO_IPV6, option, socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", self._index()))
            else:
                wanted = struct.pack("@I4x", self._index()) + _storage(group) + _storage(source)
                sock.setsockopt(socket.IPPROTO_IPV6, _SOURCE_V6 if join else _LEAVE_SOURCE_V6, wanted)
        else:
            where = socket.inet_aton(group) + socket.inet_aton(self.command["local"])
            if source is None:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP if join else socket.IP_DROP_MEMBERSHIP, where)
            else:
                sock.setsockopt(socket.IPPROTO_IP, _SOURCE_V4 if join else _LEAVE_SOURCE_V4, where + socket.inet_aton(source))

    def _index(self) -> int:
        return socket.if_nametoindex(self.command["interface"])


def _storage(address: str) -> bytes:
    """An IPv6 address as a sockaddr_storage of Linux."""
    return struct.pack("@HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, address), 0).ljust(128, b"\0")
