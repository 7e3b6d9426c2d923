"""What the ``ask`` command is, whatever client holds it: what is asked for, and the form of what is told. Knows no stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from payload import octets
from report import digest
from script import Unsupported

_DEFAULT_DEADLINE = 10_000
_CHUNK = 16384


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
