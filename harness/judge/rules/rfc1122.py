"""RFC 1122 section 4.1, UDP in a host: checksums are on, an answer leaves from where the question went, a closed port says so."""

from __future__ import annotations

from harness.judge.rules.base import Always, Asked, is_group, sent_datagram
from harness.model.wire import Wire

CHECKS = {
    "RFC1122-4.1.3.4-generate-checksum": "every datagram carries a checksum",
    "RFC1122-4.1.3.5-reply-address": "every answer leaves from the address that was asked",
}


ALWAYS: tuple[Always, ...] = (
    sent_datagram(
        "RFC1122-4.1.3.4-generate-checksum", "a datagram of the {}'s carries no checksum",
        lambda d, _: ("a checksum", "zero") if d.checksum == "none" else None,
    ),
    sent_datagram(
        "RFC1122-4.1.3.5-reply-address", "the {}'s answer leaves from another address",
        lambda d, asked: (asked[0], d.source[0]) if d.by == "server" and d.source[0] != asked[0] and not is_group(asked[0]) else None,
    ),
)  # fmt: skip


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
