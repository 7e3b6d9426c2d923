"""What a client does with the files of an FTP server, and what must come of it (RFC 959). Frozen values."""

from __future__ import annotations

from typing import Any

import msgspec

from harness.model.payload import Payload

STORING = ("store", "append")
LISTING = ("names", "entries")
VERBS = {
    "retrieve": "RETR", "store": "STOR", "append": "APPE", "names": "NLST", "entries": "MLSD", "size": "SIZE", "rename": "RNFR",
    "delete": "DELE", "make": "MKD", "remove": "RMD", "enter": "CWD", "where": "PWD",
}  # fmt: skip
"""By the contract's word (``peers/ftp.md``): the command that stands for it on the control connection."""
Entry = tuple[str, str, int | None]
"""Name, ``file`` or ``dir``, octets."""


class Operation(msgspec.Struct, frozen=True):
    """One operation. ``told``: as the contract's ``ask`` takes it; ``content``: what is given, or what must come; ``left``: the file that is
    at the server afterwards, its name and content; ``status``: what the deciding reply's code may be (``2xx``, ``550``); ``breaks``: or the
    session may break off. ``names``, ``entries``, ``size``, ``path``: what must come of operations that tell such, None: not looked at.
    """

    op: str
    told: dict[str, Any]
    content: Payload | None = None
    left: tuple[str, Payload] | None = None
    status: tuple[str, ...] = ("2xx",)
    breaks: bool = False
    names: tuple[str, ...] | None = None
    entries: tuple[Entry, ...] | None = None
    size: int | None = None
    path: str | None = None
    requires: tuple[str, ...] = ()

    @property
    def succeeds(self) -> bool:
        """Whether the server must do it."""
        return any(code.startswith("2") for code in self.status)

    @property
    def moves(self) -> bool:
        """Whether a data connection carries something."""
        return self.succeeds and self.op in ("retrieve", *STORING, *LISTING)

    def on_the_wire(self) -> bytes:
        """The content as it is carried: in TYPE A lines end in CRLF (3.1.1.1)."""
        octets = self.content.octets() if self.content else b""
        return octets.replace(b"\n", b"\r\n") if self.told.get("type") == "ascii" else octets


class Session(msgspec.Struct, frozen=True):
    """All that a client does over one control connection. ``active``: data connections are made by the server."""

    operations: tuple[Operation, ...]
    active: bool = False
    user: str = "parley"
    password: str = "parley"  # noqa: S105 (there is nothing behind it)
