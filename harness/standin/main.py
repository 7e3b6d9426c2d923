"""The control channel: commands in on standard input, events out on standard output (``peers/README.md``), until the input ends.

Owns which command goes where. What the program is, and how it is spoken to, stands in the one argument: its manifest, as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from harness.standin.asking import Asking, Refused
from harness.standin.scratch import Scratch
from harness.standin.serving import Serving

CONTRACT = 1
_AT_ONCE = 8
_MAX_LINE = 1 << 20
_MEMBERS: dict[str, dict[str, type]] = {
    "serve": {"id": str, "service": str, "transport": str, "address": str, "port": int},
    "ask": {"id": str, "service": str, "address": str, "port": int, "requests": list},
    "stop": {"id": str},
    "flush": {"id": str},
}
"""What a command must have, and of which type."""
_VERSION_SECONDS = 10


def now() -> int:
    """Microseconds of a monotonic clock."""
    return time.monotonic_ns() // 1000


def emit(event: dict[str, Any]) -> None:
    """Writes one event."""
    sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")
    sys.stdout.flush()


class StandIn:
    """What is going on, by id."""

    def __init__(self, program: dict[str, Any], scratch: Path) -> None:
        self._program = program
        self._scratch = scratch
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._greeted = False

    def obey(self, line: bytes) -> None:
        """Carries one command out."""
        id_ = ""
        try:
            command = json.loads(line)
            id_ = command["id"] if isinstance(command.get("id"), str) else ""
            self._greeted = self._greeted or command["do"] == "hello"
            if self._greeted:
                self._carry_out(command, id_)
        except Refused as refused:
            emit({"event": "error", "id": id_, "fault": "unsupported", "says": str(refused)})
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            emit({"event": "error", "id": id_, "fault": "bad-command", "says": f"{type(error).__name__}: {error}"})

    def _carry_out(self, command: dict[str, Any], id_: str) -> None:
        do = command["do"]
        for member, kind in {"do": str, **_MEMBERS.get(str(do), {})}.items():
            if not isinstance(command[member], kind):
                raise TypeError(f"{member!r} is {type(command[member]).__name__}")
        if do == "hello":
            emit(self._hello())
        elif do == "flush":
            emit({"event": "flushed", "id": id_})
        elif do == "stop":
            if id_ in self._tasks:
                self._tasks[id_].cancel()
        elif do == "serve" and "server" in self._program and (command["service"], command["transport"]) == ("http", "tcp"):
            self._begin(id_, Serving(self._program["server"], command, self._scratch, self._tell(id_)).run())
        elif do == "ask" and "client" in self._program and command["service"] == "http":
            asking = Asking(self._program["client"], command, self._scratch, self._tell(id_))
            self._begin(id_, asking.run(self._gate))
        else:
            raise Refused(f"this program does nothing for {do!r} of {command.get('service', '')!r}")

    def _hello(self) -> dict[str, Any]:
        can = [a for a, part in (("serve http/tcp", "server"), ("ask http/tcp", "client")) if part in self._program]
        return {
            "event": "hello", "contract": CONTRACT, "peer": self._program["name"], "language": self._version(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}", "stack": platform.system(),
            "families": ["ipv4", "ipv6"], "can": can, "t": now(),
        }  # fmt: skip

    def _version(self) -> str:
        try:
            argv = self._program["version"]
            done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_VERSION_SECONDS, check=False)
        except (KeyError, OSError, subprocess.SubprocessError):
            return str(self._program["name"])
        return (done.stdout.strip().splitlines() or [str(self._program["name"])])[0][:100]

    def _tell(self, id_: str) -> Any:
        def tell(*steps: dict[str, Any], done: bool = False) -> None:
            event: dict[str, Any] = {"event": "steps", "id": id_, "steps": [{"t": now(), **step} for step in steps]}
            emit({**event, "done": True} if done else event)

        return tell

    def _begin(self, id_: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks[id_] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda done: self._ended(id_, done))

    def _ended(self, id_: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(id_, None)
        if not task.cancelled() and task.exception() is not None:
            raise task.exception()  # type: ignore[misc]

    async def end(self) -> None:
        """Stops everything."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def main(program: dict[str, Any]) -> int:
    """Lives until the input ends, or until the program that serves ends by itself: returns the exit status."""
    scratch = Scratch()
    loop = asyncio.get_running_loop()
    broken = loop.create_future()

    def fail(_: Any, context: dict[str, Any]) -> None:
        if not broken.done():
            broken.set_result(str(context.get("exception") or context.get("message")))

    loop.set_exception_handler(fail)
    reader = asyncio.StreamReader(limit=_MAX_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    stand_in = StandIn(program, scratch.path)
    reading = loop.create_task(_read(reader, stand_in))
    try:
        await asyncio.wait((reading, broken), return_when=asyncio.FIRST_COMPLETED)
        if broken.done():
            print(broken.result(), file=sys.stderr)
        return int(broken.done())
    finally:
        reading.cancel()
        await stand_in.end()
        scratch.remove()


async def _read(reader: asyncio.StreamReader, stand_in: StandIn) -> None:
    """One line after the other; of one that is too long nothing is taken."""
    whole = True
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return
        except asyncio.LimitOverrunError as error:
            await reader.readexactly(error.consumed)
            whole = False
            continue
        if whole:
            stand_in.obey(line)
        whole = True


def run() -> None:
    """The archive's entry."""
    with contextlib.suppress(KeyboardInterrupt):
        status = asyncio.run(main(json.loads(sys.argv[1])))
        sys.stderr.flush()
        os._exit(status)
