"""A folder for what a program leaves: marked, held by a lock as long as the stand-in lives, and removed by the next one if that was killed."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from harness.held import held, take

MARK = "parley-program-"
_LOCK = ".held"


class Scratch:
    """``path`` is the folder. Where there are no locks of this kind, what a killed stand-in left stays."""

    def __init__(self) -> None:
        _sweep()
        self.path = Path(tempfile.mkdtemp(prefix=MARK))
        self._lock = (self.path / _LOCK).open("wb")
        take(self._lock)

    def remove(self) -> None:
        """Removes it with all that is in it."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _sweep() -> None:
    for left in Path(tempfile.gettempdir()).glob(f"{MARK}*"):
        if not held(left / _LOCK):
            shutil.rmtree(left, ignore_errors=True)
