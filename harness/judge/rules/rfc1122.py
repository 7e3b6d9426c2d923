"""RFC 1122 section 4.1, UDP in a host: checksums are on, an answer leaves from where the question went, a closed port says so."""

from __future__ import annotations

from collections.abc import Iterable

from harness.judge.rules.base import Always, Asked, Shown
from harness.model.wire import Address, Wire

CHECKS = {
    "RFC1122-4.1.3.4-generate-checksum": "every datagram carries a checksum",
    "RFC1122-4.1.3.5-reply-address": "every answer leaves from the address that was asked",
}


def _generated(wire: Wire, _: Address) -> Iterable[Shown]:
    for d in wire.datagrams:
        if d.left and d.checksum == "none":
            says = f"a datagram of the {d.by}'s carries no checksum"
            yield Shown(d.by, says, "a checksum", "zero", "RFC1122-4.1.3.4-generate-checksum", (d.number,))
            return


def _reply_address(wire: Wire, asked: Address) -> Iterable[Shown]:
    for d in wire.datagrams:
        if d.left and d.by == "server" and d.source[0] != asked[0]:
            says = "the server's answer leaves from another address"
            yield Shown("server", says, asked[0], d.source[0], "RFC1122-4.1.3.5-reply-address", (d.number,))
            return


ALWAYS: tuple[Always, ...] = (_generated, _reply_address)


def _port_unreachable(wire: Wire, role: str, count: int) -> tuple[str, str] | None:
    found = [e for e in wire.errors if e.by == role and e.what == "port"]
    return None if len(found) >= count else ("ICMP port unreachable", ", ".join(e.what for e in wire.errors) or "nothing")


def _silent(wire: Wire, role: str, count: int) -> tuple[str, str] | None:
    found = [d for d in wire.datagrams if d.by == role and d.left]
    return ("no datagram", f"{len(found)}") if found else None


def _datagrams(wire: Wire, role: str, count: int) -> tuple[str, str] | None:
    found = [d for d in wire.datagrams if d.by == role and d.left]
    return None if len(found) == count else (f"{count} datagrams", f"{len(found)}")


WIRE_RULES: dict[str, Asked] = {"rfc1122-port-unreachable": _port_unreachable, "udp-silent": _silent, "udp-datagrams": _datagrams}
"""Rules by the name that specs use under ``wire``."""
