"""Files as a cpio archive, which a Linux kernel unpacks as its first file system (newc, Documentation/driver-api/early-userspace/buffer-format.rst).

Owns the format. Knows nothing of what the files are for.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

_TRAILER = "TRAILER!!!"
_FIELDS = 13
_BLOCK = 4


class Archive:
    """Writes one archive; each name once, the folders above it before it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._names: set[str] = set()
        self._number = 0

    def _head(self, name: str, mode: int, size: int) -> None:
        self._number += 1
        encoded = os.fsencode(name) + b"\0"
        values = (self._number, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, len(encoded), 0)
        assert len(values) == _FIELDS
        head = b"070701" + b"".join(b"%08X" % value for value in values) + encoded
        self._file.write(head)
        self._pad(len(head))

    def _pad(self, size: int) -> None:
        self._file.write(b"\0" * (-size % _BLOCK))

    def _new(self, name: str) -> bool:
        """Whether that name is not there yet; its folders are, from now on."""
        if name in self._names or name in ("", "."):
            return False
        self._names.add(name)
        parent = str(PurePosixPath(name).parent)
        if self._new(parent):
            self._head(parent, stat.S_IFDIR | 0o755, 0)
        return True

    def folder(self, name: str) -> None:
        """An empty folder, or one whose files come later."""
        name = name.strip("/")
        if self._new(name):
            self._head(name, stat.S_IFDIR | 0o755, 0)

    def octets(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """A file of these octets."""
        name = name.strip("/")
        if self._new(name):
            self._head(name, stat.S_IFREG | mode, len(content))
            self._file.write(content)
            self._pad(len(content))

    def add(self, path: Path, name: str) -> None:
        """A file, a link or a folder with all that is in it. Raises ``OSError``."""
        name = name.strip("/")
        found = path.lstat()
        if stat.S_ISDIR(found.st_mode):
            self.folder(name)
            for inner in sorted(path.iterdir()):
                self.add(inner, f"{name}/{inner.name}")
        elif stat.S_ISLNK(found.st_mode) and self._new(name):
            target = os.fsencode(path.readlink())
            self._head(name, stat.S_IFLNK | 0o777, len(target))
            self._file.write(target)
            self._pad(len(target))
        elif stat.S_ISREG(found.st_mode) and self._new(name):
            self._head(name, stat.S_IFREG | stat.S_IMODE(found.st_mode), found.st_size)
            with path.open("rb") as content:
                shutil.copyfileobj(content, self._file, 1 << 20)
            self._pad(found.st_size)

    def end(self) -> None:
        """The archive's last entry."""
        self._head(_TRAILER, 0, 0)


def write(file: IO[bytes], files: Iterable[tuple[Path, str]], texts: Iterable[tuple[str, bytes]] = ()) -> None:
    """An archive of files under the names that they are to have there, and of texts. Raises ``OSError``."""
    archive = Archive(file)
    for path, name in files:
        archive.add(path, name)
    for name, content in texts:
        archive.octets(name, content)
    archive.end()
