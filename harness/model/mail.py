"""What a client is to deliver by SMTP, and what must come of it. Frozen values."""

from __future__ import annotations

import msgspec

from harness.model.payload import Payload


class Message(msgspec.Struct, frozen=True):
    """A message as the contract's ``ask`` takes it (``peers/smtp.md``)."""

    sender: str
    recipients: tuple[str, ...]
    content: Payload


class Delivery(msgspec.Struct, frozen=True):
    """A message; the status that decides on it (patterns such as ``250`` or ``5xx``), and the recipients that must be refused, with theirs."""

    message: Message
    status: tuple[str, ...]
    refused: tuple[tuple[str, str], ...] = ()
    requires: tuple[str, ...] = ()

    @property
    def taken(self) -> tuple[str, ...]:
        """The recipients that must not be refused."""
        return tuple(r for r in self.message.recipients if r not in dict(self.refused))

    @property
    def arrives(self) -> bool:
        """Whether the server must take it."""
        return "250" in self.status


def fits(code: int, patterns: tuple[str, ...]) -> bool:
    """Whether a reply's code is one of these: digits, or ``x`` for any digit."""
    text = f"{code:03}"
    return any(len(p) == len(text) and all(a in ("x", b) for a, b in zip(p, text, strict=True)) for p in patterns)
