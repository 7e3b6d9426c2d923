"""RFC 862, Echo, over UDP: the answer leaves from the address and port that were asked (the whole exchange is that of RFC 1122 4.1.3.5)."""

from __future__ import annotations

from collections.abc import Iterable

from harness.judge.rules.base import Always, Shown
from harness.model.wire import Address, Wire

CHECKS = {"RFC862-udp-from-same-address": "address and port that every answer over UDP leaves from"}


def _from_where_it_was_asked(wire: Wire, asked: Address) -> Iterable[Shown]:
    for d in wire.datagrams:
        if d.left and d.by == "server" and d.source[0] == asked[0] and d.source[1] != asked[1]:
            says = "the server's answer leaves from another port than was asked"
            yield Shown("server", says, f"port {asked[1]}", f"port {d.source[1]}", "RFC862-udp-from-same-address", (d.number,))
            return


ALWAYS: tuple[Always, ...] = (_from_where_it_was_asked,)
