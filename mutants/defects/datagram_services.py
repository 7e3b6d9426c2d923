"""UDP services that answer wrongly, too often, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections import Counter
from typing import Any

import services
import sockets
from report import digest

from .base import defect

SO_NO_CHECK, IP_TRANSPARENT = 11, 19
Remote = tuple[Any, ...]


class Datagrams(services.UdpService):
    """Answers a datagram by those that ``answers`` gives; services other than ``of`` stay as they are."""

    of = "echo"

    async def _one(self, sock: socket.socket) -> None:
        if self._service != self.of:
            await super()._one(sock)
            return
        with contextlib.suppress(OSError):
            octets, remote = await asyncio.get_running_loop().sock_recvfrom(sock, 65536)
            self._reporter.step("received", octets=len(octets), digest=digest(octets), remote=sockets.shown(remote))
            for answer in self.answers(octets, remote):
                await self.give(sock, answer, remote)

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        """Without a defect: the one right answer."""
        answer = self._answer(octets)
        return [] if answer is None else [answer]

    async def give(self, sock: socket.socket, answer: bytes, remote: Remote) -> None:
        await asyncio.get_running_loop().sock_sendto(sock, answer, remote)
        self.told(answer, remote)

    def told(self, answer: bytes, remote: Remote) -> None:
        self._reporter.step("sent", octets=len(answer), digest=digest(answer), remote=sockets.shown(remote))


class Twice(Datagrams):
    """Sends every answer twice."""

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return super().answers(octets, remote) * 2


class Never(Datagrams):
    """Sends no answer."""

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return []


# -- echo -----------------------------------------------------------------------------------------------------


@defect("udp-echo-truncates-past-512")
class Truncates(Datagrams):
    """Sends back the first 512 octets only."""

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return [octets[:512]]


@defect("udp-echo-changes-an-octet")
class ChangesAnOctet(Datagrams):
    """Flips a bit of the last octet."""

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return [octets[:-1] + bytes([octets[-1] ^ 1]) if octets else octets]


@defect("udp-echo-merges-two")
class Merges(Datagrams):
    """Waits for a second datagram and answers both in one."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._held: dict[Remote, bytes] = {}

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        if remote in self._held:
            return [self._held.pop(remote) + octets]
        self._held[remote] = octets
        return []


@defect("udp-echo-splits-one")
class Splits(Datagrams):
    """Sends what came in two halves."""

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        half = len(octets) // 2
        return [octets[:half], octets[half:]] if half else [octets]


@defect("udp-echo-drops-every-second")
class DropsEverySecond(Datagrams):
    """Answers each client's first datagram, not the second, and so on."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._count = Counter[Remote]()

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        self._count[remote] += 1
        return [octets] if self._count[remote] % 2 else []


@defect("udp-echo-answers-twice")
class EchoTwice(Twice):
    """Answers each datagram twice."""


@defect("udp-echo-ignores-the-empty-datagram")
class IgnoresEmpty(Datagrams):
    """Takes an empty datagram for none."""

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return [octets] if octets else []


@defect("udp-echo-answers-from-another-port")
class AnotherPort(Datagrams):
    """Answers through a second socket."""

    async def give(self, sock: socket.socket, answer: bytes, remote: Remote) -> None:
        with sockets.make("udp", self._command["address"]) as other:
            other.bind((self._command["address"], 0))
            other.sendto(answer, remote)
        self.told(answer, remote)


@defect("udp-echo-reports-answers-that-it-does-not-send")
class ReportsOnly(Datagrams):
    """Reports an answer and sends none."""

    async def give(self, sock: socket.socket, answer: bytes, remote: Remote) -> None:
        self.told(answer, remote)


@defect("udp-echo-sends-without-checksum")
class NoChecksum(Datagrams):
    """Turns the checksum of its datagrams off (IPv4)."""

    async def give(self, sock: socket.socket, answer: bytes, remote: Remote) -> None:
        sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        await super().give(sock, answer, remote)


class Handmade(Datagrams):
    """Writes its UDP header itself (IPv4, with the right to open raw sockets)."""

    async def give(self, sock: socket.socket, answer: bytes, remote: Remote) -> None:
        local = sock.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as raw:
            raw.bind((local[0], 0))
            raw.sendto(self.datagram(local, remote, answer), (remote[0], 0))
        self.told(answer, remote)

    def datagram(self, local: Remote, remote: Remote, data: bytes) -> bytes:
        raise NotImplementedError


def made(local: Remote, remote: Remote, data: bytes, *, source: int | None = None, length: int | None = None, change: int = 0) -> bytes:
    """A UDP datagram: right but for what is given; the checksum is that of the header as it goes out, plus ``change``."""
    length = len(data) + 8 if length is None else length
    head = struct.pack("!HHH", local[1] if source is None else source, remote[1], length)
    pseudo = socket.inet_aton(local[0]) + socket.inet_aton(remote[0]) + struct.pack("!HH", socket.IPPROTO_UDP, length)
    words = pseudo + head + data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(words) // 2}H", words))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    checksum = (~total & 0xFFFF) or 0xFFFF
    return head + struct.pack("!H", checksum ^ change) + data


@defect("udp-echo-sums-wrongly")
class WrongChecksum(Handmade):
    """Sends a checksum that is wrong in one bit."""

    def datagram(self, local: Remote, remote: Remote, data: bytes) -> bytes:
        return made(local, remote, data, change=0x0100)


@defect("udp-echo-does-not-count-the-header")
class WrongLength(Handmade):
    """Writes the length of the data alone into Length."""

    def datagram(self, local: Remote, remote: Remote, data: bytes) -> bytes:
        return made(local, remote, data, length=len(data))


@defect("udp-echo-has-no-source-port")
class NoSourcePort(Handmade):
    """Answers with a source port of zero."""

    def datagram(self, local: Remote, remote: Remote, data: bytes) -> bytes:
        return made(local, remote, data, source=0)


# -- discard --------------------------------------------------------------------------------------------------


@defect("udp-discard-answers")
class DiscardAnswers(Datagrams):
    """Acknowledges what it throws away with an empty datagram."""

    of = "discard"

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return [b""]


# -- chargen --------------------------------------------------------------------------------------------------


@defect("udp-chargen-sends-513-octets")
class Chargen513(Datagrams):
    """Sends an octet more than fits."""

    of = "chargen"

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return [(super().answers(octets, remote)[0] * 3)[:513]]


@defect("udp-chargen-answers-twice")
class ChargenTwice(Twice):
    """Answers each datagram twice."""

    of = "chargen"


@defect("udp-chargen-never-answers")
class ChargenNever(Never):
    """Answers no datagram."""

    of = "chargen"


@defect("udp-chargen-echoes-the-question")
class ChargenEchoes(Datagrams):
    """Answers with what was asked, up to 512 octets."""

    of = "chargen"

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return [octets[:512]]


# -- quote of the day -----------------------------------------------------------------------------------------


@defect("udp-qotd-never-answers")
class QotdNever(Never):
    """Answers no datagram."""

    of = "qotd"


@defect("udp-qotd-answers-twice")
class QotdTwice(Twice):
    """Answers each datagram with two quotes."""

    of = "qotd"


@defect("udp-qotd-ignores-the-empty-datagram")
class QotdIgnoresEmpty(Datagrams):
    """Takes an empty datagram for none."""

    of = "qotd"

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return super().answers(octets, remote) if octets else []


@defect("udp-qotd-sends-513-octets")
class Qotd513(Datagrams):
    """Sends a quote of 513 octets."""

    of = "qotd"

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return [(super().answers(octets, remote)[0].rstrip() * 9)[:511] + b"\r\n"]


# -- daytime --------------------------------------------------------------------------------------------------


@defect("udp-daytime-never-answers")
class DaytimeNever(Never):
    """Answers no datagram."""

    of = "daytime"


@defect("udp-daytime-answers-twice")
class DaytimeTwice(Twice):
    """Answers each datagram twice."""

    of = "daytime"


@defect("udp-daytime-answers-from-another-address")
class DaytimeElsewhere(Datagrams):
    """Answers from another address than was asked (with the right to use one that is not its own)."""

    of = "daytime"

    async def give(self, sock: socket.socket, answer: bytes, remote: Remote) -> None:
        with sockets.make("udp", remote[0]) as other:
            other.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
            other.bind((".".join([*remote[0].split(".")[:2], "77", "77"]), self._command["port"]))
            other.sendto(answer, remote)
        self.told(answer, remote)


@defect("udp-daytime-sends-two-lines")
class DaytimeTwoLines(Datagrams):
    """Sends date and time on a line each."""

    of = "daytime"

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return [time.strftime("%Y-%m-%d\r\n%H:%M:%S\r\n", time.gmtime()).encode()]


# -- time -----------------------------------------------------------------------------------------------------


@defect("udp-time-has-eight-octets")
class TimeEightOctets(Datagrams):
    """Sends 64 bits."""

    of = "time"

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return [b"\0" * 4 + super().answers(octets, remote)[0]]


@defect("udp-time-counts-from-1970")
class TimeFrom1970(Datagrams):
    """Counts seconds from the epoch of Unix."""

    of = "time"

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return [int(time.time()).to_bytes(4, "big")]


@defect("udp-time-ignores-the-empty-datagram")
class TimeIgnoresEmpty(Datagrams):
    """Waits for a question with something in it."""

    of = "time"

    def answers(self, octets: bytes, remote: Remote) -> list[bytes]:
        return super().answers(octets, remote) if octets else []


@defect("udp-time-answers-twice")
class TimeTwice(Twice):
    """Answers each datagram twice."""

    of = "time"
