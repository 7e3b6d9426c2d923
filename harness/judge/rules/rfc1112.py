"""RFC 1112, multicast: what a spec may ask to be seen of datagrams to a group."""

from __future__ import annotations

from harness.judge.rules.base import Asked, is_group
from harness.model.wire import Wire


def _hops(wire: Wire, role: str, count: int) -> tuple[str, str] | None:
    """Datagrams to the group leave with this many hops to go (6.1)."""
    seen = [d.hops for d in wire.datagrams if d.by == role and d.left and is_group(d.destination[0])]
    wrong = [hops for hops in seen if hops != count]
    return None if seen and not wrong else (f"{count}", ", ".join(map(str, wrong)) or "no datagram to the group")


WIRE_RULES: dict[str, Asked] = {"rfc1112-hops": _hops}
