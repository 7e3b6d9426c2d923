"""RFC 867, Daytime: date and time as one line of text, in any form."""

from __future__ import annotations

from harness.judge.rules.base import Content, Rule, Wrong, printable

_SYNTAX = "RFC867-syntax-ascii-one-line"
CHECKS = {_SYNTAX: "the characters, and that it is one line"}


def _daytime(content: Content) -> list[Wrong]:
    if not any(48 <= octet <= 57 for octet in content.octets):
        return [Wrong("date and time, which have digits", repr(content.octets[:80]))]
    if printable(content) or len(content.octets.rstrip(b"\r\n").splitlines()) > 1:
        return [Wrong("one line of printable ASCII, SP, CR and LF", repr(content.octets[:80]), _SYNTAX)]
    return []


RULES: dict[str, Rule] = {"rfc867-daytime": _daytime}
