"""RFC 864, Character Generator: data without end over TCP, 0 to 512 octets a datagram over UDP."""

from __future__ import annotations

from harness.judge.rules.base import Content, Rule, Wrong, printable

_PATTERN = "RFC864-pattern-72-column-rotation"
_PIECE = 8
_COLUMNS, _FIRST, _RING = 72, 32, 95
CHECKS = {
    _PATTERN: "characters that are all printable, and the rotation of the lines",
    "RFC864-udp-length-0-512": "the length of a datagram's data",
}


def _only_printable(content: Content) -> list[Wrong]:
    wrong = printable(content)
    if not wrong:
        return []
    return [Wrong("printable ASCII, SP, CR and LF", f"octet {content.octets[wrong[0]]} at {wrong[0]}", _PATTERN)]


def _rotation(content: Content) -> list[Wrong]:
    lines = content.octets.split(b"\r\n")
    whole = lines[:-1] if content.total == len(content.octets) else lines[:-2]
    for number, line in enumerate(whole):
        start = whole[0][0] - _FIRST if whole[0] else 0
        expected = bytes(_FIRST + (start + number + c) % _RING for c in range(_COLUMNS))
        if line != expected:
            return [Wrong(f"line {number}: {expected!r}", repr(line), _PATTERN)]
    return [] if whole else [Wrong("lines that end in CR LF", repr(content.octets[:80]), _PATTERN)]


def _datagram(content: Content) -> list[Wrong]:
    if content.total > 512:
        return [Wrong("0 to 512 octets", f"{content.total} octets", "RFC864-udp-length-0-512")]
    return []


def _unasked(content: Content) -> list[Wrong]:
    """Nothing of the question, in pieces that chance does not bring about, stands in the answer."""
    pieces = (content.question[i : i + _PIECE] for i in range(0, len(content.question) - _PIECE + 1, _PIECE))
    if any(piece in content.octets for piece in pieces):
        return [Wrong("an answer that has nothing to do with the question", "a part of the question")]
    return []


RULES: dict[str, Rule] = {"rfc864-printable": _only_printable, "rfc864-rotation": _rotation, "rfc864-datagram": _datagram, "rfc864-unasked": _unasked}
