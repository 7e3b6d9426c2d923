"""A conversation of commands and replies (RFC 5321, RFC 959), as the wire showed it. Facts only."""

from __future__ import annotations

import msgspec

COMMAND, REPLY, CONTENT, DATA = "command", "reply", "content", "data"


class Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that one side said: a command line, a reply of one or more lines, the content of a message, or what a data connection
    carried (then ``text`` is the verb of its command).

    ``text``: a command without its line end, a reply's lines joined by LF, in Latin-1, cut after some; of a content nothing. ``code``: of a
    reply, 0 if its first line does not begin with three digits. ``octets``, ``digest``: of the content with the dots of transparency taken
    out and without the dot that ends it, else of all that is said. ``began``, ``ended``: when the first and the last octet left, in
    microseconds; ``frame``: that of the first. ``problems``: what breaks the grammar, as words of ``wire/smtp.py``.
    """

    by: str
    kind: str
    text: str
    code: int
    octets: int
    digest: str
    began: int
    ended: int
    frame: int
    problems: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        """The command's word, in upper case."""
        return self.text.partition(" ")[0].upper() if self.kind in (COMMAND, DATA) else ""
