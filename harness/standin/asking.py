"""A program that asks: one command line for a conversation, its requests in turn; what it wrote down is told as the contract has it."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from harness.bound import binder
from harness.model import patterns
from harness.standin.template import filled, place

_DEADLINE = 10_000
_STATUS_LINE = re.compile(r"HTTP/(\d(?:\.\d)?) +(\d{3})(?: (.*))?")


class Refused(Exception):
    """The program cannot send that."""


class Asking:
    """One conversation. ``tell(*steps, done=False)`` reports."""

    def __init__(self, program: dict[str, Any], command: dict[str, Any], scratch: Path, tell: Callable[..., None]) -> None:
        self._program = program
        self._address, self._port = str(command["address"]), int(command["port"])
        self._requests: list[dict[str, Any]] = command["requests"]
        self._seconds = command.get("deadline", _DEADLINE) / 1000
        self._scratch = scratch
        self._tell = tell
        for request in self._requests:
            if not str(request["target"]).startswith("/"):
                raise Refused(f"this program sends no target like {request['target']!r}")

    async def run(self, gate: asyncio.Semaphore) -> None:
        """Holds it."""
        folder = Path(tempfile.mkdtemp(dir=self._scratch))
        try:
            if self._program["between"] or len(self._requests) == 1:
                await self._command(gate, folder, 0, self._requests)
            else:
                for at, request in enumerate(self._requests):
                    if not await self._command(gate, folder, at, [request]):
                        break
        finally:
            self._tell({"step": "closed"}, done=True)
            shutil.rmtree(folder, ignore_errors=True)

    async def _command(self, gate: asyncio.Semaphore, folder: Path, first: int, requests: list[dict[str, Any]]) -> bool:
        """One start of the program; False if a request brought no response."""
        argv = list(self._program["command"])
        for at, request in enumerate(requests, first):
            argv += self._program["between"] if at > first else []
            argv += self._request(request, folder, at)
        async with gate:
            status, said = await self._run(argv)
        return self._told(folder, first, requests, status, said)

    def _request(self, request: dict[str, Any], folder: Path, at: int) -> list[str]:
        known = place(self._address, self._port)
        port = "" if self._port == 80 else f":{self._port}"
        known |= {
            "url": f"http://{known['host']}{port}{request['target']}", "method": str(request["method"]), "target": str(request["target"]),
            "head": str(folder / f"head{at}"), "content": str(folder / f"content{at}"), "sent": str(folder / f"sent{at}"),
        }  # fmt: skip
        options = self._options(request, known)
        parts: list[str] = []
        for part in self._program["request"]:
            parts += options if part == "{options}" else [filled(part, known)]
        return parts

    def _options(self, request: dict[str, Any], known: dict[str, str]) -> list[str]:
        program = self._program
        methods = program["methods"]
        found = [filled(p, known) for p in methods.get(request["method"], methods.get("*", []))]
        for name, value in request.get("fields", []):
            shape = program["field"] if value or not program["empty-field"] else program["empty-field"]
            found += [filled(p, {"name": name, "value": value}) for p in shape]
        if "body" in request:
            Path(known["sent"]).write_bytes(patterns.octets(request["body"]))
            shape = program["chunked"] if request.get("coding") == "chunked" else program["sends"]
            if not shape:
                raise Refused("this program sends no such content")
            found += [filled(p, known) for p in shape]
        return found

    async def _run(self, argv: list[str]) -> tuple[int | None, str]:
        """Its exit status (None: out of time) and its standard error."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=pipe, preexec_fn=binder()
        )
        try:
            _, said = await asyncio.wait_for(process.communicate(), self._seconds)
        except TimeoutError:
            return None, ""
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return process.returncode, said.decode("utf-8", "replace")

    def _told(self, folder: Path, first: int, requests: list[dict[str, Any]], status: int | None, said: str) -> bool:
        locals_ = [[m["address"], int(m["port"])] for m in re.finditer(self._program["local"], said)]
        last: list[Any] = []
        for number, request in enumerate(requests):
            at = first + number
            local = locals_[number] if number < len(locals_) else []
            if local and local != last and local[1]:
                self._tell({"step": "connected", "local": local, "remote": [self._address, self._port]})
            last = local or last
            response = _response(folder / f"head{at}", folder / f"content{at}", request.get("keep", 0))
            if response is None:
                self._tell({"step": "failed", "at": at, "error": self._error(status), "says": _last_line(said) or f"exit status {status}"})
                return False
            whole = status == 0 or (number + 1 < len(requests) and (folder / f"head{at + 1}").exists())
            self._tell({"step": "response", **response, "complete": whole})
            if not whole:
                return False
        return True

    def _error(self, status: int | None) -> str:
        return "timeout" if status is None else str(self._program["errors"].get(str(status), "other"))


def _response(head: Path, content: Path, keep: int) -> dict[str, Any] | None:
    """What the program wrote down: the final response of those whose heads stand there, one after the other, with trailers at the end."""
    try:
        text = head.read_bytes().decode("latin-1")
    except OSError:
        return None
    sections = [s for s in re.split(r"(?:\r?\n){2}", text.strip("\r\n")) if s]
    started = [i for i, s in enumerate(sections) if _STATUS_LINE.match(s)]
    if not started:
        return None
    first, *lines = sections[started[-1]].splitlines()
    line = _STATUS_LINE.match(first)
    assert line is not None
    body = content.read_bytes() if content.exists() else b""
    told: dict[str, Any] = {
        "status": int(line[2]), "reason": line[3] or "", "version": f"HTTP/{line[1]}", "fields": _fields(lines),
        "octets": len(body), "digest": hashlib.sha256(body).hexdigest(),
    }  # fmt: skip
    if keep:
        told["hex"] = body[:keep].hex()
    return told


def _fields(lines: Iterable[str]) -> list[list[str]]:
    found: list[list[str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and found:  # a folded line, as it came
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip(" ")
        elif colon:
            found.append([name, value.strip(" \t")])
    return found


def _last_line(said: str) -> str:
    lines = [line for line in said.strip().splitlines() if line]
    return lines[-1][:200] if lines else ""
