"""Asking by RTP: a sender of one stream (``rtp.md``)."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

import exchange
import rtp
import sockets
from payload import octets
from report import digest
from script import BadCommand

_ANSWER_SECONDS = 1.0
_NEEDED = ("ssrc", "type", "sequence", "timestamp", "advance")


def check(command: dict[str, Any]) -> None:
    """Refuses what is no stream."""
    stream = command["stream"]
    octets(stream["payload"])
    if not stream["order"] or not all(isinstance(one, int) for one in (*stream["order"], *(stream[member] for member in _NEEDED))):
        raise BadCommand("a stream has an order, and numbers to begin with")


class Asking(exchange.Asking):
    """One stream."""

    def run(self) -> None:
        """Sends it."""
        self._stream = self.command["stream"]
        self._packets = self._octets = 0
        self._last = (0, 0.0)
        self._limit = time.monotonic() + exchange.seconds(self.command)
        try:
            with sockets.make("udp", self.command["address"]) as sock:
                sock.setblocking(True)
                self.reporter.step("created")
                sock.connect((self.command["address"], self.command["port"]))
                self.connected(sock)
                self._hold(sock)
        except OSError as error:
            self._failed(error)
        finally:
            self.closed()

    def _failed(self, error: OSError) -> None:
        self.reporter.step("failed", at=self._packets, error=exchange.error_name(error), says=str(error))

    def _hold(self, sock: socket.socket) -> None:
        """The stream, and, however it ended, BYE."""
        try:
            self._send_all(sock)
        except OSError as error:
            self._failed(error)
        ssrc = self._stream["ssrc"]
        with contextlib.suppress(OSError):
            self._send(sock, self._report() + rtp.description(ssrc) + rtp.goodbye(ssrc))

    def _send_all(self, sock: socket.socket) -> None:
        stream = self._stream
        gaps, due = stream.get("gaps") or [20], {*stream.get("reports", []), len(stream["order"])}
        for place, number in enumerate(stream["order"]):
            if place:
                time.sleep(min(gaps[min(place - 1, len(gaps) - 1)] / 1000, max(0, self._limit - time.monotonic())))
            if time.monotonic() >= self._limit:
                raise TimeoutError("the deadline passed")
            self._send_packet(sock, number)
            if place + 1 in due:
                self._ask(sock)

    def _send_packet(self, sock: socket.socket, number: int) -> None:
        content = octets(self._stream["payload"], number)
        self._send(sock, self.packet(number, content))
        self._packets += 1
        self._octets += len(content)
        self._last = self._stream["timestamp"] + number * self._stream["advance"], time.monotonic()

    def packet(self, number: int, content: bytes) -> bytes:
        """An RTP packet of the stream."""
        return rtp.packet(self._stream, number, content)

    def _report(self) -> bytes:
        timestamp, when = self._last if self._packets else (self._stream["timestamp"], time.monotonic())
        return self.sender_report(timestamp + int((time.monotonic() - when) * rtp.rate(self._stream["type"])))

    def sender_report(self, timestamp: int) -> bytes:
        """An SR on what was sent so far."""
        return rtp.sender_report(self._stream["ssrc"], timestamp, self._packets, self._octets)

    def _ask(self, sock: socket.socket) -> None:
        """Sends an SR, and waits for the answer to it: the first datagram that reports on the stream."""
        self._send(sock, self._report() + rtp.description(self._stream["ssrc"]))
        until = min(time.monotonic() + _ANSWER_SECONDS, self._limit)
        answered = False
        while not answered:
            sock.settimeout(max(0.001, until - time.monotonic()))
            came = sock.recv(65536)
            if self.stopped:
                raise OSError("it was told to stop")
            answered = self._received(came)
            if not answered and time.monotonic() >= until:
                raise TimeoutError("no answer to a report came")
        sock.settimeout(None)

    def _received(self, came: bytes) -> bool:
        """Tells a datagram; whether it reports on the stream."""
        self.reporter.step("received", octets=len(came), digest=digest(came), remote=[self.command["address"], self.command["port"]])
        with contextlib.suppress(rtp.Malformed):
            packets = rtp.compound(came) if rtp.is_rtcp(came) else []
            blocks = [block for one in packets for block in rtp.blocks(*one) if block["ssrc"] == self._stream["ssrc"]]
            for block in blocks:
                self.reporter.step("report", **block)
            return bool(blocks)
        return False

    def _send(self, sock: socket.socket, data: bytes) -> None:
        sock.send(data)
        self.reporter.step("sent", octets=len(data), digest=digest(data), remote=[self.command["address"], self.command["port"]])
