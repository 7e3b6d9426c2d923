"""A manifest alone: how an unmodified program is started and spoken to, and the stand-in that keeps the contract for it.

Owns what a manifest may say of a program, the archive of the stand-in, and its one argument.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import Field

from harness.peer.parts import Argv, Strict

ARCHIVE = "standin.pyz"
_HARNESS = Path(__file__).resolve().parents[1]
_MEMBERS = ("bound.py", "held.py", "standin/*.py", "model/patterns.py")
_MAIN = "from harness.standin.main import run\n\nrun()\n"


class ServerProgram(Strict):
    """A program that serves HTTP: ``files`` of the peer's folder are written to its folder, filled in like the ``command``; it is ready when
    it takes a connection. ``path`` is that of a resource that answers GET, HEAD and POST with 200.
    """

    command: Argv
    files: list[str] = []
    path: str = Field(default="/", pattern="^/")
    ready_seconds: float = Field(default=10.0, alias="ready-seconds", gt=0)


class ClientProgram(Strict):
    """A program that asks by HTTP: its ``command``, then ``request`` once for each request with ``between`` between them."""

    command: Argv
    request: Argv
    between: list[str] = []
    methods: dict[str, list[str]]
    field: Argv
    empty_field: list[str] = Field(default=[], alias="empty-field")
    sends: list[str] = []
    chunked: list[str] = []
    local: str
    errors: dict[str, str] = {}


def archive(home: Path) -> Path:
    """The stand-in as one file below ``home``, made if need be."""
    data = octets()
    path = home / hashlib.sha256(data).hexdigest()[:16] / ARCHIVE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(data)
        fresh.replace(path)
    return path


def octets() -> bytes:
    """The archive's octets: the same sources give the same."""
    stream = io.BytesIO()
    sources = {f"harness/{p.relative_to(_HARNESS).as_posix()}": p.read_bytes() for m in _MEMBERS for p in sorted(_HARNESS.glob(m))}
    with zipfile.ZipFile(stream, "w") as archive_:
        for name, data in {"__main__.py": _MAIN.encode(), "harness/__init__.py": b"", "harness/model/__init__.py": b"", **sources}.items():
            archive_.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def argument(
    name: str, folder: Path, server: ServerProgram | None, client: ClientProgram | None, version: list[str], fill: Callable[[list[str]], list[str]]
) -> str:
    """All that the stand-in is told, with the tools' places filled in by ``fill``. Raises ``OSError`` for a file that cannot be read."""
    told: dict[str, Any] = {"name": name, "version": fill(version)}
    if server:
        files = {file: (folder / file).read_text(encoding="utf-8") for file in server.files}
        told["server"] = {**server.model_dump(by_alias=True), "command": fill(server.command), "files": files}
    if client:
        told["client"] = {**client.model_dump(by_alias=True), "command": fill(client.command), "request": fill(client.request)}
    return json.dumps(told)
