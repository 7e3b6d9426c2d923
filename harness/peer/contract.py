"""The control protocol as values and a sans-IO codec: octets in, events out, and commands to octets.

Owns the shape of lines and the bounds on them. Knows no pipe, no process and no conversation; ``peers/README.md``
is its text, ``peers/contract.schema.json`` its schema.
"""

from __future__ import annotations

from typing import Any

import msgspec

from harness import CONTRACT
from harness.errors import ContractError
from harness.model.trace import Step

MAX_LINE = 1024 * 1024
"""Octets in one line, newline included, in either direction."""


class Event(msgspec.Struct, frozen=True):
    """One event line, of any kind; what a kind does not have stays None."""

    event: str
    id: str = ""
    conn: int | None = None
    steps: tuple[Step, ...] = ()
    done: bool = False
    fault: str = ""
    says: str = ""
    contract: int | None = None
    peer: str = ""
    language: str = ""
    system: str = ""
    stack: str = ""
    families: tuple[str, ...] = ()
    can: tuple[str, ...] = ()
    lacks: dict[str, str] = {}
    libraries: dict[str, str] = {}
    t: int = 0


_decode_event = msgspec.json.Decoder(Event).decode
encode = msgspec.json.encode


def command(do: str, **members: Any) -> bytes:
    """One command line, newline included."""
    return encode({"do": do, **members}) + b"\n"


HELLO = command("hello", contract=CONTRACT)


class LineDecoder:
    """Turns the octets of a peer's standard output into events, however they were cut.

    Raises ``ContractError`` when a line is too long, is no JSON, or has members of the wrong type. The events
    that came before it in the same piece are not lost: they wait in ``take``.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._ready: list[Event] = []

    def feed(self, data: bytes) -> None:
        """Takes any number of octets; see the class for what it raises."""
        *lines, rest = (self._rest + data).split(b"\n") if self._rest else data.split(b"\n")
        self._rest = rest
        for line in lines:
            self._ready.append(_event(line))
        if len(rest) >= MAX_LINE:
            self._rest = b""
            raise ContractError(f"it sent {len(rest):,} octets without a newline; a line is at most {MAX_LINE:,}")

    def take(self) -> list[Event]:
        """The events decoded so far, once."""
        ready, self._ready = self._ready, []
        return ready


def _event(line: bytes) -> Event:
    if len(line) >= MAX_LINE:
        raise ContractError(f"it sent a line of {len(line):,} octets; a line is at most {MAX_LINE:,}")
    try:
        return _decode_event(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ContractError(f"it sent a line that is no event ({error}): {excerpt(line)}") from None


def excerpt(line: bytes, limit: int = 120) -> str:
    """The beginning of a line, printable on one line of a terminal, whatever octets it holds."""
    text = line[:limit].decode("utf-8", "backslashreplace")
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return shown + (" ..." if len(line) > limit else "")


def check_hello(event: Event) -> None:
    """Raises ``ContractError`` unless this is a ``hello`` of the version that the harness speaks."""
    if event.event != "hello":
        raise ContractError(f"its first event is {event.event!r}, not 'hello': nothing may be said before the handshake")
    if event.contract != CONTRACT:
        raise ContractError(f"it speaks contract {event.contract}, this harness speaks {CONTRACT}")
    if not event.families:
        raise ContractError("its hello declares no address family in 'families'")
