"""TCP chargen services that generate the wrong thing, or at the wrong time."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import payload
import services

from .base import defect, for_ever

MOMENT, LINES = 0.6, 1000


class Chargen(services.Connection):
    """Chargen that sends ``cycle`` over and over."""

    cycle = payload.text(1, 95 * 74)

    async def _generate(self) -> None:
        while True:
            await self.give(self.cycle)

    async def give(self, octets: bytes) -> None:
        view = memoryview(octets)
        while view:
            try:
                count = self.sock.send(view)
            except (BlockingIOError, InterruptedError):
                await self._writable()
                continue
            self.gave.add(view[:count])
            view = view[count:]
        await asyncio.sleep(0)

    async def input_within(self, seconds: float) -> bytes:
        """What the client says first, if it says something in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.read()
        return b""


@defect("chargen-waits-for-input")
class WaitsForInput(Chargen):
    """Sends nothing before the client has sent something."""

    async def chargen(self) -> bool:
        await self.read()
        return await super().chargen()


@defect("chargen-falls-silent-at-input")
class FallsSilent(Chargen):
    """Takes input for an order to be silent."""

    async def chargen(self) -> bool:
        if await self.input_within(MOMENT):
            return await self.discard()
        return await super().chargen()


@defect("chargen-echoes-input")
class EchoesInput(Chargen):
    """Sends the client's octets back among its own."""

    async def chargen(self) -> bool:
        said = await self.input_within(MOMENT)
        if said:
            await self.give(said)
        return await super().chargen()


@defect("chargen-stops-after-some-lines")
class StopsAfterSomeLines(Chargen):
    """Sends a thousand lines and closes, while the client goes on."""

    async def _generate(self) -> None:
        await self.give(payload.text(1, 74 * LINES))
        self.sock.shutdown(socket.SHUT_WR)
        await for_ever()


@defect("chargen-does-not-rotate")
class DoesNotRotate(Chargen):
    """Sends the same line again and again."""

    cycle = payload.text(1, 74) * 95


@defect("chargen-sends-unprintable-octets")
class SendsUnprintable(Chargen):
    """Ends its lines with NUL."""

    cycle = Chargen.cycle.replace(b"\r\n", b"\0\n")
