"""A service whose stack runs on asyncio: a loop of its own in a thread of its own, so that the peer's control channel never waits for it.

Owns the life of the service and the reports of its connections. Knows no stack: that is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import listening
import sockets
from report import Output, Reporter, digest
from resources import Site

_END_SECONDS = 1.0


class Conn:
    """One connection's reports."""

    def __init__(self, reporter: Reporter, transport: asyncio.BaseTransport) -> None:
        self._reporter = reporter
        local, remote = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        reporter.step("accepted", local=sockets.shown(local), remote=sockets.shown(remote))

    def request(self, content: bytes, **told: object) -> None:
        """A whole request was handed over."""
        self._reporter.step("request", **told, octets=len(content), digest=digest(content))

    def response(self, status: int, content: bytes) -> None:
        """A whole response was handed to the stack."""
        self._reporter.step("response", status=status, octets=len(content), digest=digest(content))

    def lost(self, error: BaseException | None) -> None:
        """The connection is no more."""
        if error is not None and sockets.error_name(error) == "reset":
            self._reporter.step("reset", by="them")
        self._reporter.step("closed")
        self._reporter.done()


class Hosted:
    """What a stack needs: the site, and reports for new connections."""

    def __init__(self, site: Site, output: Output, id_: str) -> None:
        self.site = site
        self._output, self._id = output, id_
        self._numbers = itertools.count(1)

    def reporter(self) -> Reporter:
        """The report of a connection that was accepted just now."""
        return Reporter(self._output, self._id, next(self._numbers))

    def conn(self, transport: asyncio.BaseTransport) -> Conn:
        """A connection that was accepted just now."""
        return Conn(self.reporter(), transport)


Stop = Callable[[], Awaitable[None]]
Begin = Callable[[Hosted, socket.socket], Awaitable[Stop]]
"""Serves on a listener; what it returns ends that, connections included."""


class LoopService:
    """A listening service."""

    def __init__(self, command: dict[str, Any], output: Output, begin: Begin) -> None:
        self._reporter = Reporter(output, command["id"])
        self._begin = begin
        self._hosted = Hosted(Site(command["site"]), output, command["id"])
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread: threading.Thread | None = None
        try:
            listener = listening.listen((command["address"], command["port"]), self._reporter)
        except OSError as error:
            listening.failed(self._reporter, error)
            return
        self._thread = threading.Thread(target=self._run, args=(listener,), name="service", daemon=True)
        self._thread.start()

    def _run(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(listener))

    async def _serve(self, listener: socket.socket) -> None:
        stop = await self._begin(self._hosted, listener)
        await self._ended.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop(), _END_SECONDS)

    def stop(self) -> None:
        """Ends it; may take a moment."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(2 * _END_SECONDS)
            self._reporter.step("closed")
            self._reporter.done()
