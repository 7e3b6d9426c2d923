"""What goes wrong with streams of media (``peers/rtp.md``)."""

from __future__ import annotations

import struct
from typing import Any

import rtp
import rtp_client
import rtp_service

from .base import defect

# -- receivers ------------------------------------------------------------------------------------------------


@defect("rtp-duplicates-are-none")
class NoDuplicates(rtp.Source):
    """Counts a packet that comes twice once."""

    def take(self, one: rtp.Packet, when: float) -> None:
        known = len(self._contents)
        super().take(one, when)
        self.received -= len(self._contents) == known


@defect("rtp-fraction-of-a-hundred")
class FractionOf100(rtp.Source):
    """Tells the fraction lost of 100."""

    def fraction(self) -> int:
        return super().fraction() * 100 // 256


@defect("rtp-highest-without-cycles")
class NoCycles(rtp.Source):
    """Tells the highest sequence number without its cycles."""

    def block(self, now: float) -> bytes:
        block = super().block(now)
        return block[:8] + struct.pack("!I", self.highest & 0xFFFF) + block[12:]


@defect("rtp-jitter-in-milliseconds")
class JitterInMilliseconds(rtp.Source):
    """Tells jitter in milliseconds."""

    def block(self, now: float) -> bytes:
        block = super().block(now)
        return block[:12] + struct.pack("!I", int(self.jitter * 1000 / self.rate)) + block[16:]


@defect("rtp-lsr-of-the-seconds")
class LsrSeconds(rtp.Source):
    """Tells the upper half of the last SR's time."""

    def block(self, now: float) -> bytes:
        if self.report:
            self.report = self.report[0] >> 16, self.report[1]
        return super().block(now)


@defect("rtp-dlsr-in-microseconds")
class DlsrInMicroseconds(rtp.Source):
    """Tells the delay since the last SR in microseconds."""

    def block(self, now: float) -> bytes:
        block = super().block(now)
        return block[:20] + struct.pack("!I", 5_000_000 + int.from_bytes(block[20:], "big"))


@defect("rtp-padding-is-payload")
class PaddingIsPayload(rtp.Packet):
    """Takes padding for payload."""

    def __init__(self, octets: bytes) -> None:
        super().__init__(octets)
        self.content += octets[len(octets) - octets[-1] :] if octets[0] & 0x20 else b""


@defect("rtp-counts-other-versions")
class AnyVersion(rtp.Packet):
    """Takes packets of any version."""

    def __init__(self, octets: bytes) -> None:
        super().__init__(bytes([0x80 | octets[0] & 0x3F]) + octets[1:])


@defect("rtp-answers-padded-reports")
class AnswersPadded(rtp_service.Service):
    """Answers a report whose first packet is padded."""

    async def control(self, sock: Any, octets: bytes, remote: tuple[Any, ...], now: float) -> None:
        await super().control(sock, bytes([octets[0] & ~0x20]) + octets[1:], remote, now)


@defect("rtp-forgets-nobody")
class ForgetsNobody(rtp_service.Service):
    """Goes on with a source that has left."""

    async def control(self, sock: Any, octets: bytes, remote: tuple[Any, ...], now: float) -> None:
        known = dict(self.sources.get(remote, {}))
        await super().control(sock, octets, remote, now)
        self.sources.setdefault(remote, {}).update(known)


class _Answers(rtp_service.Service):
    """``change`` says what is sent instead of each answer."""

    def change(self, answer: bytes) -> bytes:
        raise NotImplementedError

    def report(self, source: rtp.Source, now: float) -> bytes:
        return self.change(super().report(source, now))


@defect("rtp-report-without-cname")
class NoCname(_Answers):
    """Reports without an SDES."""

    def change(self, answer: bytes) -> bytes:
        return answer[:32]


@defect("rtp-sdes-before-the-report")
class SdesFirst(_Answers):
    """Puts SDES before RR."""

    def change(self, answer: bytes) -> bytes:
        return answer[32:] + answer[:32]


# -- senders --------------------------------------------------------------------------------------------------


@defect("rtp-sequence-numbers-repeat")
class Repeats(rtp_client.Asking):
    """Gives every packet the first one's sequence number."""

    def packet(self, number: int, content: bytes) -> bytes:
        made = super().packet(number, content)
        return made[:2] + self._stream["sequence"].to_bytes(2, "big") + made[4:]


@defect("rtp-sr-counts-headers")
class CountsHeaders(rtp_client.Asking):
    """Counts the octets of headers, too."""

    def sender_report(self, timestamp: int) -> bytes:
        return rtp.sender_report(self._stream["ssrc"], timestamp, self._packets, self._octets + 12 * self._packets)
