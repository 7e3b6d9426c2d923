"""RFC 768, UDP: length, checksum and source port of every datagram, as it left its host."""

from __future__ import annotations

from harness.judge.rules.base import Always, sent_datagram

_HEADER = 8
CHECKS = {
    "RFC768-fields-length-counts-header": "Length against the octets of every datagram",
    "RFC768-fields-checksum-pseudo-header": "the checksum of every datagram that has one",
    "RFC768-fields-source-port-for-reply": "every datagram that is to be answered names a source port",
}


ALWAYS: tuple[Always, ...] = (
    sent_datagram(
        "RFC768-fields-length-counts-header", "the Length field of a datagram of the {}'s does not count header and data",
        lambda d, _: (f"{d.octets + _HEADER}", f"{d.length}") if d.length != d.octets + _HEADER else None,
    ),
    sent_datagram(
        "RFC768-fields-checksum-pseudo-header", "a datagram of the {}'s has a wrong checksum",
        lambda d, _: ("the right checksum", "another") if d.checksum == "bad" else None,
    ),
    sent_datagram(
        "RFC768-fields-source-port-for-reply", "a datagram of the {}'s names no port for the answer",
        lambda d, _: ("a source port", "0") if d.source[1] == 0 else None,
    ),
)  # fmt: skip
