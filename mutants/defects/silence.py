"""TCP discard services that answer, or do not discard."""

from __future__ import annotations

import socket

import services

from .base import defect, for_ever


@defect("discard-answers")
class Answers(services.Connection):
    """Says thank you for what it throws away."""

    async def discard(self) -> bool:
        while await self.read():
            await self.loop.sock_sendall(self.sock, b"250 OK\r\n")
            self.gave.add(b"250 OK\r\n")
        return True


@defect("discard-says-goodbye")
class SaysGoodbye(services.Connection):
    """Sends an octet once the client has ended."""

    async def discard(self) -> bool:
        await super().discard()
        await self.loop.sock_sendall(self.sock, b"\0")
        self.gave.add(b"\0")
        return True


@defect("discard-closes-early")
class ClosesEarly(services.Connection):
    """Ends after the first octets, while the client goes on."""

    async def discard(self) -> bool:
        await self.read()
        self.sock.shutdown(socket.SHUT_WR)
        return await super().discard()


@defect("discard-stops-reading")
class StopsReading(services.Connection):
    """Reads once and then no more, so that the window closes."""

    async def discard(self) -> bool:
        if await self.read():
            await for_ever()
        return True
