"""Scripts of signals: sent with kill and sigqueue, taken by signalfd (``machine.md``, Signals).

Owns this process's signals: those that a script may take are blocked from the start, in every thread, and are taken when a script
asks for them; so a signal that is "blocked" is one that is not asked for yet.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any

import posix_calls as posix
from local_names import own
from script import BadCommand, Script, Unsupported, whole
from sockets import ready

_OURS = ("HUP", "USR1", "USR2", "CONT", "URG", "WINCH", "IO")


def _takeable() -> set[int]:
    return {int(getattr(signal, f"SIG{name}")) for name in _OURS} | set(range(signal.SIGRTMIN, signal.SIGRTMAX + 1))


def hold_back() -> None:
    """Blocks what scripts may take. Must come before any thread is started."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _takeable())


class SignalScript(Script):
    """Sends signals to a process, or waits for them."""

    fd = -1

    def check(self) -> None:
        for step in self.command["steps"]:
            if step.get("do") == "receive" and "signal" not in step and "quiet" not in step:
                raise BadCommand("a receive of signals has 'signal' or 'quiet'")
            if step.get("do") == "send" and not isinstance(step.get("signal"), str):
                raise BadCommand("a send of signals has 'signal', a name")
            for member in ("ms", "within", "quiet", "count"):
                whole(step, member, needed=step.get("do") == "wait" and member == "ms")
            if not isinstance(step, dict) or not hasattr(self, f"do_{str(step.get('do')).replace('-', '_')}") or step["do"] == "accept":
                raise Unsupported(f"there is no step {step!r} here")
        self.names = {posix.signal_number(name): name for step in self.command["steps"] for name in _named(step)}
        if self.command["role"] == "server":
            for number, name in self.names.items():
                if number not in _takeable():
                    raise Unsupported(f"signal {name} cannot be taken by a script here")
        self.blocked: set[int] = set()
        self.arrived: list[tuple[int, int, int | None]] = []
        self.ready = self.command["role"] == "client"

    async def begin(self) -> None:
        self.reporter.step("created", credentials=own())
        self.sock = self  # type: ignore[assignment]
        if self.command["role"] == "server":
            self.fd = posix.signalfd(())
            _drain(self.names)

    def close(self) -> None:
        """No more is taken; what is pending is dropped."""
        if self.fd >= 0:
            os.close(self.fd)
            _drain(self.names)

    async def perform(self) -> None:
        first = next((at for at, step in enumerate(self.command["steps"]) if step["do"] != "block"), len(self.command["steps"]))
        await self.begin()
        for at, step in enumerate(self.command["steps"]):
            self.at = at
            if at == first:
                self._bound()
            async with asyncio.timeout(step["within"] / 1000 if "within" in step else None):
                await getattr(self, f"do_{step['do']}")(step)

    def _bound(self) -> None:
        if self.command["role"] == "server":
            self._take_in()
            self.reporter.step("bound", local=[str(os.getpid()), 0])
            self.reporter.flush()

    def _take_in(self) -> None:
        posix.signalfd(sorted(set(self.names) - self.blocked), self.fd)

    async def do_block(self, step: dict[str, Any]) -> None:
        self.blocked |= {posix.signal_number(name) for name in step["signals"]}
        self._take_in()
        self.reporter.step("blocked")

    async def do_unblock(self, step: dict[str, Any]) -> None:
        self.blocked -= {posix.signal_number(name) for name in step["signals"]}
        self._take_in()
        self.reporter.step("unblocked")

    async def do_send(self, step: dict[str, Any]) -> None:
        pid, number = int(self.command["address"]), posix.signal_number(step["signal"])
        if pid <= 0:
            raise BadCommand("a process id is above 0")
        for _ in range(step.get("count", 1)):
            if "value" in step:
                posix.sigqueue(pid, number, step["value"])
            else:
                os.kill(pid, number)
            self.reporter.step("sent", signal=step["signal"], **({"value": step["value"]} if "value" in step else {}))

    async def do_receive(self, step: dict[str, Any]) -> None:
        if "quiet" in step:
            await self._quiet(step)
            return
        wanted = {posix.signal_number(name) for name in _named(step)}
        for _ in range(step.get("count", 1)):
            while (found := next((a for a in self.arrived if a[0] in wanted), None)) is None:
                await self._more()
            self.arrived.remove(found)
            self._tell(found)

    def _tell(self, found: tuple[int, int, int | None]) -> None:
        number, pid, value = found
        self.reporter.step("received", signal=self.names[number], pid=pid, **({"value": value} if value is not None else {}))

    async def _more(self) -> None:
        await ready(self.fd, writing=False)
        with contextlib.suppress(BlockingIOError):
            self.arrived.append(posix.siginfo(os.read(self.fd, posix.SIGINFO_OCTETS)))

    async def _quiet(self, step: dict[str, Any]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(step["quiet"] / 1000):
                while not self.arrived:
                    await self._more()
        if self.arrived:
            self._tell(self.arrived.pop(0))
        else:
            self.reporter.step("quiet")

    async def do_close(self, step: dict[str, Any]) -> None:
        await self.leave()


def _named(step: dict[str, Any]) -> list[str]:
    """All signals that a step names."""
    one = step.get("signal", [])
    return [*([one] if isinstance(one, str) else one), *step.get("signals", [])]


def _drain(names: dict[int, str]) -> None:
    """Takes what an earlier conversation left pending."""
    for number in names:
        while number in signal.sigpending():
            signal.sigtimedwait([number], 0)
