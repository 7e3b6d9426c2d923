"""What was said over one SMTP connection (RFC 5321): replies, commands and contents, in the order in which they belong together.

Owns where a line, a reply (4.2.1) and a content (4.1.1.4, 4.5.2) end, and which reply answers what. Refuses to know what a command means,
but for DATA. Any octets in, values out: nothing here raises; what breaks the grammar is noted and read on. The cost is linear.
"""

from __future__ import annotations

import re

from harness.model.talk import CONTENT, Said
from harness.wire.lines import BARE, BROKEN_OFF, MAX_SAID, When, bare, command, replies, said

LONG_LINE, UNSTUFFED = "long-line", "unstuffed"
TEXT_LINE = 1000
"""Octets with CRLF (RFC 5321 4.5.3.1.6)."""
_LONE_DOT = re.compile(rb"\r\n\.(?!\.)")


def dialogue(client: bytes, server: bytes, when_client: When, when_server: When) -> tuple[Said, ...]:
    """All that was said, at most 2000 things: the greeting, then each command with its reply, and the content after a 354."""
    answers = replies(server, when_server, each=True)
    found: list[Said] = [*answers[:1]]
    place, answered = 0, 1
    while place < len(client) and len(found) < MAX_SAID:
        asked, place = command(client, place, when_client)
        found.append(asked)
        reply = answers[answered] if answered < len(answers) else None
        found += [reply] if reply else []
        answered += 1
        if reply is not None and asked.verb == "DATA" and reply.code == 354 and place < len(client):
            content, place = _content(client, place, when_client)
            found.append(content)
            found += answers[answered : answered + 1]
            answered += 1
    return (*found, *answers[answered : answered + MAX_SAID])


def _content(octets: bytes, start: int, when: When) -> tuple[Said, int]:
    """The content: up to the line that is a dot alone."""
    if octets.startswith(b".\r\n", start):
        held, end, problems = b"", start + 3, list[str]()
    elif (mark := octets.find(b"\r\n.\r\n", start)) >= 0:
        held, end, problems = octets[start : mark + 2], mark + 5, []
    else:
        held, end, problems = octets[start:], len(octets), [BROKEN_OFF]
    problems += [BARE] if bare(held) else []
    problems += [LONG_LINE] if max(map(len, held.split(b"\r\n"))) + 2 > TEXT_LINE else []
    ended = b"\r\n" + held
    problems += [UNSTUFFED] if _LONE_DOT.search(ended) else []
    plain = ended.replace(b"\r\n.", b"\r\n")[2:]
    return said("client", CONTENT, plain, "", 0, (start, end), when, problems), end
