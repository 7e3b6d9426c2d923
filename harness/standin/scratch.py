"""A folder for what a program leaves: marked, held by a lock as long as the stand-in lives, and removed by the next one if that was killed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO

MARK = "parley-program-"
_LOCK = ".held"


class Scratch:
    """``path`` is the folder. Where there are no locks of this kind, what a killed stand-in left stays."""

    def __init__(self) -> None:
        _sweep()
        self.path = Path(tempfile.mkdtemp(prefix=MARK))
        self._lock = (self.path / _LOCK).open("wb")
        _take(self._lock)

    def remove(self) -> None:
        """Removes it with all that is in it."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _sweep() -> None:
    for left in Path(tempfile.gettempdir()).glob(f"{MARK}*"):
        try:
            with (left / _LOCK).open("rb+") as lock:
                if _take(lock):
                    shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue  # somebody else's, or just being made


def _take(lock: IO[bytes]) -> bool:
    """Whether nobody else holds it."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
