"""TCP echo services that do not give back what they got."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket

import services
import sockets

from .base import defect, for_ever

FROM, PAST_64K, MOMENT, SMALL = 1000, 65600, 0.1, 16384


class Changing(services.Connection):
    """Echoes what ``change`` makes of the octets that begin at ``start``."""

    def change(self, data: bytes, start: int) -> bytes:
        raise NotImplementedError

    async def echo(self) -> bool:
        start = 0
        while data := await self.read():
            await self.give(self.change(data, start))
            start += len(data)
        return True

    async def give(self, answer: bytes) -> None:
        if answer:
            await self.loop.sock_sendall(self.sock, answer)
        self.gave.add(answer)


@defect("echo-drops-an-octet")
class Drops(Changing):
    """Leaves octet 1000 out."""

    def change(self, data: bytes, start: int) -> bytes:
        at = FROM - start
        return data[:at] + data[at + 1 :] if 0 <= at < len(data) else data


@defect("echo-doubles-an-octet")
class Doubles(Changing):
    """Sends octet 1000 twice."""

    def change(self, data: bytes, start: int) -> bytes:
        at = FROM - start
        return data[: at + 1] + data[at:] if 0 <= at < len(data) else data


@defect("echo-swaps-two-octets")
class Swaps(Changing):
    """Sends octet 1001 before octet 1000."""

    def change(self, data: bytes, start: int) -> bytes:
        at = FROM - start
        return data[:at] + data[at : at + 2][::-1] + data[at + 2 :] if 0 <= at < len(data) else data


@defect("echo-flips-an-octet-past-64k")
class FlipsPast64K(Changing):
    """Flips a bit of one octet, but only past the first 64 KiB."""

    def change(self, data: bytes, start: int) -> bytes:
        at = PAST_64K - start
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if 0 <= at < len(data) else data


@defect("echo-stops-at-nul")
class StopsAtNul(Changing):
    """Takes what it reads for a text that a NUL ends."""

    def change(self, data: bytes, start: int) -> bytes:
        return data.split(b"\0")[0]


@defect("echo-changes-crlf-to-lf")
class CrlfToLf(Changing):
    """Reads in text mode: CR LF becomes LF."""

    def change(self, data: bytes, start: int) -> bytes:
        return data.replace(b"\r\n", b"\n")


@defect("echo-changes-lf-to-crlf")
class LfToCrlf(Changing):
    """Writes in text mode: LF becomes CR LF."""

    def change(self, data: bytes, start: int) -> bytes:
        return data.replace(b"\n", b"\r\n")


@defect("echo-strips-the-eighth-bit")
class SevenBits(Changing):
    """Is not clean for eight bits: 0xFF becomes 0x7F."""

    def change(self, data: bytes, start: int) -> bytes:
        return bytes(octet & 0x7F for octet in data)


@defect("echo-greets-before-input")
class Greets(Changing):
    """Sends a line of its own before it echoes."""

    async def echo(self) -> bool:
        await self.give(b"echo ready\r\n")
        return await super().echo()

    def change(self, data: bytes, start: int) -> bytes:
        return data


@defect("echo-closes-before-draining")
class ClosesBeforeDraining(Changing):
    """Holds octets for a moment before it sends them, and at the client's FIN throws away what it holds."""

    async def echo(self) -> bool:
        held: asyncio.Task[None] | None = None
        while data := await self.read():
            if held is not None:
                await held
            held = asyncio.ensure_future(self._later(data))
        if held is not None:
            held.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await held
        return True

    async def _later(self, data: bytes) -> None:
        await asyncio.sleep(MOMENT)
        await self.give(data)


@defect("echo-resets-in-place-of-fin")
class Resets(services.Connection):
    """Gives everything back, then ends the connection with RST."""

    async def echo(self) -> bool:
        await super().echo()
        await asyncio.sleep(MOMENT)
        sockets.abort(self.sock)
        return True


@defect("echo-never-closes")
class NeverCloses(services.Connection):
    """Gives everything back, and keeps the connection after the client's FIN."""

    async def echo(self) -> bool:
        await super().echo()
        await for_ever()
        return True


@defect("echo-ends-after-the-first-message")
class EndsAfterTheFirst(services.Connection):
    """Takes one read for the whole conversation: echoes it and ends."""

    async def echo(self) -> bool:
        data = await self.read()
        await self.loop.sock_sendall(self.sock, data)
        self.gave.add(data)
        self.sock.shutdown(socket.SHUT_WR)
        return await self.discard()


class Buffered(services.Connection):
    """Reads as fast as octets come into a buffer of 16 KiB, and sends from it at a slower pace."""

    async def echo(self) -> bool:
        self.held = bytearray()
        self.ended = False
        sender = asyncio.ensure_future(self._drain())
        while data := await self.read():
            room = SMALL - len(self.held)
            self.held += data[:room]
            if len(data) > room:
                await self.overflow()
        self.ended = True
        await sender
        return True

    async def _drain(self) -> None:
        while self.held or not self.ended:
            data = bytes(self.held[:1024])
            await self.loop.sock_sendall(self.sock, data)
            self.gave.add(data)
            del self.held[: len(data)]
            await asyncio.sleep(0.001)

    async def overflow(self) -> None:
        raise NotImplementedError


@defect("echo-loses-what-its-buffer-does-not-hold")
class Overflows(Buffered):
    """Loses what comes while its buffer of 16 KiB is full."""

    async def overflow(self) -> None:
        pass


@defect("echo-stalls-when-its-buffer-is-full")
class Stalls(Buffered):
    """Stops reading for ever once its buffer of 16 KiB is full."""

    async def overflow(self) -> None:
        await for_ever()


@defect("echo-crashes-when-much-comes-at-once")
class Crashes(services.Connection):
    """Ends the whole process when one read brings more than 16 KiB."""

    async def read(self) -> bytes:
        await asyncio.sleep(MOMENT)  # what the client writes at once is there at once
        data = await super().read()
        if len(data) > SMALL:
            os._exit(70)
        return data


@defect("echo-listens-on-another-port")
class ListensElsewhere(services.TcpService):
    """Listens one port above the one that it was given and reports."""

    def _listen(self) -> socket.socket:
        listener = sockets.make("tcp", self._address[0])
        sockets.reuse(listener)
        listener.bind((self._address[0], self._address[1] + 20000))
        listener.listen(sockets.BACKLOG)
        told = {"local": [self._address[0], self._address[1]]}
        for name, members in (("created", {}), ("bound", told), ("listening", told)):
            self._reporter.step(name, **members)
        self._reporter.flush()
        return listener
