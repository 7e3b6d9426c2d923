"""RFC 865, Quote of the Day: one short text."""

from __future__ import annotations

from harness.judge.rules.base import Content, Rule, Wrong, printable

_SYNTAX = "RFC865-syntax-max-512-printable"
CHECKS = {_SYNTAX: "the length of the quote and its characters"}


def _quote(content: Content) -> list[Wrong]:
    wrong = []
    if content.total == 0:
        wrong.append(Wrong("a short text", "no octets"))
    if content.total > 512:
        wrong.append(Wrong("at most 512 characters", f"{content.total}", _SYNTAX))
    at = printable(content)
    if at:
        wrong.append(Wrong("printable ASCII, SP, CR and LF", f"octet {content.octets[at[0]]} at {at[0]}", _SYNTAX))
    return wrong


RULES: dict[str, Rule] = {"rfc865-quote": _quote}
