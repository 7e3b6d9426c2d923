"""The ``ask`` command, with ``requests``."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

import exchange
from report import Reporter


def check(command: dict[str, Any]) -> None:
    """Refuses what ``requests`` cannot send."""
    exchange.check(command, "requests")


class Asking(exchange.Asking):
    """One conversation."""

    def run(self) -> None:
        """Holds it."""
        session = requests.Session()
        session.trust_env = False
        session.headers.clear()
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.mount("http://", _Adapter(self))
        at = -1
        try:
            for request in self.command["requests"]:
                at += 1
                _exchange(session, self.command, request, self.reporter)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            self.reporter.step("failed", at=at, error=_name(error), says=str(error))
        finally:
            session.close()
            self.closed()


def _exchange(session: requests.Session, command: dict[str, Any], asked: dict[str, Any], reporter: Reporter) -> None:
    base = exchange.base(command)
    request = requests.Request(asked["method"], base + "/", headers=_fields(asked), data=exchange.content(asked))
    prepared = session.prepare_request(request)
    prepared.url = base + asked["target"]  # as it was given: prepare() would quote it anew
    timeout = exchange.seconds(command)
    response = session.send(prepared, stream=True, allow_redirects=False, timeout=timeout)
    reporter.step("response", **_told(response, asked))


def _fields(asked: dict[str, Any]) -> dict[str, str]:
    """Fields as a mapping, which is all that ``requests`` takes: repeated ones are joined (RFC 9110 section 5.3)."""
    found: dict[str, str] = {}
    for name, value in asked.get("fields", []):
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _told(response: requests.Response, asked: dict[str, Any]) -> dict[str, object]:
    content, complete = bytearray(), True
    try:
        for piece in response.raw.stream(65536, decode_content=False):
            content += piece
    except (urllib3.exceptions.HTTPError, OSError):
        complete = False
    return {
        "status": response.status_code,
        "reason": response.reason or "",
        "version": f"HTTP/{response.raw.version // 10}.{response.raw.version % 10}",
        "fields": list(response.raw.headers.items()),
        **exchange.received(content, complete, asked),
    }


def _name(error: BaseException) -> str:
    """The contract's word for what lies at the bottom of an exception."""
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return "timeout"
    return exchange.error_name(error)


class _Adapter(HTTPAdapter):
    """An adapter whose connections report that they stand."""

    def __init__(self, asking: Asking) -> None:
        class Connection(HTTPConnection):
            def connect(self) -> None:
                asking.connecting()
                super().connect()
                asking.connected(self.sock)

        class Pool(HTTPConnectionPool):
            ConnectionCls = Connection

        self._pool = Pool
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": self._pool}
