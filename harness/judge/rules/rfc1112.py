"""RFC 1112, multicast: what datagrams to a group must show on the wire."""

from __future__ import annotations

from collections.abc import Iterable

from harness.judge.rules.base import Always, Asked, Shown, is_group
from harness.model.wire import Address, Wire

_SILENT = "RFC1112-7.2-no-icmp-error"
CHECKS = {_SILENT: "ICMP errors about datagrams to a group: there are none"}


def _errors(wire: Wire, _: Address) -> Iterable[Shown]:
    for error in wire.errors:
        if is_group(error.destination[0]):
            says = f"the {error.by} answers a datagram to a group with an ICMP error"
            yield Shown(error.by, says, "none", f"{error.what} unreachable", _SILENT, (error.number,))


def _hops(wire: Wire, role: str, count: int) -> tuple[str, str] | None:
    """Datagrams to the group leave with this many hops to go (6.1)."""
    seen = [d.hops for d in wire.datagrams if d.by == role and d.left and is_group(d.destination[0])]
    wrong = [hops for hops in seen if hops != count]
    return None if seen and not wrong else (f"{count}", ", ".join(map(str, wrong)) or "no datagram to the group")


WIRE_RULES: dict[str, Asked] = {"rfc1112-hops": _hops}
ALWAYS: tuple[Always, ...] = (_errors,)
