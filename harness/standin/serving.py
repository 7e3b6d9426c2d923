"""A program that serves: started where it is told to, ready when it takes a connection, ended when it is told to.

It tells nothing of its connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.bound import binder
from harness.standin.template import filled, place

_PAUSE = 0.02
_END_SECONDS = 1.5
_LAST_WORDS = 2000


class Serving:
    """One service. ``tell(*steps, done=False)`` reports."""

    def __init__(self, program: dict[str, Any], command: dict[str, Any], scratch: Path, tell: Callable[..., None]) -> None:
        self._program = program
        self._address = str(command["address"])
        self._port = int(command["port"]) or _free_port(self._address)
        self._scratch = scratch
        self._tell = tell
        self._words = b""

    async def run(self) -> None:
        """Serves until it is cancelled. Raises ``RuntimeError`` if the program ends by itself once it was ready."""
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        process = await self._start(folder)
        if process is None:
            return
        listening = asyncio.get_running_loop().create_task(self._listen(process))
        try:
            if not await self._ready(process):
                why = self._words.decode("utf-8", "replace").strip().splitlines()[-3:]
                says = f"it took no connection within {self._program['ready-seconds']} s" if process.returncode is None else "it ended by itself"
                self._tell({"step": "failed", "at": -1, "error": "other", "says": ": ".join([says, *why])}, done=True)
                return
            local = [self._address, self._port]
            self._tell({"step": "created"}, {"step": "bound", "local": local}, {"step": "listening", "local": local})
            await process.wait()
            raise RuntimeError(f"the program ended by itself with status {process.returncode}")
        except asyncio.CancelledError:
            await _end(process)
            self._tell({"step": "closed"}, done=True)
        finally:
            await _end(process)
            listening.cancel()

    async def _start(self, folder: Path) -> asyncio.subprocess.Process | None:
        known = {**place(self._address, self._port), "scratch": str(folder)}
        try:
            for name, text in self._program["files"].items():
                (folder / name).write_text(filled(text, known), encoding="utf-8")
            argv = [filled(part, known) for part in self._program["command"]]
            return await asyncio.create_subprocess_exec(
                *argv, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
                preexec_fn=binder(),
            )  # fmt: skip
        except OSError as error:
            self._tell({"step": "failed", "at": -1, "error": "other", "says": f"the program does not start: {error}"}, done=True)
            return None

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Whatever it says is drained, and the end of it kept."""
        assert process.stdout is not None
        while data := await process.stdout.read(65536):
            self._words = (self._words + data)[-_LAST_WORDS:]

    async def _ready(self, process: asyncio.subprocess.Process) -> bool:
        limit = asyncio.get_running_loop().time() + self._program["ready-seconds"]
        while process.returncode is None and asyncio.get_running_loop().time() < limit:
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(self._address, self._port), 1)
            except (OSError, TimeoutError):
                await asyncio.sleep(_PAUSE)
                continue
            writer.close()
            return True
        return False


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ends it: asking first."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


def _free_port(address: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
