"""Command lines and replies, as SMTP (RFC 5321 4.2.1) and FTP (RFC 959 4.2) share them.

Owns where a line and a reply end. Any octets in, values out: nothing here raises; what breaks the grammar is noted and read on. The cost
is linear.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from harness.model.talk import COMMAND, REPLY, Said

MAX_SAID = 2000
MAX_TEXT = 1000
BARE, NO_CODE, CODES_DIFFER, LONG_COMMAND, BROKEN_OFF = "bare-line-end", "no-code", "codes-differ", "long-command", "broken-off"
COMMAND_LINE = 512
"""Octets with CRLF (RFC 5321 4.5.3.1.4)."""
When = Callable[[int], tuple[int, int]]
"""The time and the frame that the octet at a place left with."""
_lines = re.compile(rb"[^\n]*\n?").finditer


def bare(octets: bytes) -> bool:
    """Whether a CR or an LF stands in them by itself."""
    return not octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")


def said(by: str, kind: str, octets: bytes, text: str, code: int, span: tuple[int, int], when: When, problems: list[str]) -> Said:
    """One thing that was said, with its times."""
    (began, frame), (ended, _) = when(span[0]), when(max(span[0], span[1] - 1))
    digest = hashlib.sha256(octets).hexdigest()
    return Said(by, kind, text[:MAX_TEXT], code, len(octets), digest, began, ended, frame, tuple(dict.fromkeys(problems)))


def command(octets: bytes, start: int, when: When) -> tuple[Said, int]:
    """The command line that begins there, and where the next one does."""
    end = octets.find(b"\n", start) + 1 or len(octets)
    line = octets[start:end]
    problems = [BARE] if bare(line) else []
    problems += [LONG_COMMAND] if len(line) > COMMAND_LINE else []
    problems += [] if line.endswith(b"\n") else [BROKEN_OFF]
    return said("client", COMMAND, line, line.rstrip(b"\r\n").decode("latin-1"), 0, (start, end), when, problems), end


def replies(octets: bytes, when: When, *, each: bool) -> list[Said]:
    """All replies. ``each``: every line of one begins with its code (SMTP); else just the first and the last, and what stands between is
    text (FTP).
    """
    found: list[Said] = []
    start, lines, problems = 0, list[bytes](), list[str]()
    for match in _lines(octets):
        line = match.group()
        if not line or len(found) >= MAX_SAID:
            break
        lines.append(line)
        problems += [BARE] if bare(line) else []
        if each or len(lines) == 1:
            problems += [] if line[:3].isdigit() else [NO_CODE]
            problems += [CODES_DIFFER] if line[:3] != lines[0][:3] else []
        if _last(lines, each=each) or not line.endswith(b"\n"):
            problems += [] if line.endswith(b"\n") else [BROKEN_OFF]
            found.append(_reply(octets[start : match.end()], lines, (start, match.end()), when, problems))
            start, lines, problems = match.end(), [], []
    if lines:
        found.append(_reply(octets[start:], lines, (start, len(octets)), when, [*problems, BROKEN_OFF]))
    return found


def _last(lines: list[bytes], *, each: bool) -> bool:
    """Whether the last of these lines ends the reply."""
    return lines[-1][3:4] != b"-" and (each or len(lines) == 1 or lines[-1][:3] == lines[0][:3])


def _reply(octets: bytes, lines: list[bytes], span: tuple[int, int], when: When, problems: list[str]) -> Said:
    code = int(lines[0][:3]) if lines[0][:3].isdigit() and lines[0][:3].isascii() else 0
    text = b"\n".join(line.rstrip(b"\r\n") for line in lines).decode("latin-1")
    return said("server", REPLY, octets, text, code, span, when, problems)
