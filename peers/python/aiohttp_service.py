"""The http service, with aiohttp's server."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from loop_service import Conn, Hosted, LoopService, Stop
from report import Output

MAX_CONTENT = 64 * 1024 * 1024
_END_SECONDS = 0.5


class _Application:
    """Answers from the site: as a middleware, so that no router decides which targets there are."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._reports: dict[Any, Conn] = {}

    def watch(self, server: web.Server) -> None:
        """Tells when connections of this server come and go."""
        made, lost = server.connection_made, server.connection_lost

        def connection_made(handler: Any, transport: asyncio.Transport) -> None:
            self._reports[handler] = self._hosted.conn(transport)
            made(handler, transport)

        def connection_lost(handler: Any, exc: BaseException | None = None) -> None:
            self._reports.pop(handler).lost(exc)
            lost(handler, exc)

        server.connection_made, server.connection_lost = connection_made, connection_lost  # type: ignore[method-assign]

    async def answer(self, request: web.Request, _handler: Any) -> web.StreamResponse:
        """Any request."""
        conn = self._reports.get(request.protocol)
        fields = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in request.raw_headers]
        content = await request.read()
        major, minor = request.version
        if conn is not None:
            conn.request(content, method=request.method, target=request.raw_path, version=f"HTTP/{major}.{minor}", fields=fields)
        answer = self._hosted.site.answer(request.method, request.raw_path, fields, content)
        response = web.Response(status=answer.status, headers=CIMultiDict(answer.fields), body=answer.content)
        if answer.chunked and request.version >= (1, 1):
            response.enable_chunked_encoding()
        if conn is not None:
            conn.response(answer.status, answer.sent(request.method))
        return response


async def _begin(hosted: Hosted, listener: socket.socket) -> Stop:
    application = _Application(hosted)

    @web.middleware
    async def answer(request: web.Request, handler: Any) -> web.StreamResponse:
        return await application.answer(request, handler)

    runner = web.AppRunner(web.Application(middlewares=[answer], client_max_size=MAX_CONTENT), access_log=None, shutdown_timeout=_END_SECONDS)
    await runner.setup()
    assert runner.server is not None
    application.watch(runner.server)
    server = await asyncio.get_running_loop().create_server(runner.server, sock=listener)

    async def stop() -> None:
        server.close()
        await runner.cleanup()

    return stop


class HttpService(LoopService):
    """A listening http service."""

    def __init__(self, command: dict[str, Any], output: Output) -> None:
        super().__init__(command, output, _begin)
