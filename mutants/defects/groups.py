"""What goes wrong with groups (``peers/multicast.md``)."""

from __future__ import annotations

import socket

import groups

from .base import defect


@defect("multicast-never-joins")
class NeverJoins(groups.GroupScript):
    """Joins no group."""

    def member(self, sock: socket.socket, *, join: bool) -> None:
        return


@defect("multicast-never-leaves")
class NeverLeaves(groups.GroupScript):
    """Stays in a group that it was to leave."""

    def member(self, sock: socket.socket, *, join: bool) -> None:
        if join and not getattr(self, "_in", False):
            super().member(sock, join=True)
            self._in = True


@defect("multicast-of-any-source")
class AnySource(groups.GroupScript):
    """Listens to every source."""

    def member(self, sock: socket.socket, *, join: bool) -> None:
        self.command.pop("source", None)
        super().member(sock, join=join)


@defect("multicast-goes-far")
class GoesFar(groups.GroupScript):
    """Lets datagrams go 64 hops where it is not asked to."""

    def hops(self, sock: socket.socket, level: int, option: int) -> None:
        self.command.setdefault("hops", 64)
        super().hops(sock, level, option)


@defect("multicast-stays-near")
class StaysNear(groups.GroupScript):
    """Lets datagrams go one hop, however far they are to go."""

    def hops(self, sock: socket.socket, level: int, option: int) -> None:
        return
