"""RFC 9293, TCP: what every connection must look like on the wire, and what a spec may ask to be seen there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from harness.judge.rules.base import Always, Asked, Shown
from harness.model.wire import Address, Flow, Sent, Wire

_DELAYED_ACK = 500_000
"""Microseconds: an acknowledgement waits less (3.8.6.3)."""
_SMALLEST_MSS = 536
_Side = tuple[str, Sent, Sent]
"""Role, what it sent, what the other sent."""

CHECKS = {
    "RFC9293-3.1-checksum": "the checksum of every segment, as it left its host",
    "RFC9293-3.1-header-format": "data offset and options of every segment",
    "RFC9293-3.4-ordered-delivery": "octets that are sent again have the value that they had",
    "RFC9293-3.6-nothing-after-fin": "no octet beyond a FIN",
    "RFC9293-3.7.1-mss-option": "an MSS option in each SYN",
    "RFC9293-3.8.1-retransmit": "a SYN without an answer is sent again, each time after a longer wait",
    "RFC9293-3.8.4-keepalive-default-off": "no keep-alive within a conversation",
    "RFC9293-3.8.6-window-not-shrunk": "the right edge of the offered window never moves left",
    "RFC9293-3.8.6.2-silly-window": "a window that was closed opens by at least a segment",
    "RFC9293-3.8.6.3-delayed-ack-bound": "no data waits half a second for its acknowledgement",
}


def _sides(wire: Wire) -> Iterable[_Side]:
    for flow in wire.flows:
        yield "client", flow.client, flow.server
        yield "server", flow.server, flow.client


def _frame(requirement: str, says: str, expected: str, observed: str, frame: Callable[[Sent], int]) -> Always:
    """A rule that is broken by a frame that must not be there."""

    def rule(wire: Wire, _: Address) -> Iterable[Shown]:
        for role, sent, _other in _sides(wire):
            number = frame(sent)
            if number:
                yield Shown(role, says.format(role), expected, observed, requirement, (number,))

    return rule


def _header(wire: Wire, _: Address) -> Iterable[Shown]:
    for role, sent, _other in _sides(wire):
        if sent.malformed_frame:
            says = f"a segment of the {role}'s is malformed"
            yield Shown(role, says, "a whole TCP header", sent.malformed, "RFC9293-3.1-header-format", (sent.malformed_frame,))


def _mss(wire: Wire, _: Address) -> Iterable[Shown]:
    for role, sent, _other in _sides(wire):
        if sent.syn_times and sent.mss is None:
            yield Shown(role, f"the {role}'s SYN has no MSS option", "an MSS option", "none", "RFC9293-3.7.1-mss-option")


def _backoff(wire: Wire, _: Address) -> Iterable[Shown]:
    for role, sent, _other in _sides(wire):
        waits = [b - a for a, b in pairwise(sent.syn_times)]
        for first, second in pairwise(waits):
            if second < 1.5 * first:
                observed = ", ".join(f"{wait / 1e6:.2f} s" for wait in waits)
                yield Shown(role, f"the {role}'s SYN is sent again without backing off", "each wait longer", observed, "RFC9293-3.8.1-retransmit")
                break


def _delayed_ack(wire: Wire, _: Address) -> Iterable[Shown]:
    for role, sent, _other in _sides(wire):
        if sent.slowest_ack >= _DELAYED_ACK and not sent.zero_window_frame:
            observed = f"{sent.slowest_ack / 1e6:.2f} s"
            says = f"the {role} let data wait for its acknowledgement"
            yield Shown(role, says, "less than 0.5 s", observed, "RFC9293-3.8.6.3-delayed-ack-bound", (sent.slowest_ack_frame,))


def _silly(wire: Wire, _: Address) -> Iterable[Shown]:
    for role, sent, other in _sides(wire):
        least = min(other.mss or _SMALLEST_MSS, sent.mss or _SMALLEST_MSS)
        if sent.zero_window_frame and 0 <= sent.reopened_with < least:
            says = f"the {role} opened its window by less than a segment"
            yield Shown(role, says, f"at least {least} octets", f"{sent.reopened_with}", "RFC9293-3.8.6.2-silly-window")


ALWAYS: tuple[Always, ...] = (
    _frame("RFC9293-3.1-checksum", "a segment of the {}'s has a wrong checksum", "the right checksum", "another", lambda s: s.bad_checksum_frame),
    _header,
    _frame("RFC9293-3.4-ordered-delivery", "the {} sent octets again with another value", "the same", "others", lambda s: s.conflict_frame),
    _frame("RFC9293-3.6-nothing-after-fin", "the {} sent octets after its FIN", "none", "some", lambda s: s.after_fin_frame),
    _mss,
    _backoff,
    _frame("RFC9293-3.8.4-keepalive-default-off", "the {} sent a keep-alive", "none", "one", lambda s: s.keepalive_frame),
    _frame(
        "RFC9293-3.8.6-window-not-shrunk", "the {} took back window that it had offered", "the edge stays or moves right", "it moved left",
        lambda s: s.edge_moved_left_frame,
    ),
    _silly,
    _delayed_ack,
)  # fmt: skip


# -- what a spec may ask for ----------------------------------------------------------------------------------


def _of(wire: Wire, role: str) -> tuple[Flow, Sent, Sent] | None:
    if not wire.flows:
        return None
    flow = wire.flows[0]
    return (flow, flow.client, flow.server) if role == "client" else (flow, flow.server, flow.client)


def _asked(expected: str, well: Callable[[Flow, Sent, Sent, int], bool], observed: Callable[[Sent], str]) -> Asked:
    def rule(wire: Wire, role: str, count: int) -> tuple[str, str] | None:
        found = _of(wire, role)
        if found is None:
            return expected.format(count), "no segment at all"
        return None if well(*found, count) else (expected.format(count), observed(found[1]))

    return rule


def _ending(sent: Sent) -> str:
    words = [w for w in (f"FIN in frame {sent.fin_frame}" if sent.fin_frame else "", f"RST in frame {sent.rst_frame}" if sent.rst_frame else "") if w]
    return " and ".join(words) or "neither FIN nor RST"


def _over(sent: Sent, came: Sent) -> bool:
    """Whether both FINs were acknowledged before the RST: a stray acknowledgement to a connection that is no more is answered so (3.10.7.1)."""
    return sent.fin_acked and came.fin_acked and 0 < max(sent.fin_frame, came.fin_frame) < sent.rst_frame and sent.whole and came.whole


def _ended_well(sent: Sent) -> bool:
    """Whether it ended in order. Where the other side's RST came first, nobody can."""
    return bool(sent.fin_frame) and sent.fin_acked and not sent.rst_frame


WIRE_RULES: dict[str, Asked] = {
    "rfc9293-syn-sent": _asked("at least {} SYN", lambda f, s, o, n: len(s.syn_times) >= n, lambda s: f"{len(s.syn_times)}"),
    "rfc9293-syn-refused": _asked("RST in answer to the SYN", lambda f, s, o, n: bool(s.rst_frame) and not s.syn_times, _ending),
    "rfc9293-reset": _asked("RST, and no FIN", lambda f, s, o, n: bool(s.rst_frame) and not s.fin_frame, _ending),
    "rfc9293-fin": _asked("FIN, and no RST", lambda f, s, o, n: _ended_well(s) or bool(o.rst_frame and not s.rst_frame) or _over(s, o), _ending),
    "rfc9293-segments": _asked("at least {} segments with data", lambda f, s, o, n: s.segments >= n, lambda s: f"{s.segments}"),
    "rfc9293-window-probed": _asked(
        "at least {} probes of the closed window", lambda f, s, o, n: bool(o.zero_window_frame) and s.probed >= n, lambda s: f"{s.probed}"
    ),
}
"""Rules by the name that specs use under ``wire``."""
