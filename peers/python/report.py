"""What goes out: events, gathered and written in as few writes as possible.

Owns standard output. Any thread may report; a thread of its own writes, so a slow reader blocks no conversation.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import threading
import time
from collections.abc import Callable

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
HOLD_SECONDS = 0.04
"""So long a step may be kept back."""


def now() -> int:
    """Microseconds on the monotonic clock."""
    return time.monotonic_ns() // 1000


def digest(octets: bytes | bytearray) -> str:
    """The contract's digest."""
    return hashlib.sha256(octets).hexdigest()


class Output:
    """Standard output, as a queue of lines. ``wake`` is called, by any thread, when steps begin to be kept back: ``flush`` is due
    ``HOLD_SECONDS`` later. A peer with nothing to tell then has nothing to do.
    """

    def __init__(self, wake: Callable[[], object]) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._held: dict[Reporter, None] = {}
        self._wake = wake
        self._woken = False
        self._lock = threading.Lock()
        self._writer = threading.Thread(target=self._write, name="output", daemon=True)
        self._writer.start()

    def event(self, kind: str, **members: object) -> None:
        """One event line."""
        self._lines.put(_encode({"event": kind, **members}))

    def _write(self) -> None:
        while True:
            lines: list[str] = []
            line = self._lines.get()
            while line is not None:
                lines.append(line)
                try:
                    line = self._lines.get_nowait()
                except queue.Empty:
                    break
            data = "".join(f"{one}\n" for one in lines).encode("utf-8", "surrogateescape")
            try:
                while data:
                    data = data[os.write(1, data) :]
            except OSError:
                return
            if line is None:
                return

    def hold(self, reporter: Reporter) -> None:
        """Notes a reporter that keeps steps back."""
        with self._lock:
            self._held[reporter] = None
            wakes, self._woken = not self._woken, True
        if wakes:
            self._wake()

    def release(self, reporter: Reporter) -> None:
        """The reporter has told everything."""
        with self._lock:
            self._held.pop(reporter, None)

    def flush(self) -> None:
        """Tells every step that is still kept back."""
        with self._lock:
            held = list(self._held)
            self._held.clear()
            self._woken = False
        for reporter in held:
            reporter.flush()

    def close(self) -> None:
        """Writes what is queued, for a second at most."""
        self.flush()
        self._lines.put(None)
        self._writer.join(1)


class Reporter:
    """The steps of one conversation or connection, told in one line if it is over soon."""

    def __init__(self, output: Output, id_: str, conn: int | None = None) -> None:
        self._output = output
        self._head: dict[str, object] = {"id": id_} if conn is None else {"id": id_, "conn": conn}
        self._steps: list[dict[str, object]] = []
        self._lock = threading.Lock()
        self._over = False

    def step(self, name: str, /, **members: object) -> None:
        """Something happened just now."""
        with self._lock:
            if self._over:
                return
            self._steps.append({"step": name, "t": now(), **members})
            if len(self._steps) > 1:
                return
        self._output.hold(self)

    def flush(self) -> None:
        """Tells what is kept back."""
        with self._lock:
            steps, self._steps = self._steps, []
            if steps and not self._over:
                self._output.event("steps", **self._head, steps=steps)

    def done(self) -> None:
        """Tells the rest; nothing comes after it."""
        with self._lock:
            if self._over:
                return
            self._over = True
            steps, self._steps = self._steps, []
            self._output.event("steps", **self._head, steps=steps, done=True)
        self._output.release(self)

    def error(self, fault: str, says: str) -> None:
        """Answers the command with an error instead."""
        with self._lock:
            if self._over:
                return
            self._over = True
        self._output.event("error", id=self._head["id"], fault=fault, says=says)
        self._output.release(self)


class Silent:
    """A reporter for benchmarks: it is told everything and tells nothing."""

    def step(self, name: str, /, **members: object) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""

    def done(self) -> None:
        """Nothing."""
