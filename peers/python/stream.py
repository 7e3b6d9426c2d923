"""One stream of a script: eager or lazy reading, and what the ``receive`` steps need of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from sockets import CHUNK, Ended

MAX_HELD = 64 * 1024 * 1024


class Stream:
    """A connected socket with what was read from it and not asked for yet."""

    def __init__(self, sock: socket.socket, eager: bool) -> None:
        self.sock = sock
        self.held = bytearray()
        self.ended = False
        self.error: OSError | None = None
        self._loop = asyncio.get_running_loop()
        self._eager = eager
        self._news = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    def read_meanwhile(self) -> None:
        """While something else is waited for: eager reading goes on beside it. (Else the next ``receive`` is soon enough.)"""
        if self._eager and self._pump is None and not self.ended and self.error is None:
            self._pump = self._loop.create_task(self._read_on())

    async def send(self, octets: bytes) -> None:
        """Sends all of it."""
        try:
            count = self.sock.send(octets) if octets else 0
        except (BlockingIOError, InterruptedError):
            count = 0
        if count < len(octets):
            self.read_meanwhile()
            await self._send_rest(memoryview(octets)[count:])

    async def _read_on(self) -> None:
        while not self.ended and self.error is None and len(self.held) < MAX_HELD:
            await self._read()
            self._news.set()

    async def _read(self) -> None:
        try:
            data = await self._receive()
        except OSError as error:
            self.error = error
            return
        if data:
            self.held += data
        else:
            self.ended = True

    async def _receive(self) -> bytes:
        return await self._loop.sock_recv(self.sock, CHUNK)

    async def _send_rest(self, octets: memoryview[Any]) -> None:
        await self._loop.sock_sendall(self.sock, octets)

    async def more(self) -> None:
        """Returns when something new is known: octets, the end or an error. Raises the error once all octets are taken."""
        if self.error is not None:
            raise self.error
        if self.ended:
            raise Ended("the stream ended")
        if self._pump is None:
            await self._read()
        else:
            self._news.clear()
            await self._news.wait()

    async def exactly(self, count: int) -> None:
        """Waits until ``count`` octets are held."""
        while len(self.held) < count:
            await self.more()

    async def to_end(self) -> None:
        """Waits for the other side's FIN."""
        while not self.ended:
            await self.more()

    async def reply(self) -> int:
        """Waits for the end of a reply (``smtp.md``, Scripts); returns how many octets there are up to and with it."""
        start = 0
        while True:
            end = self.held.find(b"\n", start)
            if end < 0:
                await self.more()
                continue
            line = bytes(self.held[start : end + 1])
            if line[3:4] != b"-" and (not start or line[:3] == self.held[:3]):
                return end + 1
            start = end + 1

    async def through(self, mark: bytes) -> int:
        """Waits for ``mark``; returns how many octets there are up to and with it."""
        start = 0
        while (at := self.held.find(mark, start)) < 0:
            start = max(0, len(self.held) - len(mark) + 1)
            await self.more()
        return at + len(mark)

    def take(self, count: int) -> bytes:
        """Takes octets out of those held."""
        taken = bytes(self.held[:count])
        del self.held[:count]
        return taken

    async def stop(self) -> None:
        """Stops reading; must come before the socket is closed."""
        if self._pump is not None:
            self._pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._pump
            self._pump = None
