"""RFC 768, UDP: length, checksum and source port of every datagram, as it left its host."""

from __future__ import annotations

from collections.abc import Iterable

from harness.judge.rules.base import Always, Shown
from harness.model.wire import Address, Wire

_HEADER = 8
CHECKS = {
    "RFC768-fields-length-counts-header": "Length against the octets of every datagram",
    "RFC768-fields-checksum-pseudo-header": "the checksum of every datagram that has one",
    "RFC768-fields-source-port-for-reply": "every datagram that is to be answered names a source port",
}


def _length(wire: Wire, _: Address) -> Iterable[Shown]:
    for d in wire.datagrams:
        if d.left and d.length != d.octets + _HEADER:
            says = f"the Length field of a datagram of the {d.by}'s does not count header and data"
            yield Shown(d.by, says, f"{d.octets + _HEADER}", f"{d.length}", "RFC768-fields-length-counts-header", (d.number,))
            return


def _checksum(wire: Wire, _: Address) -> Iterable[Shown]:
    for d in wire.datagrams:
        if d.left and d.checksum == "bad":
            says = f"a datagram of the {d.by}'s has a wrong checksum"
            yield Shown(d.by, says, "the right checksum", "another", "RFC768-fields-checksum-pseudo-header", (d.number,))
            return


def _source_port(wire: Wire, _: Address) -> Iterable[Shown]:
    for d in wire.datagrams:
        if d.left and d.source[1] == 0:
            says = f"a datagram of the {d.by}'s names no port for the answer"
            yield Shown(d.by, says, "a source port", "0", "RFC768-fields-source-port-for-reply", (d.number,))
            return


ALWAYS: tuple[Always, ...] = (_length, _checksum, _source_port)
