"""The words of conversations of commands and replies: messages to deliver, and dialogues held line by line (RFC 5321).

Owns their shape, and how a dialogue becomes a script.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from harness.model import case as m
from harness.model import mail
from harness.spec.probes import sizes
from harness.spec.recipe import Payload, payload
from harness.spec.words import Codes, Cuts, Requires, Strict, listed, pattern

KEEP_REPLY = 8192


Lines = Annotated[list[str], BeforeValidator(listed), Field(min_length=1)]


class Message(Strict):
    """A message: between ``<`` and ``>`` of MAIL and RCPT, and its content, whose lines end in CRLF."""

    sender: Annotated[str, Field(alias="from")]
    to: Annotated[list[str], BeforeValidator(listed), Field(min_length=1)]
    content: Payload

    @model_validator(mode="after")
    def _ends_in_crlf(self) -> Message:
        if not payload(self.content).octets().endswith(b"\r\n"):
            raise ValueError("a message's content ends in CRLF (of the pattern 'text' every 74 octets)")
        return self


class Delivered(Strict):
    """What must come of it: the status that decides, and who is refused with which code."""

    status: Codes = ["250"]
    refused: dict[str, Annotated[str, BeforeValidator(str), Field(pattern=r"^[1-5][0-9x]{2}$")]] = {}
    requires: Requires = []


class Delivery(Strict):
    """A message, and what must come of it."""

    message: Message
    expect: Delivered = Delivered()


class Turn(Strict):
    """What is said, and what is replied to it. ``say``: lines, CRLF is added to each; ``octets``: just these; ``wait``: so many milliseconds
    after it. ``reply``: the codes that the one reply may have; ``replies``: those of several, in order; ``text``: a regular expression that
    the one reply fits, or with ``end`` all that comes before it. ``end``: the other side ends the connection. ``quiet``: it says nothing.
    """

    say: Lines | None = None
    octets: Payload | None = None
    cuts: Cuts | None = None
    gap: Annotated[int, Field(ge=0, le=60_000)] = 0
    reply: Codes | None = None
    replies: Annotated[list[Codes], Field(min_length=1)] | None = None
    text: str | None = None
    end: bool = False
    quiet: Annotated[int, Field(ge=1, le=60_000)] | None = None
    wait: Annotated[int, Field(ge=1, le=60_000)] | None = None
    requires: Requires = []

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"end": True} if value == "end" else value

    @model_validator(mode="after")
    def _something(self) -> Turn:
        if self.say is not None and self.octets is not None:
            raise ValueError("'say' and 'octets' exclude each other")
        if self.reply is not None and self.replies is not None:
            raise ValueError("'reply' and 'replies' exclude each other")
        if self.text is not None:
            if (self.reply is None) != self.end:
                raise ValueError("'text' is that of a 'reply', or of all that comes before the 'end'")
            pattern(self.text)
        if not self.model_fields_set:
            raise ValueError("a turn has 'say', 'octets', 'reply', 'replies', 'quiet' or 'end'")
        return self


def message(spec: Message) -> mail.Message:
    """As a value."""
    return mail.Message(spec.sender, tuple(spec.to), payload(spec.content))


def delivery(spec: Delivery) -> mail.Delivery:
    """As a value."""
    outcome = spec.expect
    return mail.Delivery(message(spec.message), tuple(outcome.status), tuple(outcome.refused.items()), tuple(outcome.requires))


def script(turns: list[Turn]) -> m.Script:
    """A client's script that holds the dialogue."""
    steps: list[dict[str, Any]] = [{"do": "connect"}]
    checks: list[m.Check] = []
    for turn in turns:
        if turn.say is not None or turn.octets is not None:
            steps.append(_send(turn))
        cited = tuple(turn.requires)
        if turn.wait is not None:
            steps.append({"do": "wait", "ms": turn.wait})
        for codes in turn.replies or ([turn.reply] if turn.reply else []):
            checks.append(m.Check(len(steps), codes=tuple(codes), line=None if turn.end else turn.text, requires=cited))
            steps.append({"do": "receive", "until": "reply", "keep": KEEP_REPLY})
        if turn.quiet is not None:
            checks.append(m.Check(len(steps), quiet=True, requires=cited))
            steps.append({"do": "receive", "quiet": turn.quiet})
        if turn.end:
            checks.append(m.Check(len(steps), line=turn.text, end=True, requires=cited))
            steps.append({"do": "receive", "until": "end", "keep": KEEP_REPLY})
    return m.Script("client", tuple(steps), tuple(checks))


def _send(turn: Turn) -> dict[str, Any]:
    said = payload(turn.octets) if turn.octets else None
    octets = said.octets() if said else b"".join(line.encode() + b"\r\n" for line in turn.say or ())
    sent = said.as_told() if said else {"hex": octets.hex()}
    step: dict[str, Any] = {"do": "send", "payload": sent}
    if turn.cuts:
        step["writes"] = sizes(turn.cuts, len(octets))
    return {**step, "gap": turn.gap} if turn.gap else step
