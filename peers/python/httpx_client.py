"""The ``ask`` command, with httpx (httpcore and h11)."""

from __future__ import annotations

from typing import Any

import httpx

import exchange


def check(command: dict[str, Any]) -> None:
    """Refuses what httpx cannot send."""
    exchange.check(command, "httpx", any_target=True)
    for request in command["requests"]:
        request["target"].encode("latin-1")


class Asking(exchange.Asking):
    """One conversation."""

    def run(self) -> None:
        """Holds it."""
        at = -1
        try:
            with httpx.Client(trust_env=False, verify=False, follow_redirects=False, timeout=exchange.seconds(self.command)) as client:
                for asked in self.command["requests"]:
                    at += 1
                    self._exchange(client, asked)
        except (httpx.HTTPError, OSError, ValueError) as error:
            self.reporter.step("failed", at=at, error=_name(error), says=str(error) or type(error).__name__)
        finally:
            self.closed()

    def _exchange(self, client: httpx.Client, asked: dict[str, Any]) -> None:
        # the target as it was given: a URL would be normalized
        extensions = {"target": asked["target"].encode("latin-1"), "trace": self._trace, "timeout": client.timeout.as_dict()}
        fields = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in asked.get("fields", [])]
        request = httpx.Request(
            asked["method"], exchange.base(self.command) + "/", headers=fields, content=exchange.content(asked), extensions=extensions,
        )  # fmt: skip
        response = client.send(request, stream=True)
        self.reporter.step("response", **_told(response, asked))

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            self.connecting()
        elif event == "connection.connect_tcp.complete":
            self.connected(info["return_value"].get_extra_info("socket"))


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
    if isinstance(error, httpx.RemoteProtocolError) and "disconnected" in str(error):
        return "ended"
    return exchange.error_name(error)
