"""The ``ask`` command, with httpx (httpcore and h11)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import httpx

import sockets
from payload import octets
from report import Reporter, digest

_CHUNK = 16384
DEFAULT_DEADLINE = 10_000


def check(command: dict[str, Any]) -> None:
    """Refuses what cannot be sent: what is no target or no content."""
    for request in command["requests"]:
        request["target"].encode("latin-1")
        if "body" in request:
            octets(request["body"])


class Asking:
    """One conversation, held in a thread of its own; ``stop`` may be called from any other."""

    def __init__(self, command: dict[str, Any], reporter: Reporter, on_done: Callable[[], None]) -> None:
        self._command = command
        self._reporter = reporter
        self._on_done = on_done
        self._socks: list[Any] = []

    def run(self) -> None:
        """Holds it."""
        seconds = self._command.get("deadline", DEFAULT_DEADLINE) / 1000
        at = -1
        try:
            with httpx.Client(trust_env=False, follow_redirects=False, timeout=seconds) as client:
                for asked in self._command["requests"]:
                    at += 1
                    self._exchange(client, asked)
        except (httpx.HTTPError, OSError) as error:
            self._reporter.step("failed", at=at, error=_name(error), says=str(error) or type(error).__name__)
        finally:
            self._reporter.step("closed")
            self._reporter.done()
            self._on_done()

    def _exchange(self, client: httpx.Client, asked: dict[str, Any]) -> None:
        address, port = self._command["address"], self._command["port"]
        host = f"[{address}]" if ":" in address else address
        url = f"http://{host}" + ("" if port == 80 else f":{port}") + "/"
        # the target as it was given: a URL would be normalized
        extensions = {"target": asked["target"].encode("latin-1"), "trace": self._trace, "timeout": client.timeout.as_dict()}
        fields = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in asked.get("fields", [])]
        request = httpx.Request(asked["method"], url, headers=fields, content=_content(asked), extensions=extensions)
        response = client.send(request, stream=True)
        self._reporter.step("response", **_told(response, asked.get("keep", 0)))

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            self._reporter.step("connecting", remote=[self._command["address"], self._command["port"]])
        elif event == "connection.connect_tcp.complete":
            sock = info["return_value"].get_extra_info("socket")
            self._socks.append(sock)
            self._reporter.step("connected", local=sockets.shown(sock.getsockname()), remote=sockets.shown(sock.getpeername()))

    def stop(self) -> None:
        """Closes its sockets: whatever waits for them fails."""
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _content(asked: dict[str, Any]) -> Any:
    if "body" not in asked:
        return None
    content = octets(asked["body"])
    if asked.get("coding") != "chunked":
        return content
    return (content[i : i + _CHUNK] for i in range(0, len(content), _CHUNK))


def _told(response: httpx.Response, keep: int) -> dict[str, object]:
    content, complete = bytearray(), True
    try:
        for piece in response.iter_raw():
            content += piece
    except (httpx.HTTPError, OSError):
        complete = False
    finally:
        response.close()
    kept: dict[str, object] = {"hex": bytes(content[:keep]).hex()} if keep else {}
    return {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "version": response.http_version,
        "fields": [(n.decode("latin-1"), v.decode("latin-1")) for n, v in response.headers.raw],
        "octets": len(content),
        "digest": digest(content),
        "complete": complete,
        **kept,
    }


def _name(error: BaseException) -> str:
    """The contract's word for what lies at the bottom of an exception."""
    if isinstance(error, httpx.TimeoutException):
        return "timeout"
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno:
            return sockets.error_name(seen)
        seen = seen.__cause__ or seen.__context__
    return "ended" if isinstance(error, httpx.RemoteProtocolError) and "disconnected" in str(error) else "other"
