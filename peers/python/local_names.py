"""What scripts on one machine share, whatever they run over: the names that a server makes, and takes away again (``machine.md``)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from script import Script

LOOK_SECONDS = 0.002


def own() -> dict[str, int]:
    """Who this process is, as the other side's system would tell of it."""
    return {"pid": os.getpid(), "uid": os.geteuid(), "gid": os.getegid()}


def unlink(path: str) -> None:
    """Takes a name out of the file system, if it has a place there and still is."""
    if not path.startswith("@"):
        with contextlib.suppress(FileNotFoundError):
            Path(path).unlink()


class NamedScript(Script):
    """A script whose server is found by a name that it makes."""

    made = False
    listens = False
    """Whether it tells ``listening``, too."""

    @property
    def name(self) -> str:
        """What ``address`` calls it."""
        return str(self.command["address"])

    async def begin(self) -> None:
        if self.command["role"] != "server":
            return
        self.serve()
        self.reporter.step("bound", local=[self.name, 0])
        if self.listens:
            self.reporter.step("listening", local=[self.name, 0])
        self.reporter.flush()

    def serve(self) -> None:
        """Makes what is named, and reports ``created``."""
        raise NotImplementedError

    def remove(self) -> None:
        """Takes the names away again."""
        raise NotImplementedError

    def created(self) -> None:
        """Tells it."""
        self.reporter.step("created")

    def unmake(self) -> None:
        super().unmake()
        if self.made:
            self.made = False
            self.remove()
