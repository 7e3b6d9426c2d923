"""What was said over one SMTP connection (RFC 5321): replies, commands and contents, in the order in which they belong together.

Owns where a line, a reply (4.2.1) and a content (4.1.1.4, 4.5.2) end, and which reply answers what. Refuses to know what a command means,
but for DATA. Any octets in, values out: nothing here raises; what breaks the grammar is noted and read on. The cost is linear.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from harness.model.talk import COMMAND, CONTENT, REPLY, Said

MAX_SAID = 2000
MAX_TEXT = 1000
BARE, NO_CODE, CODES_DIFFER, LONG_COMMAND, LONG_LINE, UNSTUFFED, BROKEN_OFF = (
    "bare-line-end", "no-code", "codes-differ", "long-command", "long-line", "unstuffed", "broken-off"
)  # fmt: skip
COMMAND_LINE, TEXT_LINE = 512, 1000
"""Octets with CRLF (RFC 5321 4.5.3.1.4, 4.5.3.1.6)."""
When = Callable[[int], tuple[int, int]]
"""The time and the frame that the octet at a place left with."""
_bare = re.compile(rb"\r(?!\n)|(?<!\r)\n").search
_lines = re.compile(rb"[^\n]*\n?").finditer


def dialogue(client: bytes, server: bytes, when_client: When, when_server: When) -> tuple[Said, ...]:
    """All that was said, at most 2000 things: the greeting, then each command with its reply, and the content after a 354."""
    replies = _replies(server, when_server)
    said: list[Said] = [*replies[:1]]
    place, answered = 0, 1
    while place < len(client) and len(said) < MAX_SAID:
        command, place = _command(client, place, when_client)
        said.append(command)
        reply = replies[answered] if answered < len(replies) else None
        said += [reply] if reply else []
        answered += 1
        if reply is not None and command.verb == "DATA" and reply.code == 354 and place < len(client):
            content, place = _content(client, place, when_client)
            said.append(content)
            said += replies[answered : answered + 1]
            answered += 1
    return (*said, *replies[answered : answered + MAX_SAID])


def _said(by: str, kind: str, octets: bytes, text: str, code: int, span: tuple[int, int], when: When, problems: list[str]) -> Said:
    (began, frame), (ended, _) = when(span[0]), when(max(span[0], span[1] - 1))
    digest = hashlib.sha256(octets).hexdigest()
    return Said(by, kind, text[:MAX_TEXT], code, len(octets), digest, began, ended, frame, tuple(dict.fromkeys(problems)))


def _command(octets: bytes, start: int, when: When) -> tuple[Said, int]:
    end = octets.find(b"\n", start) + 1 or len(octets)
    line = octets[start:end]
    problems = [BARE] if _bare(line) else []
    problems += [LONG_COMMAND] if len(line) > COMMAND_LINE else []
    problems += [] if line.endswith(b"\n") else [BROKEN_OFF]
    return _said("client", COMMAND, line, line.rstrip(b"\r\n").decode("latin-1"), 0, (start, end), when, problems), end


def _replies(octets: bytes, when: When) -> list[Said]:
    found: list[Said] = []
    start, lines, problems = 0, list[bytes](), list[str]()
    for match in _lines(octets):
        line = match.group()
        if not line or len(found) >= MAX_SAID:
            break
        lines.append(line)
        problems += [BARE] if _bare(line) else []
        problems += [] if line[:3].isdigit() else [NO_CODE]
        problems += [CODES_DIFFER] if line[:3] != lines[0][:3] else []
        if line[3:4] != b"-" or not line.endswith(b"\n"):
            problems += [] if line.endswith(b"\n") else [BROKEN_OFF]
            found.append(_reply(octets[start : match.end()], lines, (start, match.end()), when, problems))
            start, lines, problems = match.end(), [], []
    if lines:
        found.append(_reply(octets[start:], lines, (start, len(octets)), when, [*problems, BROKEN_OFF]))
    return found


def _reply(octets: bytes, lines: list[bytes], span: tuple[int, int], when: When, problems: list[str]) -> Said:
    code = int(lines[0][:3]) if lines[0][:3].isdigit() and lines[0][:3].isascii() else 0
    text = b"\n".join(line.rstrip(b"\r\n") for line in lines).decode("latin-1")
    return _said("server", REPLY, octets, text, code, span, when, problems)


def _content(octets: bytes, start: int, when: When) -> tuple[Said, int]:
    """The content: up to the line that is a dot alone."""
    if octets.startswith(b".\r\n", start):
        held, end, problems = b"", start + 3, list[str]()
    elif (mark := octets.find(b"\r\n.\r\n", start)) >= 0:
        held, end, problems = octets[start : mark + 2], mark + 5, []
    else:
        held, end, problems = octets[start:], len(octets), [BROKEN_OFF]
    problems += [BARE] if _bare(held) else []
    lines = held.split(b"\r\n")
    problems += [LONG_LINE] if any(len(line) + 2 > TEXT_LINE for line in lines) else []
    problems += [UNSTUFFED] if any(line.startswith(b".") and not line.startswith(b"..") for line in lines) else []
    plain = b"\r\n".join(line.removeprefix(b".") for line in lines)
    return _said("client", CONTENT, plain, "", 0, (start, end), when, problems), end
