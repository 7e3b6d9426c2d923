"""The ftp service: pyftpdlib, with a tree of its own for each session (``ftp.md``).

Owns the thread in which pyftpdlib's loop runs, the trees, and the reports of control connections. What is answered is the library's.
"""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

import listening
import payload
import sockets
from report import Output, Reporter, digest

logging.getLogger("pyftpdlib").addHandler(logging.NullHandler())
logging.getLogger("pyftpdlib").setLevel(logging.ERROR)
NOBODY = "nobody"
DATA_SECONDS = 5
_TURN_SECONDS = 0.5
_END_SECONDS = 2.0


class Passive(FTPHandler.passive_dtp):  # type: ignore[misc]
    """Where a client's data connection is waited for."""

    timeout = DATA_SECONDS


class Active(FTPHandler.active_dtp):  # type: ignore[misc]
    """A data connection to a client.

    pyftpdlib (2.2.0) closes it once more at the next PORT, when its descriptor may be another's: that one must stay in the loop.
    """

    timeout = DATA_SECONDS

    def del_channel(self, map: dict[int, Any] | None = None) -> None:  # noqa: A002 (the library's name)
        """Leaves the loop, if it is still there."""
        if self.ioloop.socket_map.get(self._fileno) is self:
            super().del_channel(map)


class Everybody(DummyAuthorizer):  # type: ignore[misc]
    """Who may come in: all but one, and all of them may do everything in their own tree."""

    def validate_authentication(self, username: str, password: str, handler: FTPHandler) -> None:
        if username == NOBODY:
            raise AuthenticationFailed("Not you.")

    def get_home_dir(self, username: str) -> str:
        return "/"  # a session's tree takes its place as soon as it is let in

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        return True

    def get_perms(self, username: str) -> str:
        return "elradfmwMT"

    def get_msg_login(self, username: str) -> str:
        return "Come in."

    def get_msg_quit(self, username: str) -> str:
        return "Goodbye."


class Tree:
    """A folder with the files of all sessions, until it is removed."""

    def __init__(self, files: list[dict[str, Any]]) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="parley-ftp-"))
        for file in files:
            path = self.root / file["name"]
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as made:
                made.truncate(file.get("hole", 0))
                made.seek(0, os.SEEK_END)
                made.write(payload.octets(file["content"]))

    def named(self, path: str) -> str:
        """A path below the root, as the contract writes it."""
        return Path(path).relative_to(self.root).as_posix()

    def remove(self) -> None:
        """Takes it away."""
        shutil.rmtree(self.root, ignore_errors=True)


class Session(FTPHandler):  # type: ignore[misc]
    """One control connection, and its report."""

    authorizer = Everybody()
    passive_dtp, active_dtp = Passive, Active
    banner = "python.example is ready."
    auth_failed_timeout = 0.01
    service: Service

    def __init__(self, *args: Any, **more: Any) -> None:
        self.reporter: Reporter | None = None
        self.tree: Tree | None = None
        super().__init__(*args, **more)

    def handle(self) -> None:
        """It was accepted."""
        self.reporter = self.service.reporter()
        self.reporter.step("accepted", local=sockets.shown(self.socket.getsockname()), remote=sockets.shown(self.socket.getpeername()))
        super().handle()

    def handle_auth_success(self, home: str, password: str, msg_login: str) -> None:
        """Who is let in gets a tree."""
        self._remove()
        self.tree = Tree(self.service.files)
        super().handle_auth_success(str(self.tree.root), password, msg_login)

    def on_file_received(self, file: str) -> None:
        """A file was stored."""
        content = Path(file).read_bytes()
        assert self.reporter is not None and self.tree is not None
        self.reporter.step("stored", name=self.tree.named(file), octets=len(content), digest=digest(content))

    def close(self) -> None:
        """The connection is no more."""
        super().close()
        self._remove()
        if self.reporter is not None:
            self.reporter.step("closed")
            self.reporter.done()
            self.reporter = None

    def _remove(self) -> None:
        if self.tree is not None:
            self.tree.remove()
            self.tree = None


class Service:
    """A listening ftp service."""

    def __init__(self, command: dict[str, Any], output: Output) -> None:
        self.files: list[dict[str, Any]] = command["files"]
        for file in self.files:
            payload.octets(file["content"])
        self._id, self._output = command["id"], output
        self._numbers = itertools.count(1)
        self._report = Reporter(output, command["id"])
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        try:
            listener = listening.listen((command["address"], command["port"]), self._report)
        except OSError as error:
            listening.failed(self._report, error)
            return
        self._thread = threading.Thread(target=self._run, args=(listener,), name="ftp", daemon=True)
        self._thread.start()

    def reporter(self) -> Reporter:
        """The report of a connection that was accepted just now."""
        return Reporter(self._output, self._id, next(self._numbers))

    def _run(self, listener: socket.socket) -> None:
        handler = type("Here", (Session,), {"service": self})
        loop = IOLoop()
        server = FTPServer(listener, handler, ioloop=loop, backlog=sockets.BACKLOG)
        soonest: float | None = None
        try:
            while not self._ended.is_set():
                soonest = loop.loop(_TURN_SECONDS if soonest is None else min(soonest, _TURN_SECONDS), blocking=False)
        finally:
            server.close_all()

    def stop(self) -> None:
        """Ends it, connections included; may take a moment."""
        if self._thread is not None:
            self._ended.set()
            self._thread.join(_END_SECONDS)
            self._report.step("closed")
            self._report.done()
