"""Locks that say that somebody still lives: a file in a folder, held as long as its maker is there, and free when that was killed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO


def take(lock: IO[bytes]) -> bool:
    """Whether it was free; then it is held until the file is closed, or its holder gone. Where there are no locks of this kind, it never is."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def held(path: Path) -> bool:
    """Whether somebody holds it, or it is not known that nobody does: it is not there (yet), or not ours."""
    try:
        with path.open("rb+") as lock:
            return not take(lock)
    except OSError:
        return True
