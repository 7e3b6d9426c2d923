"""The ``ask`` command, with aiohttp's client: a loop for each conversation."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

import exchange
from payload import octets

_OWN_FIELDS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


def check(command: dict[str, Any]) -> None:
    """Refuses what aiohttp cannot send."""
    exchange.check(command, "aiohttp")


class Asking(exchange.Asking):
    """One conversation."""

    _loop: asyncio.AbstractEventLoop | None = None
    _task: asyncio.Task[None] | None = None
    _made: socket.socket
    _at = -1

    def run(self) -> None:
        """Holds it."""
        try:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                self._task = self._loop.create_task(self._hold())
                runner.run(asyncio.wait([self._task]))
                self._task.result()
        except asyncio.CancelledError:
            self.reporter.step("failed", at=self._at, error="other", says="it was told to stop")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self.reporter.step("failed", at=self._at, error=_name(error), says=str(error) or type(error).__name__)
        finally:
            self.closed()

    async def _hold(self) -> None:
        timeout = aiohttp.ClientTimeout(total=exchange.seconds(self.command))
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(self._connected)
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, socket_factory=self._socket), auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_OWN_FIELDS, timeout=timeout, trace_configs=[trace],
        ) as session:  # fmt: skip
            for asked in self.command["requests"]:
                self._at += 1
                await self._exchange(session, asked)

    def _socket(self, info: Any) -> socket.socket:
        self._made = socket.socket(info[0], info[1], info[2])
        self.connecting()
        return self._made

    async def _connected(self, *_: object) -> None:
        self.connected(self._made)

    async def _exchange(self, session: aiohttp.ClientSession, asked: dict[str, Any]) -> None:
        url = URL(exchange.base(self.command) + asked["target"], encoded=True)
        fields = CIMultiDict((n, v) for n, v in asked.get("fields", []))
        content = octets(asked["body"]) if "body" in asked else None
        chunked = True if content is not None and asked.get("coding") == "chunked" else None
        async with session.request(asked["method"], url, headers=fields, data=content, chunked=chunked, allow_redirects=False) as response:
            self.reporter.step("response", **await _told(response, asked))

    def cut(self) -> None:
        """Gives up; closing its sockets would make aiohttp try again."""
        if self._task is not None and self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._task.cancel)


async def _told(response: aiohttp.ClientResponse, asked: dict[str, Any]) -> dict[str, object]:
    content, complete = bytearray(), True
    try:
        async for piece in response.content.iter_any():
            content += piece
    except (aiohttp.ClientError, OSError):
        complete = False
    version = response.version
    return {
        "status": response.status,
        "reason": (response.reason or "").encode("utf-8", "surrogateescape").decode("latin-1"),
        "version": f"HTTP/{version.major}.{version.minor}" if version else "HTTP/1.1",
        "fields": exchange.decoded(response.raw_headers),
        **exchange.received(content, complete, asked),
    }


def _name(error: BaseException) -> str:
    """The contract's word for what lies at the bottom of an exception."""
    if isinstance(error, (TimeoutError, aiohttp.ServerTimeoutError)):
        return "timeout"
    return "ended" if isinstance(error, aiohttp.ServerDisconnectedError) else exchange.error_name(error)
