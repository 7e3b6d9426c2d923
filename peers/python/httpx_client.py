"""The ``ask`` command, with httpx (httpcore and h11)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import httpx

import exchange
import sockets
from report import Reporter


def check(command: dict[str, Any]) -> None:
    """Refuses what httpx cannot send."""
    exchange.check(command, "httpx", any_target=True)
    for request in command["requests"]:
        request["target"].encode("latin-1")


class Asking:
    """One conversation, held in a thread of its own; ``stop`` may be called from any other."""

    def __init__(self, command: dict[str, Any], reporter: Reporter, on_done: Callable[[], None]) -> None:
        self._command = command
        self._reporter = reporter
        self._on_done = on_done
        self._socks: list[Any] = []

    def run(self) -> None:
        """Holds it."""
        seconds = exchange.seconds(self._command)
        at = -1
        try:
            with httpx.Client(trust_env=False, follow_redirects=False, timeout=seconds) as client:
                for asked in self._command["requests"]:
                    at += 1
                    self._exchange(client, asked)
        except (httpx.HTTPError, OSError, ValueError) as error:
            self._reporter.step("failed", at=at, error=_name(error), says=str(error) or type(error).__name__)
        finally:
            self._reporter.step("closed")
            self._reporter.done()
            self._on_done()

    def _exchange(self, client: httpx.Client, asked: dict[str, Any]) -> None:
        # the target as it was given: a URL would be normalized
        extensions = {"target": asked["target"].encode("latin-1"), "trace": self._trace, "timeout": client.timeout.as_dict()}
        fields = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in asked.get("fields", [])]
        request = httpx.Request(
            asked["method"], exchange.base(self._command) + "/", headers=fields, content=exchange.content(asked), extensions=extensions,
        )  # fmt: skip
        response = client.send(request, stream=True)
        self._reporter.step("response", **_told(response, asked))

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


def _told(response: httpx.Response, asked: dict[str, Any]) -> dict[str, object]:
    content, complete = bytearray(), True
    try:
        for piece in response.iter_raw():
            content += piece
    except (httpx.HTTPError, OSError):
        complete = False
    finally:
        response.close()
    return {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "version": response.http_version,
        "fields": exchange.decoded(response.headers.raw),
        **exchange.received(content, complete, asked),
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
