"""The peers of a run: two of each, one to serve and one to ask, and two more on the one machine, if need be; started again when they
break off, within a bound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from harness.errors import ParleyError
from harness.launch.base import Launcher
from harness.model.trace import Address
from harness.peer.build import Built
from harness.plan.matrix import Abilities
from harness.run.attached import Attached, NobodyThere
from harness.run.peer import LivePeer

AT_ONCE = 8
"""So many peers are ended side by side."""
MAX_STARTS = 25
"""How often one place of a peer is filled in one run."""
LogFor = Callable[[str], Callable[[bytes], None]]
Say = Callable[[str], None]


class NotThere(Exception):
    """The peer cannot be had: ``trouble`` and the sentence are those of a ``Side``."""

    def __init__(self, says: str, trouble: str = "never-started") -> None:
        super().__init__(says)
        self.trouble = trouble


class Pool:
    """Living peers by role and name."""

    def __init__(
        self,
        launcher: Launcher,
        built: Mapping[str, Built],
        broken: Mapping[str, str],
        log_for: LogFor,
        say: Say,
        attached: Mapping[str, Address] | None = None,
    ) -> None:
        self._launcher = launcher
        self._built = built
        self._broken = {name: NotThere(why) for name, why in broken.items()}
        self._attached = attached or {}
        self._log_for = log_for
        self._say = say
        self._places: dict[tuple[str, str, str], asyncio.Future[LivePeer]] = {}
        self._starts: dict[tuple[str, str, str], int] = {}
        self.ended: list[LivePeer] = []

    def at_hand(self, role: str, name: str, shares: str = "") -> LivePeer | None:
        """The peer in that role if it is alive already; ``shares``: that on the machine which has this in common."""
        held = self._places.get((role, name, self._machine(name, shares)))
        if held is None or not held.done() or held.cancelled() or held.exception():
            return None
        peer = held.result()
        return peer if peer.alive else None

    def _machine(self, name: str, shares: str) -> str:
        return self._launcher.machine(shares, self._built[name].manifest) if shares else ""

    async def get(self, role: str, name: str, shares: str = "") -> LivePeer:
        """The peer in that role, started if need be. Raises ``NotThere``."""
        if name in self._broken:
            raise self._broken[name]
        place = (role, name, self._machine(name, shares))
        held = self._places.get(place)
        if held is None or (held.done() and self.at_hand(*place) is None):
            if self._starts.get(place, 0) >= MAX_STARTS:
                raise NotThere(f"it broke off {MAX_STARTS} times in this run and is not started again", "crashed")
            self._starts[place] = self._starts.get(place, 0) + 1
            held = self._places[place] = asyncio.ensure_future(self._start(*place))
            held.add_done_callback(lambda start: start.cancelled() or start.exception())  # nobody may wait for it any more
        return await asyncio.shield(held)

    async def _start(self, role: str, name: str, machine: str) -> LivePeer:
        if name in self._attached:
            peer: LivePeer = Attached(name, self._attached[name])
        else:
            place = f"{role}-{name}" + (f"@{machine}" if machine else "")
            peer = LivePeer(self._built[name], place, self._log_for(place), self._on_end, machine)
        try:
            await peer.start(self._launcher)
        except NobodyThere as nobody:
            missing = self._broken[name] = NotThere(str(nobody))
            raise missing from None
        except ParleyError as error:
            trouble = "never-started" if not peer.trouble else peer.trouble
            problem = self._broken[name] = NotThere(error.what.removeprefix(f"peer {name}: "), trouble)
            raise problem from None
        return peer

    def _on_end(self, peer: LivePeer) -> None:
        self.ended.append(peer)
        self._say(f"peer {peer.place}: {peer.says}")

    async def greet(self, servers: list[str], clients: list[str]) -> dict[str, Abilities]:
        """Starts every peer that a run needs, all at once, and returns what each declared."""
        wanted = [("server", n) for n in servers] + [("client", n) for n in clients]
        started = await asyncio.gather(*(self.get(role, name) for role, name in wanted), return_exceptions=True)
        found: dict[str, Abilities] = {}
        for (_, name), peer in zip(wanted, started, strict=True):
            if isinstance(peer, LivePeer):
                found.setdefault(name, _abilities(peer))
            elif isinstance(peer, NotThere):
                found[name] = Abilities(known=False)
            elif isinstance(peer, BaseException):
                raise peer
        return found

    def living(self) -> list[LivePeer]:
        """Those that are started and not ended."""
        return [f.result() for f in self._places.values() if f.done() and not f.cancelled() and not f.exception()]

    async def close(self) -> None:
        """Ends all of them, a few at a time: how long each takes is to be its own doing, and not that of all others which end with it."""
        room = asyncio.Semaphore(AT_ONCE)

        async def end(peer: LivePeer) -> None:
            async with room:
                await peer.end()

        await asyncio.gather(*(end(peer) for peer in self.living() if peer.alive))


def _abilities(peer: LivePeer) -> Abilities:
    hello = peer.hello
    assert hello is not None
    return Abilities(frozenset(hello.can), frozenset(hello.families), hello.lacks)
