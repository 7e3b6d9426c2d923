"""RFC 862, Echo, over UDP: the answer leaves from the address and port that were asked (the whole exchange is that of RFC 1122 4.1.3.5)."""

from __future__ import annotations

from harness.judge.rules.base import Always, sent_datagram
from harness.model.wire import Address, Datagram

CHECKS = {"RFC862-udp-from-same-address": "address and port that every answer over UDP leaves from"}


def _from_another_port(d: Datagram, asked: Address) -> bool:
    return d.by == "server" and d.source[0] == asked[0] and d.source[1] != asked[1]


ALWAYS: tuple[Always, ...] = (
    sent_datagram(
        "RFC862-udp-from-same-address", "the {}'s answer leaves from another port than was asked",
        lambda d, asked: (f"port {asked[1]}", f"port {d.source[1]}") if _from_another_port(d, asked) else None,
    ),
)  # fmt: skip
