"""What a run's folder holds besides its reports: the peers' logs, and captures by name.

Owns how these files are called, and that a full disk loses logs before it loses results.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

MAX_NAME = 180


class Logs:
    """The peers' standard error, a file for each place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}

    def open(self, place: str) -> Callable[[bytes], None]:
        """Where to write what ``place`` logs. A full disk loses logs before it loses results."""
        try:
            name = f"{place.replace(':', '.')}.log"
            file = self._files.get(place) or self._files.setdefault(place, (self._folder / name).open("ab", buffering=0))
        except OSError:
            return lambda data: None

        def write(data: bytes) -> None:
            with contextlib.suppress(OSError, ValueError):
                file.write(data)

        return write

    def close(self) -> None:
        """Closes all files."""
        for file in self._files.values():
            file.close()


def capture_name(case_id: str) -> str:
    """The file of one case's frames: its id, as one name that every file system takes."""
    name = case_id.replace("/", ",").replace("%", "_").replace(":", "_")
    return f"{name}.pcapng" if len(name) < MAX_NAME else f"{name[:MAX_NAME]}-{hashlib.sha256(case_id.encode()).hexdigest()[:8]}.pcapng"
