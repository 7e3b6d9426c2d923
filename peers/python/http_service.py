"""The http service, with the standard library's ``http.server``: a thread a connection."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import listening
import sockets
from report import Output, Reporter, digest
from resources import Site

_CHUNK = 16384
MAX_CONTENT = 64 * 1024 * 1024


_OWS = " \t"
_CHUNK_HEAD = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n")
_MOST_EXTENSION = 4096
_MOST_DIGITS = 18


class _Refused(Exception):
    """The request's framing is broken, or larger than is taken."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    """Reads a request whole, reports it, answers it from the site, and reports the answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.reporter = Reporter(self.server.output, self.server.id, next(self.server.numbers))
        self.reporter.step("accepted", local=sockets.shown(self.request.getsockname()), remote=sockets.shown(self.request.getpeername()))

    def handle(self) -> None:
        try:
            super().handle()
        except OSError as error:
            if sockets.error_name(error) == "reset":
                self.reporter.step("reset", by="them")

    def answer(self) -> None:
        """Any method: which ones there are is the site's matter."""
        fields = [(n, v) for n, v in self.headers.items()]
        try:
            content, trailers = self._content()
        except _Refused as refused:
            self.close_connection = True
            self.send_error(refused.status)
            return
        told: dict[str, object] = {"method": self.command, "target": self.path, "version": self.request_version, "fields": fields}
        if trailers:
            told["trailers"] = trailers
        self.reporter.step("request", **told, octets=len(content), digest=digest(content))
        answer = self.server.site.answer(self.command, self.path, fields, content)
        self.send_response(answer.status)
        for name, value in answer.fields:
            self.send_header(name, value)
        body = answer.content or b""
        chunked = answer.chunked and self.request_version != "HTTP/1.0"
        if not answer.bodiless:
            if chunked:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")  # http.server leaves saying so to its handlers
        self.end_headers()
        sent = answer.sent(self.command)
        self._send(sent, chunked and self.command != "HEAD" and not answer.bodiless)
        self.reporter.step("response", status=answer.status, octets=len(sent), digest=digest(sent))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = answer  # noqa: N815

    def _send(self, body: bytes, chunked: bool) -> None:
        if not chunked:
            self.wfile.write(body)
            return
        for start in range(0, len(body), _CHUNK):
            piece = body[start : start + _CHUNK]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _content(self) -> tuple[bytes, list[tuple[str, str]]]:
        """The request's content and trailers (RFC 9112 6.3). ``http.server`` leaves that to its users. Raises ``_Refused``."""
        codings = self.headers.get_all("Transfer-Encoding")
        lengths = self.headers.get_all("Content-Length", [])
        if codings is not None:
            self._check_codings([c.strip(_OWS).lower() for line in codings for c in line.split(",")])
            self.close_connection = self.close_connection or bool(lengths)
            return self._chunks()
        if not lengths:
            return b"", []
        length = self._length({value.strip(_OWS) for line in lengths for value in line.split(",")})
        content = self.rfile.read(length)
        if len(content) < length:
            raise _Refused(400)
        return content, []

    def _check_codings(self, codings: list[str]) -> None:
        if self.request_version == "HTTP/1.0" or codings[-1] != "chunked" or codings.count("chunked") > 1:
            raise _Refused(400)
        if len(codings) > 1:
            raise _Refused(501)

    def _length(self, values: set[str]) -> int:
        length = values.pop()
        if values or not (length.isascii() and length.isdigit()):
            raise _Refused(400)
        if len(length) > _MOST_DIGITS or int(length) > MAX_CONTENT:
            raise _Refused(413)
        return int(length)

    def _chunks(self) -> tuple[bytes, list[tuple[str, str]]]:
        content = bytearray()
        while True:
            head = _CHUNK_HEAD.fullmatch(self.rfile.readline(_MOST_EXTENSION))
            if head is None or len(content) + int(head[1], 16) > MAX_CONTENT:
                raise _Refused(400)
            size = int(head[1], 16)
            if size == 0:
                return bytes(content), self._trailers()
            content += self.rfile.read(size)
            if self.rfile.readline(3) != b"\r\n":
                raise _Refused(400)

    def _trailers(self) -> list[tuple[str, str]]:
        found = []
        while (line := self.rfile.readline(65536)) != b"\r\n":
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or not line.endswith(b"\n"):
                raise _Refused(400)
            found.append((name, value.strip()))
        return found

    def log_message(self, *words: object) -> None:
        """Nothing: what happens is reported."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, command: dict[str, Any], output: Output, listener: socket.socket) -> None:
        self.address_family = sockets.family(command["address"])
        self.output = output
        self.id = command["id"]
        self.site = Site(command["site"])
        self.numbers = itertools.count(1)
        self._open: set[socket.socket] = set()
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.server_name, self.server_port = listener.getsockname()[:2]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        handler = None
        try:
            handler = _Handler(request, client_address, self)
        finally:
            self.shutdown_request(request)
            if handler is not None:
                handler.reporter.step("closed")
                handler.reporter.done()
            self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is reported by its handler."""

    def wait_closed(self) -> None:
        """Returns when every connection has told its end, or after a second."""
        limit = time.monotonic() + 1
        while self._open and time.monotonic() < limit:
            time.sleep(0.01)

    def close_all(self) -> None:
        """Ends every connection."""
        for request in list(self._open):
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)  # its thread waits for octets: this wakes it, closing would not


class HttpService:
    """A listening http service in threads of its own."""

    def __init__(self, command: dict[str, Any], output: Output) -> None:
        self._reporter = Reporter(output, command["id"])
        self._server: _Server | None = None
        try:
            listener = listening.listen((command["address"], command["port"]), self._reporter)
        except OSError as error:
            listening.failed(self._reporter, error)
            return
        listener.setblocking(True)
        self._server = _Server(command, output, listener)
        threading.Thread(target=self._server.serve_forever, name="http", daemon=True).start()

    def stop(self) -> None:
        """Ends it; may take a moment."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.close_all()
            self._server.wait_closed()
            self._reporter.step("closed")
            self._reporter.done()
