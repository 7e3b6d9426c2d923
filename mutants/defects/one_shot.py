"""TCP services of one answer (qotd, daytime, time) whose answer is wrong, or comes at the wrong time."""

from __future__ import annotations

import asyncio
import contextlib
import time

import services
import sockets

from .base import defect, for_ever

MOMENT = 0.2


def right(service: str) -> bytes:
    """What the service should say now."""
    return services.ONE_SHOT[service]()


class OneShot(services.Connection):
    """Ways to go wrong that several services share."""

    async def give(self, answer: bytes) -> None:
        await self.loop.sock_sendall(self.sock, answer)
        self.gave.add(answer)

    async def keep_open(self, answer: bytes) -> bool:
        """Never sends the FIN."""
        await self.give(answer)
        await self.discard()
        await for_ever()
        return True

    async def go_on(self, service: str) -> bool:
        """One answer after the other, for as long as the client is there."""
        while True:
            await self.give(right(service))
            await asyncio.sleep(MOMENT)

    async def wait_first(self, service: str) -> bool:
        """No answer before the client has spoken or ended."""
        await self.read()
        return await self.one_shot(right(service))

    async def leave_unread(self, service: str) -> bool:
        """Closes while input is unread: the system sends RST in place of FIN."""
        await self.give(right(service))
        await asyncio.sleep(MOMENT)
        return True

    async def refuse_input(self, service: str) -> bool:
        """To a client that speaks, nothing is said."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOMENT):
                if await self.read():
                    return await self.one_shot(b"")
        return await self.one_shot(right(service))


# -- quote of the day -----------------------------------------------------------------------------------------


@defect("qotd-never-closes")
class QotdNeverCloses(OneShot):
    """Keeps the connection after the quote."""

    async def qotd(self) -> bool:
        return await self.keep_open(right("qotd"))


@defect("qotd-sends-one-quote-after-the-other")
class QotdGoesOn(OneShot):
    """Sends quotes without end."""

    async def qotd(self) -> bool:
        return await self.go_on("qotd")


@defect("qotd-says-nothing")
class QotdSaysNothing(OneShot):
    """Closes without a quote."""

    async def qotd(self) -> bool:
        return await self.one_shot(b"")


@defect("qotd-waits-for-input")
class QotdWaits(OneShot):
    """Sends no quote before the client has sent something."""

    async def qotd(self) -> bool:
        return await self.wait_first("qotd")


@defect("qotd-leaves-input-unread")
class QotdLeavesUnread(OneShot):
    """Closes without reading what the client sent, so that RST comes in place of FIN."""

    async def qotd(self) -> bool:
        return await self.leave_unread("qotd")


@defect("qotd-is-silent-for-a-client-that-speaks")
class QotdRefuses(OneShot):
    """Sends no quote to a client that sends something."""

    async def qotd(self) -> bool:
        return await self.refuse_input("qotd")


@defect("qotd-tells-a-long-story")
class QotdTooLong(OneShot):
    """Sends 513 characters."""

    async def qotd(self) -> bool:
        return await self.one_shot((right("qotd").rstrip() * 8)[:511] + b"\r\n")


@defect("qotd-rings-the-bell")
class QotdUnprintable(OneShot):
    """Ends its quote with BEL."""

    async def qotd(self) -> bool:
        return await self.one_shot(right("qotd") + b"\7")


# -- daytime --------------------------------------------------------------------------------------------------


@defect("daytime-never-closes")
class DaytimeNeverCloses(OneShot):
    """Keeps the connection after the date."""

    async def daytime(self) -> bool:
        return await self.keep_open(right("daytime"))


@defect("daytime-ticks")
class DaytimeTicks(OneShot):
    """Sends the time again and again."""

    async def daytime(self) -> bool:
        return await self.go_on("daytime")


@defect("daytime-waits-for-input")
class DaytimeWaits(OneShot):
    """Sends no date before the client has sent something."""

    async def daytime(self) -> bool:
        return await self.wait_first("daytime")


@defect("daytime-tells-no-time")
class DaytimeTellsNone(OneShot):
    """Sends a line without date and time."""

    async def daytime(self) -> bool:
        return await self.one_shot(b"it is late\r\n")


@defect("daytime-leaves-input-unread")
class DaytimeLeavesUnread(OneShot):
    """Closes without reading what the client sent, so that RST comes in place of FIN."""

    async def daytime(self) -> bool:
        return await self.leave_unread("daytime")


@defect("daytime-sends-two-lines")
class DaytimeTwoLines(OneShot):
    """Sends date and time on a line each."""

    async def daytime(self) -> bool:
        return await self.one_shot(time.strftime("%Y-%m-%d\r\n%H:%M:%S\r\n", time.gmtime()).encode())


@defect("daytime-ends-with-nul")
class DaytimeNul(OneShot):
    """Sends the NUL that ends its text, too."""

    async def daytime(self) -> bool:
        return await self.one_shot(right("daytime") + b"\0")


# -- time -----------------------------------------------------------------------------------------------------


@defect("time-is-little-endian")
class TimeLittleEndian(OneShot):
    """Sends the octets in the order of its machine."""

    async def time(self) -> bool:
        return await self.one_shot(right("time")[::-1])


@defect("time-counts-from-1970")
class TimeFrom1970(OneShot):
    """Counts seconds from the epoch of Unix."""

    async def time(self) -> bool:
        return await self.one_shot(int(time.time()).to_bytes(4, "big"))


@defect("time-has-five-octets")
class TimeFiveOctets(OneShot):
    """Sends an octet too many."""

    async def time(self) -> bool:
        return await self.one_shot(right("time") + b"\0")


@defect("time-never-closes")
class TimeNeverCloses(OneShot):
    """Keeps the connection after the four octets."""

    async def time(self) -> bool:
        return await self.keep_open(right("time"))


@defect("time-resets-in-place-of-fin")
class TimeResets(OneShot):
    """Ends with RST after the four octets."""

    async def time(self) -> bool:
        await self.give(right("time"))
        await asyncio.sleep(MOMENT)
        sockets.abort(self.sock)
        return True
