"""Asking by FTP: the standard library's ftplib (``ftp.md``)."""

from __future__ import annotations

import contextlib
import ftplib
import io
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import exchange
from payload import octets
from report import Reporter, digest
from script import BadCommand, Unsupported, text, whole

_GOING_DOWN = 421


def check(command: dict[str, Any]) -> None:
    """Refuses what is no list of operations, and what ftplib does not do."""
    text(command, "user")
    text(command, "password")
    if not command["operations"]:
        raise BadCommand("a session has operations")
    for operation in command["operations"]:
        name = operation["op"]
        if not hasattr(Asking, f"do_{name}"):
            raise Unsupported(f"there is no operation {name!r} here")
        for member in () if name == "where" else ("name", "to") if name == "rename" else ("name",):
            text(operation, member)
        whole(operation, "offset", needed=False)
        if name in ("store", "append"):
            octets(operation["content"])


class DataPort(socket.socket):
    """Where the server's data connection is waited for: those of others are turned away (``ftp.md``), which ftplib does not do."""

    server = ""

    def accept(self) -> tuple[socket.socket, Any]:
        """The server's."""
        while True:
            made, sender = super().accept()
            if sender[0] == self.server:
                return made, sender
            made.close()


class Client(ftplib.FTP):
    """ftplib's client, whose connections are told."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._told = False
        super().__init__()

    def getresp(self) -> str:
        """The next reply; before the first one the connection stands."""
        if not self._told:
            self._told = True
            assert self.sock is not None
            self._asking.connected(self.sock)
        self.timeout = self._asking.left()
        return super().getresp()

    def makeport(self) -> socket.socket:
        """Where a data connection is waited for, until a stop."""
        assert self.sock is not None
        made = super().makeport()
        port = DataPort(made.family, made.type, made.proto, fileno=made.detach())
        port.settimeout(self.timeout)
        port.server = self.sock.getpeername()[0]
        self._asking.watch(port)
        return port

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        """A data connection, which a stop ends, too."""
        made = super().ntransfercmd(cmd, rest)
        self._asking.watch(made[0])
        return made


class Asking(exchange.Asking):
    """One session."""

    def __init__(self, command: dict[str, Any], reporter: Reporter, on_done: Callable[[], None]) -> None:
        super().__init__(command, reporter, on_done)
        self._at = -1
        self._late = False
        self._limit = time.monotonic() + exchange.seconds(command)
        self.ftp = Client(self)

    def run(self) -> None:
        """Holds it."""
        self.ftp.set_pasv(not self.command.get("active", False))
        timer = threading.Timer(self.left(), self._expire)
        timer.start()
        try:
            if self._begins() and self._does_all():
                self.ftp.quit()
        except (ftplib.Error, OSError, EOFError, ValueError) as error:
            says = "the deadline passed" if self._late else str(error) or "the connection ended"
            self.reporter.step("failed", at=self._at, error="timeout" if self._late else _name(error), says=says)
        finally:
            timer.cancel()
            self.ftp.close()
            self.closed()

    def left(self) -> float:
        """Seconds to the deadline."""
        return max(0.001, self._limit - time.monotonic())

    def _expire(self) -> None:
        """The deadline passed: however much still comes, it is over."""
        self._late = True
        self.stop()

    def _begins(self) -> bool:
        """Greeting, USER and PASS. Where they are refused, the first operation has that status."""
        try:
            self.connecting()
            self.ftp.connect(self.command["address"], self.command["port"], self.left())
            self.ftp.login(self.command["user"], self.command["password"])
        except (ftplib.error_perm, ftplib.error_temp) as error:
            self._told(self.command["operations"][0], _code(error))
            self._leave()
            return False
        return True

    def _does_all(self) -> bool:
        """The operations; False where the server takes no more."""
        for operation in self.command["operations"]:
            self._at += 1
            try:
                found = getattr(self, f"do_{operation['op']}")(operation)
            except (ftplib.error_perm, ftplib.error_temp) as error:
                self._told(operation, _code(error))
                if _code(error) == _GOING_DOWN:
                    return False
            else:
                self._told(operation, int(self.ftp.lastresp), **found)
        return True

    def _leave(self) -> None:
        with contextlib.suppress(ftplib.Error, OSError, EOFError):
            self.ftp.quit()

    def _told(self, operation: dict[str, Any], status: int, **more: object) -> None:
        self.reporter.step("did", op=operation["op"], status=status, **more)

    # -- the operations -----------------------------------------------------------------------------------------

    def do_retrieve(self, operation: dict[str, Any]) -> dict[str, object]:
        """RETR."""
        came = bytearray()
        command, offset = f"RETR {operation['name']}", operation.get("offset") or None
        if operation.get("type") != "ascii":
            self.ftp.retrbinary(command, came.extend, rest=offset)
        elif offset is None:
            self.ftp.retrlines(command, lambda line: came.extend(line.encode("utf-8", "surrogateescape") + b"\n"))
        else:
            self.ftp.voidcmd("TYPE A")
            with self.ftp.transfercmd(command, offset) as data:
                while octets_ := data.recv(65536):
                    came += octets_
            self.ftp.voidresp()
            came = came.replace(b"\r\n", b"\n")
        return _amount(bytes(came))

    def do_store(self, operation: dict[str, Any]) -> dict[str, object]:
        """STOR."""
        return self._up("STOR", operation)

    def do_append(self, operation: dict[str, Any]) -> dict[str, object]:
        """APPE."""
        return self._up("APPE", operation)

    def _up(self, verb: str, operation: dict[str, Any]) -> dict[str, object]:
        content = octets(operation["content"])
        command, offset = f"{verb} {operation['name']}", operation.get("offset") or None
        if operation.get("type") != "ascii":
            self.ftp.storbinary(command, io.BytesIO(content), rest=offset)
        elif offset is None:
            self.ftp.storlines(command, io.BytesIO(content))
        else:
            self.ftp.voidcmd("TYPE A")
            with self.ftp.transfercmd(command, offset) as data:
                data.sendall(content.replace(b"\n", b"\r\n"))
            self.ftp.voidresp()
        return _amount(content)

    def do_names(self, operation: dict[str, Any]) -> dict[str, object]:
        """NLST."""
        return {"names": self.ftp.nlst(*([operation["name"]] if operation["name"] else []))}

    def do_entries(self, operation: dict[str, Any]) -> dict[str, object]:
        """MLSD."""
        found = [(name, facts.get("type", "").lower(), facts.get("size")) for name, facts in self.ftp.mlsd(operation["name"])]
        return {"entries": [[n, t, int(s) if t == "file" and s is not None else None] for n, t, s in found if t in ("file", "dir")]}

    def do_size(self, operation: dict[str, Any]) -> dict[str, object]:
        """SIZE."""
        self.ftp.voidcmd("TYPE I")
        return {"size": self.ftp.size(operation["name"])}

    def do_rename(self, operation: dict[str, Any]) -> dict[str, object]:
        """RNFR, RNTO."""
        self.ftp.rename(operation["name"], operation["to"])
        return {}

    def do_delete(self, operation: dict[str, Any]) -> dict[str, object]:
        """DELE."""
        self.ftp.delete(operation["name"])
        return {}

    def do_make(self, operation: dict[str, Any]) -> dict[str, object]:
        """MKD."""
        self.ftp.mkd(operation["name"])
        return {}

    def do_remove(self, operation: dict[str, Any]) -> dict[str, object]:
        """RMD."""
        self.ftp.rmd(operation["name"])
        return {}

    def do_enter(self, operation: dict[str, Any]) -> dict[str, object]:
        """CWD."""
        self.ftp.cwd(operation["name"])
        return {}

    def do_where(self, operation: dict[str, Any]) -> dict[str, object]:
        """PWD."""
        return {"name": self.ftp.pwd()}


def _amount(content: bytes) -> dict[str, object]:
    return {"octets": len(content), "digest": digest(content)}


def _code(error: ftplib.Error) -> int:
    return int(str(error)[:3])


def _name(error: BaseException) -> str:
    """The contract's word for what broke the session off."""
    return "ended" if isinstance(error, EOFError) else exchange.error_name(error)
