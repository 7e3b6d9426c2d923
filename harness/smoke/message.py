"""HTTP/1.1 messages as they stand on the wire: just enough to see whether the peer's own stack says what it was told to.

Owns reading messages from a connection, and a server that answers with prepared octets. Judges nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.smoke.wire import Listener, Wire

KEEP, CLOSE, HANG = "keep", "close", "hang"
"""After an answer: the connection stays open, is closed, or stays open and silent whatever comes."""


@dataclass(frozen=True)
class Message:
    """A request or response. ``whole`` is false when the connection ended inside it; ``connection`` numbers those of a server."""

    start: str
    fields: list[tuple[str, str]]
    content: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    whole: bool = True
    connection: int = 0

    def values(self, name: str) -> list[str]:
        """The values of a field, in order."""
        return [v for n, v in self.fields if n.lower() == name.lower()]

    def first(self, name: str) -> str:
        """The first value of a field, lower-case, or nothing."""
        return next(iter(self.values(name)), "").lower()

    @property
    def status(self) -> int:
        """Of a response; 0 if the line has none."""
        part = self.start.split(" ")[1:2]
        return int(part[0]) if part and part[0].isdigit() else 0


async def read(wire: Wire, *, bodiless: bool = False, connection: int = 0) -> Message | None:
    """The next message, or None if the connection ends before one. ``bodiless``: an answer to HEAD."""
    head = await wire.through(b"\r\n\r\n")
    if not head:
        return None
    start, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    message = Message(start, _fields(lines), whole=head.endswith(b"\r\n\r\n"), connection=connection)
    response = start.startswith("HTTP/")
    if not message.whole or bodiless or (response and message.status in (204, 304)):
        return message
    if "chunked" in message.first("transfer-encoding"):
        content, trailers, whole = await _chunks(wire)
        return Message(start, message.fields, content, trailers, whole, connection)
    length = message.first("content-length")
    if length.isdigit():
        content = await wire.exactly(int(length))
        return Message(start, message.fields, content, [], len(content) == int(length), connection)
    return Message(start, message.fields, (await wire.rest())[0] if response else b"", connection=connection)


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    return [(line.partition(":")[0], line.partition(":")[2].strip()) for line in lines if line]


async def _chunks(wire: Wire) -> tuple[bytes, list[tuple[str, str]], bool]:
    content = bytearray()
    while True:
        line = await wire.through(b"\r\n")
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            return bytes(content), [], False
        if size == 0:
            break
        piece = await wire.exactly(size + 2)
        content += piece[:size]
        if len(piece) < size + 2:
            return bytes(content), [], False
    lines = []
    while (line := await wire.through(b"\r\n")) not in (b"\r\n", b""):
        lines.append(line.decode("latin-1"))
    return bytes(content), _fields(lines), line == b"\r\n"


class Canned:
    """Answers requests in the order in which they come with prepared octets, on as many connections as the client makes."""

    def __init__(self, listener: Listener, answers: Sequence[tuple[bytes, str]]) -> None:
        self.port = listener.port
        self.requests: list[Message] = []
        self._listener = listener
        self._answers = list(answers)
        self._tasks = {asyncio.ensure_future(self._accept())}

    async def _accept(self) -> None:
        number = 0
        while True:
            wire = await self._listener.accept()
            number += 1
            self._tasks.add(asyncio.ensure_future(self._talk(wire, number)))

    async def _talk(self, wire: Wire, number: int) -> None:
        try:
            while (message := await read(wire, connection=number)) is not None:
                self.requests.append(message)
                answer, then = self._answers.pop(0) if self._answers else (b"", CLOSE)
                await wire.send(answer)
                if then == HANG:
                    await wire.rest()
                if then != KEEP:
                    break
        except OSError:
            pass  # the client's own matter
        wire.close()

    def close(self) -> None:
        """Ends it."""
        for task in self._tasks:
            task.cancel()
        self._listener.close()
