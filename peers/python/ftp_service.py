"""The ftp service: pyftpdlib, with a tree of its own for each session (``ftp.md``).

Owns the thread in which pyftpdlib's loop runs, the trees, and the reports of control connections. What is answered is the library's.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import os
import queue
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

import listening
import payload
import sockets
from report import Output, Reporter

_LOG = logging.getLogger("pyftpdlib")
_LOG.addHandler(logging.StreamHandler())
_LOG.setLevel(logging.ERROR)
NOBODY = "nobody"
DATA_SECONDS = 5
_END_SECONDS = 1.0


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


class File(NamedTuple):
    """One that every session begins with."""

    name: str
    hole: int
    content: bytes


class Tree:
    """A folder with the files of all sessions, until it is removed."""

    def __init__(self, files: list[File]) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="parley-ftp-"))
        for file in files:
            path = self.root / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as made:
                made.truncate(file.hole)
                made.seek(0, os.SEEK_END)
                made.write(file.content)

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
        local, remote = sockets.shown(self.socket.getsockname()), sockets.shown(self.socket.getpeername())
        self.reporter = self.service.reporter()
        self.service.began(self)
        self.reporter.step("accepted", local=local, remote=remote)
        super().handle()

    def handle_auth_success(self, home: str, password: str, msg_login: str) -> None:
        """Who is let in gets a tree."""
        self._remove()
        self.tree = Tree(self.service.files)
        super().handle_auth_success(str(self.tree.root), password, msg_login)

    def on_file_received(self, file: str) -> None:
        """A file was stored."""
        assert self.reporter is not None and self.tree is not None
        with Path(file).open("rb") as held:  # which may have a hole that no memory has room for
            told = hashlib.file_digest(held, "sha256").hexdigest()
            self.reporter.step("stored", name=self.tree.named(file), octets=held.tell(), digest=told)

    def close(self) -> None:
        """The connection is no more."""
        super().close()
        self._remove()
        self.service.over(self)
        if self.reporter is not None:
            self.reporter.step("closed")
            self.reporter.done()
            self.reporter = None

    def _remove(self) -> None:
        if self.tree is not None:
            self.tree.remove()
            self.tree = None


class Turning:
    """The one thread in which pyftpdlib turns for all services: its channels share descriptors' numbers, and no lock."""

    def __init__(self) -> None:
        self.loop = IOLoop()
        self._work: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._heard, self._bell = socket.socketpair()
        self.loop.register(self._heard.fileno(), self, self.loop.READ)
        threading.Thread(target=self._turn, name="ftp", daemon=True).start()

    def do(self, work: Callable[[], object]) -> None:
        """Has something done in that thread, soon."""
        self._work.put(work)
        self._bell.send(b"!")

    def _turn(self) -> None:
        soonest: float | None = None
        while True:
            soonest = self.loop.loop(soonest, blocking=False)

    def readable(self) -> bool:
        """What pyftpdlib asks of whatever it turns."""
        return True

    def handle_read_event(self) -> None:
        """There is work: a piece for each octet."""
        self._heard.recv(1)
        self._work.get()()

    def handle_error(self) -> None:
        """A piece of work failed; the others are done all the same."""
        _LOG.exception("what was to be done for a service failed")


@lru_cache(maxsize=1)
def turning() -> Turning:
    """That thread, started when it is first needed."""
    return Turning()


class Service:
    """A listening ftp service."""

    on_disk = True

    def __init__(self, command: dict[str, Any], output: Output) -> None:
        self.files = [File(file["name"], file.get("hole", 0), payload.octets(file["content"])) for file in command["files"]]
        self._id, self._output = command["id"], output
        self._numbers = itertools.count(1)
        self._report = Reporter(output, command["id"])
        self._server: FTPServer | None = None
        self._sessions: set[Session] = set()
        try:
            listener = listening.listen((command["address"], command["port"]), self._report)
        except OSError as error:
            listening.failed(self._report, error)
            return
        turning().do(lambda: self._begin(listener))

    def reporter(self) -> Reporter:
        """The report of a connection that was accepted just now."""
        return Reporter(self._output, self._id, next(self._numbers))

    def _begin(self, listener: socket.socket) -> None:
        handler = type("Here", (Session,), {"service": self})
        self._server = FTPServer(listener, handler, ioloop=turning().loop, backlog=sockets.BACKLOG)

    def _end(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for session in list(self._sessions):
            session.close()
        self._report.step("closed")
        self._report.done()

    def began(self, session: Session) -> None:
        """A session that a stop ends, too."""
        self._sessions.add(session)

    def over(self, session: Session) -> None:
        """A session that is no more."""
        self._sessions.discard(session)

    def stop(self) -> None:
        """Ends it, connections included; may take a moment. What is on the disk is gone when this returns."""
        ended = threading.Event()
        turning().do(self._end)
        turning().do(ended.set)
        ended.wait(_END_SECONDS)
