"""The rtp service: a receiver of streams, which reports on each when it is asked to (``rtp.md``)."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import rtp
import sockets
from report import Output, digest
from services import UdpService


class Service(UdpService):
    """A bound rtp service."""

    def __init__(self, command: dict[str, Any], output: Output) -> None:
        super().__init__(command, output)
        self.ssrc = rtp.own_ssrc()
        self.sources: dict[tuple[Any, ...], dict[int, rtp.Source]] = {}

    async def _one(self, sock: socket.socket) -> None:
        try:
            octets, remote = await asyncio.get_running_loop().sock_recvfrom(sock, 65536)
            now = time.monotonic()
            self._reporter.step("received", octets=len(octets), digest=digest(octets), remote=sockets.shown(remote))
            if rtp.is_rtcp(octets):
                await self.control(sock, octets, remote, now)
            else:
                self.media(rtp.Packet(octets), remote, now)
        except (rtp.Malformed, OSError):
            return  # no packet, or an ICMP error for a report that nobody waits for any more

    def media(self, one: rtp.Packet, remote: tuple[Any, ...], now: float) -> None:
        """An RTP packet came."""
        known = self.sources.setdefault(remote, {})
        source = known.get(one.ssrc)
        if source is None:
            source = known[one.ssrc] = rtp.Source(one)
        source.take(one, now)

    def report(self, source: rtp.Source, now: float) -> bytes:
        """RR and SDES."""
        return rtp.receiver_report(self.ssrc, source.block(now)) + rtp.description(self.ssrc)

    async def control(self, sock: socket.socket, octets: bytes, remote: tuple[Any, ...], now: float) -> None:
        """An RTCP datagram came: an SR is answered, a BYE ends the stream."""
        known = self.sources.get(remote, {})
        packets = rtp.compound(octets)
        for ssrc in rtp.leaving(packets):
            if ssrc in known:
                self._reporter.step("stream", remote=sockets.shown(remote), **known.pop(ssrc).told())
        if not known:
            self.sources.pop(remote, None)
        reported = next(((known[ssrc], when) for ssrc, when in rtp.sent_reports(packets) if ssrc in known), None)
        if reported is not None:
            source, when = reported
            source.report = when, now
            answer = self.report(source, time.monotonic())
            await asyncio.get_running_loop().sock_sendto(sock, answer, remote)
            self._reporter.step("sent", octets=len(answer), digest=digest(answer), remote=sockets.shown(remote))
