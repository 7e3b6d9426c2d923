"""The http service, with uvicorn on h11: an application of ASGI."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from loop_service import Conn, Hosted, LoopService, Stop
from report import Output

_CHUNK = 16384
_PAUSE = 0.01
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class _Application:
    """Answers from the site; connections are told apart by the client's address."""

    def __init__(self, hosted: Hosted) -> None:
        self.hosted = hosted
        self.reports: dict[tuple[str, int], Conn] = {}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        content = bytearray()
        more = True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            content += event.get("body", b"")
            more = event.get("more_body", False)
        method = scope["method"]
        query = scope["query_string"]
        target = (scope["raw_path"] + (b"?" + query if query else b"")).decode("latin-1")
        fields = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"]]
        conn = self.reports.get(tuple(scope["client"])) if scope["client"] else None
        if conn is not None:
            conn.request(bytes(content), method=method, target=target, version=f"HTTP/{scope['http_version']}", fields=fields)
        answer = self.hosted.site.answer(method, target, fields, bytes(content))
        body = answer.content or b""
        told = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in answer.fields]
        if not answer.chunked and not answer.bodiless:
            told.append((b"content-length", str(len(body)).encode()))
        sent = answer.sent(method)
        await send({"type": "http.response.start", "status": answer.status, "headers": told})
        pieces = [sent[i : i + _CHUNK] for i in range(0, len(sent), _CHUNK)] if answer.chunked else [sent]
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        if conn is not None:
            conn.response(answer.status, sent)


def _protocol(application: _Application) -> type[H11Protocol]:
    class Protocol(H11Protocol):
        """Tells when connections come and go."""

        def connection_made(self, transport: Any) -> None:
            self.report = application.hosted.conn(transport)
            self.report_key = tuple(transport.get_extra_info("peername")[:2])
            application.reports[self.report_key] = self.report
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if application.reports.get(self.report_key) is self.report:
                del application.reports[self.report_key]
            self.report.lost(exc)

    return Protocol


async def _begin(hosted: Hosted, listener: socket.socket) -> Stop:
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    application = _Application(hosted)
    config = uvicorn.Config(application, http=_protocol(application), ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    server = uvicorn.Server(config)
    serving = asyncio.get_running_loop().create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(_PAUSE)

    async def stop() -> None:
        server.should_exit = server.force_exit = True
        for connection in list(server.server_state.connections):
            connection.transport.close()
        await serving

    return stop


class HttpService(LoopService):
    """A listening http service."""

    def __init__(self, command: dict[str, Any], output: Output) -> None:
        super().__init__(command, output, _begin)
