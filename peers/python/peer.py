"""Parley's Python peer: commands in on standard input, events out on standard output (``peers/README.md``).

Owns the control channel and which command goes where. Knows no protocol.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import load
import machine
import payload
import report
import script
import services
import stacks
import trades

CONTRACT = 1
STOP_SECONDS = 0.8
ASKING_THREADS = 160
_PLAIN = [
    *(f"serve {name}/{transport}" for name in services.NAMES for transport in ("tcp", "udp")),
    *(f"script {role}/{transport}" for role in ("client", "server") for transport in ("tcp", "udp", "multicast")),
    "load tcp",
]
"""What needs no HTTP stack."""
_TEXTS = {
    "serve": ("id", "service", "transport", "address"),
    "script": ("id", "role", "transport", "address"),
    "ask": ("id", "service", "address"),
    "load": ("id", "address"),
    "stop": ("id",),
    "flush": ("id",),
}
_NUMBERS = {"serve": ("port",), "script": ("port",), "ask": ("port",), "load": ("port", "conversations", "parallel")}
"""What each command must have, and of which type."""


class Peer:
    """Everything that is going on, by id."""

    def __init__(self, stack: stacks.Stack, plain: bool) -> None:
        loop = asyncio.get_running_loop()
        self.output = report.Output(lambda: loop.call_soon_threadsafe(loop.call_later, report.HOLD_SECONDS, self.output.flush))
        self.stack = stack
        local, lacks = machine.abilities() if plain else ([], {})
        others, other_lacks, self.libraries = trades.abilities() if plain else ([], {}, {})
        self.lacks = {**lacks, **other_lacks}
        self.abilities = [*(_PLAIN if plain else ()), *local, *others, *stack.abilities]
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.hosted: dict[str, Any] = {}
        self.threads = ThreadPoolExecutor(ASKING_THREADS, "ask")
        self.asks: dict[str, Any] = {}
        self.stops: list[threading.Thread] = []
        self._greeted = False
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Octets of standard input, however cut."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._line(line)

    def _line(self, line: bytes) -> None:
        id_ = ""
        try:
            command = json.loads(line)
            if not isinstance(command, dict):
                raise script.BadCommand("a command is a JSON object")
            id_ = command["id"] if isinstance(command.get("id"), str) else ""
            script.text(command, "do")
            self._obey(command)
        except script.Unsupported as error:
            self.output.event("error", id=id_, fault="unsupported", says=str(error))
        except (script.BadCommand, KeyError, TypeError, ValueError, RecursionError) as error:
            self.output.event("error", id=id_, fault="bad-command", says=f"{type(error).__name__}: {error}")

    def _obey(self, command: dict[str, Any]) -> None:
        work = getattr(self, f"do_{command['do']}", None)
        if command["do"] == "hello":
            self._greeted = True
        if not self._greeted:
            return  # before it is greeted a peer carries nothing out
        if work is None:
            raise script.Unsupported(f"there is no command {command['do']!r} here")
        for member in _TEXTS.get(command["do"], ()):
            script.text(command, member)
        for member in _NUMBERS.get(command["do"], ()):
            script.whole(command, member)
        work(command)

    def do_hello(self, command: dict[str, Any]) -> None:
        self.output.event(
            "hello", contract=CONTRACT, peer="python", language=f"Python {platform.python_version()}", families=["ipv4", "ipv6"],
            system=f"{platform.system()} {platform.release()} {platform.machine()}", stack=platform.system(), can=self.abilities,
            lacks=self.lacks, libraries={**self.stack.libraries, **self.libraries}, t=report.now(),
        )  # fmt: skip

    def do_serve(self, command: dict[str, Any]) -> None:
        id_, name, transport = command["id"], command["service"], command["transport"]
        if f"serve {name}/{transport}" not in self.abilities:
            raise script.Unsupported(f"there is no service {name}/{transport} here")
        if name == "http":
            self.hosted[id_] = self.stack.service(command, self.output)
        elif name in ("smtp", "ftp"):
            self.hosted[id_] = trades.module(f"serve {name}/tcp").Service(command, self.output)
        elif name == "rtp":
            self._go(id_, trades.module("serve rtp/udp").Service(command, self.output).run())
        elif name == "dns":
            dns = trades.module(f"serve dns/{transport}")
            self._go(id_, services.make(command, self.output, dns.Answering(command["zone"]).answer).run())
        else:
            self._go(id_, services.make(command, self.output).run())

    def do_script(self, command: dict[str, Any]) -> None:
        if f"script {command['role']}/{command['transport']}" not in self.abilities:
            raise script.Unsupported(f"there are no scripts of a {command['role']} over {command['transport']} here")
        if not isinstance(command.get("steps"), list):
            raise script.BadCommand("'steps' must be a list")
        self._go(command["id"], self._script(command))

    async def _script(self, command: dict[str, Any]) -> None:
        reporter = report.Reporter(self.output, command["id"])
        try:
            await script.run(command, reporter)
        except script.Unsupported as error:
            reporter.error("unsupported", str(error))
        except (script.BadCommand, payload.BadPayload, KeyError, TypeError, ValueError) as error:
            reporter.error("bad-command", f"{type(error).__name__}: {error}")

    def do_ask(self, command: dict[str, Any]) -> None:
        id_, ability = command["id"], f"ask {command['service']}/{'udp' if command['service'] in ('dns', 'rtp') else 'tcp'}"
        if ability not in self.abilities:
            raise script.Unsupported(f"there is no client for {command['service']!r} here")
        check, make = (self.stack.check, self.stack.asking) if ability == "ask http/tcp" else _client(ability)
        check(command)
        asking = self.asks[id_] = make(command, report.Reporter(self.output, id_), lambda: self.asks.pop(id_, None))
        self.threads.submit(asking.run)

    def do_load(self, command: dict[str, Any]) -> None:
        self._go(command["id"], load.run(command, report.Reporter(self.output, command["id"])))

    def do_stop(self, command: dict[str, Any]) -> None:
        id_ = command["id"]
        hosted = self.hosted.pop(id_, None)
        if hosted is not None:
            self.stops = [one for one in self.stops if one.is_alive()]
            self.stops.append(threading.Thread(target=hosted.stop, daemon=True))
            self.stops[-1].start()
        elif id_ in self.tasks:
            self.tasks[id_].cancel()
        elif id_ in self.asks:
            self.asks[id_].stop()

    def do_flush(self, command: dict[str, Any]) -> None:
        id_ = command["id"]
        self.output.flush()
        self.output.event("flushed", id=id_)

    async def leave(self) -> None:
        """Ends what is going on; names that scripts made and trees of services are gone then."""
        for id_ in [id_ for id_, hosted in self.hosted.items() if getattr(hosted, "on_disk", False)]:
            self.do_stop({"id": id_})
        limit = time.monotonic() + STOP_SECONDS
        for stopping in self.stops:
            stopping.join(max(0, limit - time.monotonic()))
        tasks = list(self.tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)

    def _go(self, id_: str, work: Coroutine[Any, Any, None]) -> None:
        task = self.tasks[id_] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda _: self.tasks.pop(id_, None))


def _client(ability: str) -> tuple[Any, Any]:
    """What checks a command and what holds its conversation."""
    module = trades.module(ability)
    return module.check, module.Asking


def _read(loop: asyncio.AbstractEventLoop, peer: Peer, ended: asyncio.Event) -> None:
    while data := os.read(0, 262144):
        loop.call_soon_threadsafe(peer.feed, data)
    loop.call_soon_threadsafe(ended.set)


async def main(http: str = "", packages: str = "") -> None:
    """Lives until standard input ends. ``http`` names an HTTP stack, which is then all that is offered, ``packages`` the folder that has it."""
    if not http:
        machine.prepare()
    peer, ended = Peer(stacks.load(http, packages), not http), asyncio.Event()
    threading.Thread(target=_read, args=(asyncio.get_running_loop(), peer, ended), name="input", daemon=True).start()
    await ended.wait()
    await peer.leave()
    peer.output.close()
    sys.stderr.flush()
    os._exit(0)  # threads may still wait for clients that never come back


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--http", default="", choices=stacks.NAMES, help="the HTTP stack; only that is offered then")
    options.add_argument("--packages", default="", help="a folder that holds the stack")
    chosen = options.parse_args()
    asyncio.run(main(chosen.http, chosen.packages))
