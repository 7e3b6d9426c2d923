"""``journal.jsonl``: one line a case, written as it ends, so that nothing done is lost however a run stops."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import StorageError
from harness.model.result import PASS, Result
from harness.model.trace import Trace

FLUSH_SECONDS = 0.25
NAME = "journal.jsonl"


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: a result, and its evidence unless it is the repeat of a pass."""

    result: Result
    trace: Trace | None = None
    says: str = ""


class Journal:
    """The journal of a run that goes on."""

    def __init__(self, folder: Path, head: Mapping[str, Any]) -> None:
        self.path = folder / NAME
        self._flushed = time.monotonic()
        self._encode = msgspec.json.Encoder().encode
        try:
            self._file = self.path.open("wb", buffering=1 << 20)
            self._file.write(self._encode({"run": head}) + b"\n")
            self._file.flush()
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror}", hint="--runs names another folder.") from None

    def add(self, result: Result, trace: Trace | None, says: str) -> None:
        """Writes one case. Raises ``StorageError`` when the disk takes no more."""
        kept = trace if result.attempt == 1 or result.verdict != PASS else None
        self._write(self._encode(Entry(result, kept, says)) + b"\n")

    def _write(self, line: bytes) -> None:
        try:
            self._file.write(line)
            now = time.monotonic()
            if now - self._flushed > FLUSH_SECONDS:
                self._flushed = now
                self._file.flush()
        except OSError as error:
            raise StorageError(
                f"{self.path}: {error.strerror}; what was written before is kept", hint="Make room, or name another folder with --runs."
            ) from None

    def close(self) -> None:
        """Writes what is left."""
        try:
            self._file.close()
        except OSError as error:
            raise StorageError(f"{self.path}: {error.strerror}; the last results may be missing") from None


def read(folder: Path) -> Iterator[Entry]:
    """The cases of a run, also of one that was cut off. Raises ``StorageError`` if there is no journal."""
    decode = msgspec.json.Decoder(Entry).decode
    try:
        with (folder / NAME).open("rb") as file:
            next(file, b"")
            for line in file:
                try:
                    yield decode(line)
                except msgspec.DecodeError:
                    return  # the last line of a run that was killed
    except OSError as error:
        raise StorageError(f"{folder / NAME}: {error.strerror}", hint="Name a run's folder with --run; `parley run` makes one.") from None
