"""One machine that several peers share: its folder, its names, and what a killed run left of them.

Owns the names that conversations give to sockets, FIFOs, segments and queues: all carry the run's mark. What bears the mark of a run that
is gone is removed by the next one, and nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from harness.held import held, take

MARK = "parley-machine-"
_LOCK, _QUEUES = ".held", ".queues"
_SEGMENTS = Path("/dev/shm")  # noqa: S108
_WAYS = ("-up", "-down")
_BLOCK = 256
_ID = re.compile(r"[0-9a-f]{8}")


class Names:
    """The names of one machine. ``folder`` is what its processes share; ``owner`` the user and group that must be able to write there."""

    def __init__(self, owner: tuple[int, int] | None = None) -> None:
        sweep()
        self._mark = secrets.token_hex(4)
        self.folder = Path(tempfile.gettempdir(), f"{MARK}{self._mark}")
        made = self.folder.with_name(f".{self.folder.name}")  # nobody may find it before its lock is held
        made.mkdir(mode=0o700)
        self._lock = (made / _LOCK).open("wb")
        take(self._lock)
        if owner:
            _give(made, owner)
        made.rename(self.folder)
        self._count = itertools.count(1)
        self._queues = 0

    def new(self, transport: str, *, abstract: bool = False) -> str:
        """A name that nothing has yet, as a script's ``address``."""
        number = next(self._count)
        if transport == "message-queue":
            self._note_queues(number)
        if transport in ("message-queue", "shared-memory"):
            return f"/parley-{self._mark}-{number}"
        return f"@parley-{self._mark}-{number}" if abstract else str(self.folder / str(number))

    def _note_queues(self, number: int) -> None:
        """Where nobody can list queues, how far their numbers may go has to be known afterwards."""
        if number > self._queues:
            self._queues = number + _BLOCK
            (self.folder / _QUEUES).write_text(str(self._queues))

    @property
    def prefix(self) -> str:
        """What the names of its segments begin with, without the slash."""
        return f"parley-{self._mark}-"

    def remove(self) -> None:
        """Removes whatever still bears the mark."""
        _remove(self.folder)
        self._lock.close()

    close = remove


def _give(folder: Path, owner: tuple[int, int]) -> None:
    if sys.platform != "win32":
        os.chown(folder, *owner)


def sweep() -> None:
    """Removes what runs left that were killed. A folder whose lock is held belongs to one that goes on."""
    for left in Path(tempfile.gettempdir()).glob(f"{MARK}*"):
        if not held(left / _LOCK):
            _remove(left)


def _remove(folder: Path) -> None:
    mark = folder.name.removeprefix(MARK)
    if not _ID.fullmatch(mark):
        return
    for segment in _SEGMENTS.glob(f"parley-{mark}-*"):
        with contextlib.suppress(OSError):
            segment.unlink()
    with contextlib.suppress(OSError, ValueError):
        _unlink_queues(mark, int((folder / _QUEUES).read_text()))
    shutil.rmtree(folder, ignore_errors=True)


def _unlink_queues(mark: str, last: int) -> None:
    """Queues have no place in the file system that is always there: they are removed by name (mq_unlink)."""
    unlink: Callable[[bytes], int] | None = getattr(ctypes.CDLL(None), "mq_unlink", None)
    if unlink is None:
        return
    for number in range(1, last + 1):
        for way in _WAYS:
            unlink(f"/parley-{mark}-{number}{way}".encode())
