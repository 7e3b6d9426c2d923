"""RFC 9112, HTTP/1.1 messages, as far as a script at the socket interface sees them."""

from __future__ import annotations

import re

from harness.judge.rules.base import Content, Rule, Wrong

_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3}) [\t\x20-\x7e\x80-\xff]*\r\n")
CHECKS = {"RFC9112-4-status-line-sp": "the form of the status line"}


def _status(code: int) -> Rule:
    def rule(content: Content) -> list[Wrong]:
        line = _STATUS_LINE.match(content.octets)
        if not line:
            return [Wrong("a status line, HTTP/1.1 SP code SP reason CR LF", repr(content.octets[:60]), "RFC9112-4-status-line-sp")]
        wrong = [] if int(line[1]) == code else [Wrong(f"status {code}", f"status {int(line[1])}")]
        if b"\r\n\r\n" not in content.octets:
            wrong.append(Wrong("an empty line that ends the header section", repr(content.octets[-60:])))
        return wrong

    return rule


RULES: dict[str, Rule] = {f"rfc9112-response-{code}": _status(code) for code in (200, 204, 400, 404, 405, 414, 431, 501, 505)}
