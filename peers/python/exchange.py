"""What the ``ask`` command is, whatever client holds it: what is asked for, the form of what is told, and how it is cut short. Knows no stack."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import sockets
from payload import octets
from report import Reporter, digest
from script import Unsupported

_DEFAULT_DEADLINE = 10_000
_CHUNK = 16384


class Asking:
    """One conversation, held by ``run`` in a thread of its own; ``stop`` may be called from any other."""

    def __init__(self, command: dict[str, Any], reporter: Reporter, on_done: Callable[[], None]) -> None:
        self.command = command
        self.reporter = reporter
        self.on_done = on_done
        self.stopped = False
        self._socks: list[socket.socket] = []

    def connecting(self) -> None:
        """Tells that a connection is begun."""
        self.reporter.step("connecting", remote=[self.command["address"], self.command["port"]])

    def connected(self, sock: socket.socket) -> None:
        """Tells that this connection stands. A stop may have come before it was known."""
        self.reporter.step("connected", local=sockets.shown(sock.getsockname()), remote=sockets.shown(sock.getpeername()))
        self.watch(sock)

    def watch(self, sock: socket.socket) -> None:
        """A connection that a stop ends."""
        self._socks.append(sock)
        if self.stopped:
            self.cut()

    def closed(self) -> None:
        """Tells that it is over."""
        self.reporter.step("closed")
        self.reporter.done()
        self.on_done()

    def stop(self) -> None:
        """Ends it where it stands."""
        self.stopped = True
        self.cut()

    def cut(self) -> None:
        """Closes its sockets: whatever waits for them fails."""
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def check(command: dict[str, Any], stack: str, any_target: bool = False) -> None:
    """Refuses what the stack cannot send as it was given, and what is no content."""
    for request in command["requests"]:
        method, target = str(request["method"]), str(request["target"])
        if method != method.upper():
            raise Unsupported(f"{stack} sends methods in upper case only, not {method!r}")
        if not any_target and not target.startswith("/"):
            raise Unsupported(f"{stack} sends no target like {target!r}")
        if "body" in request:
            octets(request["body"])


def seconds(command: dict[str, Any]) -> float:
    """How long it may take."""
    return float(command.get("deadline", _DEFAULT_DEADLINE)) / 1000


def base(command: dict[str, Any]) -> str:
    """The URL of the server, without a path."""
    address, port = command["address"], command["port"]
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}" + ("" if port == 80 else f":{port}")


def content(asked: dict[str, Any]) -> bytes | Iterator[bytes] | None:
    """The content of a request: an iterator where it is to go out in chunks."""
    if "body" not in asked:
        return None
    whole = octets(asked["body"])
    if asked.get("coding") != "chunked":
        return whole
    return (whole[i : i + _CHUNK] for i in range(0, len(whole), _CHUNK))


def decoded(fields: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """Field lines as they are told."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]


def received(whole: bytes | bytearray, complete: bool, asked: dict[str, Any]) -> dict[str, object]:
    """What is told of a response's content."""
    keep = asked.get("keep", 0)
    kept: dict[str, object] = {"hex": bytes(whole[:keep]).hex()} if keep else {}
    return {"octets": len(whole), "digest": digest(whole), "complete": complete, **kept}


def error_name(error: BaseException) -> str:
    """The contract's word for what lies at the bottom of an exception: the first error of the system among its reasons."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, TimeoutError) or (isinstance(seen, OSError) and seen.errno):
            return sockets.error_name(seen)
        reason = getattr(seen, "reason", None)
        inner = [a for a in seen.args if isinstance(a, BaseException)]
        seen = reason if isinstance(reason, BaseException) else inner[0] if inner else seen.__cause__ or seen.__context__
    return "other"
