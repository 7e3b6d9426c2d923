"""TCP scripts and their streams that treat the connection otherwise than they were told, and report as if they had not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import payload
import script
import sockets
from report import digest
from stream import Stream

from .base import defect, for_ever

LOST = 1000


class Sending(script.TcpScript):
    """Sends what ``change`` makes of the octets; reports those that it was given."""

    def change(self, octets: bytes) -> bytes:
        raise NotImplementedError

    async def do_send(self, step: dict[str, Any]) -> None:
        _, stream = self._talking()
        octets = payload.octets(step["payload"])
        await stream.send(self.change(octets))
        self.reporter.step("sent", octets=len(octets), digest=digest(octets))


@defect("client-reports-success-without-sending")
class SendsNothing(Sending):
    """Reports octets as sent and sends none."""

    def change(self, octets: bytes) -> bytes:
        return b""


@defect("client-sends-an-octet-less-than-it-reports")
@defect("server-sends-an-octet-less-than-it-reports")
class SendsLess(Sending):
    """Sends all octets but the last, and reports all."""

    def change(self, octets: bytes) -> bytes:
        return octets[:-1]


@defect("client-loses-octets-before-its-fin")
class LosesBeforeFin(Sending):
    """Loses the last 1000 octets before its FIN."""

    def change(self, octets: bytes) -> bytes:
        return octets[:-LOST]


@defect("client-reorders-its-writes")
@defect("server-reorders-its-writes")
class Reorders(Sending):
    """Sends the second half of the octets first, and reports them in order."""

    def change(self, octets: bytes) -> bytes:
        half = len(octets) // 2
        return octets[half:] + octets[:half]


@defect("client-doubles-its-writes")
class DoublesWrites(Sending):
    """Sends the first 1000 octets twice, as if it had sent them again, and reports them once."""

    def change(self, octets: bytes) -> bytes:
        return octets[:LOST] + octets


@defect("client-reorders-its-writes-and-says-so")
class ReordersOpenly(Reorders):
    """Sends the second half of the octets first, and reports what it sent."""

    async def do_send(self, step: dict[str, Any]) -> None:
        hexed = self.change(payload.octets(step["payload"])).hex()
        await super(Sending, self).do_send({**step, "payload": {"hex": hexed}})


@defect("server-loses-octets-before-the-end")
class LosesBeforeEnd(Stream):
    """Sees the end before the last 1000 octets."""

    async def to_end(self) -> None:
        await super().to_end()
        del self.held[-LOST:]


@defect("server-reorders-what-it-reads")
class ReordersHeld(Stream):
    """Hands octets over in another order than they came."""

    def take(self, count: int) -> bytes:
        taken = super().take(count)
        return taken[len(taken) // 2 :] + taken[: len(taken) // 2]


@defect("client-does-not-flush")
class DoesNotFlush(script.TcpScript):
    """Reports octets as sent and keeps the last hundred until it has more to do than read."""

    held = b""

    async def do_send(self, step: dict[str, Any]) -> None:
        _, stream = self._talking()
        octets = payload.octets(step["payload"])
        at = max(0, len(octets) - 100)
        await stream.send(self.held + octets[:at])
        self.held = octets[at:]
        self.reporter.step("sent", octets=len(octets), digest=digest(octets))

    async def do_half_close(self, step: dict[str, Any]) -> None:
        _, stream = self._talking()
        await stream.send(self.held)
        self.held = b""
        await super().do_half_close(step)


@defect("server-waits-for-its-port")
class ListensWithoutReuse(script.TcpScript):
    """Does not set SO_REUSEADDR: a port that one of its connections lingers on is lost to it."""

    async def begin(self) -> None:
        reuse, sockets.reuse = sockets.reuse, lambda listener: None
        try:
            await super().begin()
        finally:
            sockets.reuse = reuse


@defect("client-waits-for-acknowledgements")
class Nagle(script.TcpScript):
    """Leaves the Nagle algorithm on: TCP_NODELAY is not set."""

    def _open(self, sock: socket.socket, name: str) -> None:
        super()._open(sock, name)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)


@defect("server-keeps-alive-after-a-second")
class KeepsAlive(script.TcpScript):
    """Turns keep-alives on, a second apart."""

    def _open(self, sock: socket.socket, name: str) -> None:
        super()._open(sock, name)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL):
            sock.setsockopt(socket.IPPROTO_TCP, option, 1)


class Tuned(script.TcpScript):
    """Sets an option of TCP before it connects."""

    option: tuple[int, int]

    def make(self) -> socket.socket:
        made = super().make()
        made.setsockopt(socket.IPPROTO_TCP, *self.option)
        return made


@defect("client-sends-its-syn-twice-only")
class TwoSyns(Tuned):
    """Sends a SYN that is not answered once more, and then gives up."""

    option = (socket.TCP_SYNCNT, 1)


@defect("client-gives-up-on-a-closed-window")
class GivesUpOnWindow(Tuned):
    """Ends the connection when the window stays closed for 300 ms."""

    option = (socket.TCP_USER_TIMEOUT, 300)


# -- closing --------------------------------------------------------------------------------------------------


@defect("client-reports-half-closed-and-did-not")
@defect("server-reports-half-closed-and-did-not")
class NoHalfClose(script.TcpScript):
    """Reports its half-close and sends no FIN."""

    async def do_half_close(self, step: dict[str, Any]) -> None:
        self._talking()
        self.reporter.step("half-closed")


@defect("client-closes-at-half-close")
@defect("server-closes-at-half-close")
class ClosesAtHalfClose(script.TcpScript):
    """Knows no half-close: shuts both directions down."""

    async def do_half_close(self, step: dict[str, Any]) -> None:
        sock, _ = self._talking()
        sock.shutdown(socket.SHUT_RDWR)
        self.reporter.step("half-closed")


@defect("client-reports-closed-and-leaves-the-socket-open")
@defect("server-reports-closed-and-leaves-the-socket-open")
class LeavesOpen(script.TcpScript):
    """Reports its close and keeps the socket."""

    kept: list[socket.socket] = []  # noqa: RUF012 - for as long as the peer lives

    async def leave(self) -> None:
        if self.stream is not None:
            await self.stream.stop()
            self.stream = None
        if self.sock is not None:
            self.kept.append(self.sock)
            self.sock = None
            self.reporter.step("closed")


@defect("client-resets-where-it-reports-closed")
@defect("client-resets-when-both-close")
@defect("server-resets-where-it-reports-closed")
class ResetsAtClose(script.TcpScript):
    """Closes with RST, and reports nothing but the close."""

    async def leave(self) -> None:
        if self.sock is not None and self.stream is not None:
            await self.stream.stop()
            await asyncio.sleep(0.01)  # what was sent arrives first
            sockets.abort(self.sock)
        await super().leave()


@defect("server-hides-that-octets-lie-unread")
class HidesUnread(script.TcpScript):
    """Reads and throws away what lies unread before it closes, so that FIN goes out in place of RST."""

    async def leave(self) -> None:
        if self.sock is not None and self.stream is not None:
            await self.stream.stop()
            with contextlib.suppress(OSError):
                while self.sock.recv(sockets.CHUNK):
                    pass
        await super().leave()


@defect("client-closes-where-it-reports-reset")
class ClosesAtReset(script.TcpScript):
    """Ends in order where it was told to abort, and reports the abort."""

    async def do_reset(self, step: dict[str, Any]) -> None:
        sock, stream = self._talking()
        await stream.stop()
        sock.close()
        self.sock = self.stream = None
        self.reporter.step("reset", by="us")
        self.reporter.step("closed")


@defect("client-never-ends-its-report")
class NeverEnds(script.TcpScript):
    """Does all its steps and then says no more."""

    async def leave(self) -> None:
        await super().leave()
        self.reporter.flush()
        await for_ever()


@defect("client-reports-end-without-a-fin")
class EndsUnasked(Stream):
    """Takes a moment's silence for the end."""

    async def to_end(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await super().to_end()
        self.ended = True


@defect("client-takes-a-reset-for-the-end")
@defect("server-takes-a-reset-for-the-end")
class ResetIsEnd(Stream):
    """Takes ECONNRESET for an orderly end."""

    async def _read(self) -> None:
        await super()._read()
        if self.error is not None and sockets.error_name(self.error) == "reset":
            self.error, self.ended = None, True
