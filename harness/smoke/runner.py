"""The order of the rules, side by side where they may be, each bounded in time, told in the order of the page.

Owns peers' processes over the whole of a smoke: how many there are, who gets a new one, and when to give up. Knows no rule.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator

from harness.launch.choose import loopback_families
from harness.launch.process import ProcessLauncher
from harness.network.base import Loopback
from harness.peer.build import Builder, Built
from harness.peer.manifest import Manifest
from harness.peer.tools import Toolbox
from harness.pipeline import STATE
from harness.smoke import rules
from harness.smoke.diary import Diary
from harness.smoke.probe import ALONE, BROKEN, HELD, QUEUE, SHARED, SKIPPED, Broken, Probe, Rule, Skip
from harness.smoke.stage import Stage
from harness.smoke.subject import Subject

PROBE_SECONDS = 12.0
ALL_SECONDS = 150.0
"""After this no further rule is begun."""
GIVE_UP = 8
"""So many rules in a row at which the peer was silent or dead, and the rest is not tried."""
_AT_ONCE = {ALONE: 2, QUEUE: 1, SHARED: 8}
_AGAIN_AT_ONCE = 4
_ADDRESSES = {"ipv4": "127.0.0.1", "ipv6": "::1"}
Tell = Callable[[Probe], None]


async def smoke_peer(peer: Manifest, tell: Tell, *, only: str = "") -> list[Probe]:
    """Builds the peer, and probes each rule (whose words have ``only`` in them). ``tell`` gets each outcome, in the order of the page.

    Raises ``ManifestError``, ``ToolError``, ``BuildError`` or ``LaunchError`` when there is nothing that could be probed.
    """
    built = await asyncio.to_thread(_build, peer)
    launcher = ProcessLauncher(Loopback("smoke"), "smoke")
    try:
        return await Smoke(launcher, built, tell, only).run()
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(launcher.close(), 3)


def _build(peer: Manifest) -> Built:
    def say(text: str) -> None:
        print(f"parley: {text}", file=sys.stderr)

    return Builder(STATE / "build", Toolbox(STATE / "tools", say), say).build(peer)


class Smoke:
    """One peer's smoke."""

    def __init__(self, launcher: ProcessLauncher, built: Built, tell: Tell, only: str) -> None:
        self._launcher, self._built = launcher, built
        self._out, self._only = _InOrder(tell), only
        self._diary = Diary()
        self._shared: Subject | None = None
        self._renewing = asyncio.Lock()
        self._dead_in_row = 0
        self._can: tuple[str, ...] = ()
        self._addresses: dict[str, str] = {}
        self._ends = asyncio.get_running_loop().time() + ALL_SECONDS

    async def run(self) -> list[Probe]:
        """All rules; those for every line come last, over all that was said."""
        shared = await self._new()
        try:
            gate = await self._greeted(shared)
        finally:
            await shared.close()
        await self._out.put(0, gate)
        wanted = list(self._wanted()) if gate.outcome == HELD else []
        again = await self._all(wanted)
        await self._once_more(again)
        again = await self._beside_again(again)
        late = [*self._diary.probes(), self._together(again)] if wanted or gate.outcome == BROKEN else self._diary.probes()
        for number, probe in enumerate(late):
            await self._out.put(len(wanted) + 1 + number, probe)
        return self._out.all

    async def _greeted(self, peer: Subject) -> Probe:
        """The first hello: without it nothing else can be probed."""
        try:
            hello = await peer.greet()
            rules.hello.check(hello, peer.shown_first())
        except Broken as broken:
            return Probe(rules.hello.GATE, BROKEN, f"{broken}\n         All other rules wait for this one.")
        self._can = tuple(hello["can"])
        here = loopback_families()
        self._addresses = {f: a for f, a in _ADDRESSES.items() if f in hello["families"] and f in here}
        if not self._addresses:
            says = f"{', '.join(hello['families'])} declared; this machine's loopback has {', '.join(here)}"
            return Probe(rules.hello.GATE, SKIPPED, says)
        return Probe(rules.hello.GATE, HELD)

    def _wanted(self) -> Iterator[tuple[int, Rule]]:
        """Each rule for each family that it is to be probed in, numbered."""
        chosen = (r for r in rules.expand(self._addresses) if self._only in str(r))
        return enumerate(chosen, 1)

    # -- once through -----------------------------------------------------------------------------------------

    async def _all(self, wanted: list[tuple[int, Rule]]) -> list[tuple[int, Rule, Probe]]:
        """Probes everything; returns what broke beside other rules, which is to be seen alone before it counts."""
        again: list[tuple[int, Rule, Probe]] = []
        lanes = {lane: [(n, r) for n, r in wanted if r.lane == lane] for lane in _AT_ONCE}

        async def worker(lane: str, todo: Iterator[tuple[int, Rule]]) -> None:
            for number, rule in todo:
                probe = await self._probe(rule, lane)
                if probe.outcome == BROKEN and lane != ALONE:
                    again.append((number, rule, probe))
                else:
                    await self._out.put(number, probe)

        todo = {lane: iter(each) for lane, each in lanes.items()}
        await asyncio.gather(*(worker(lane, todo[lane]) for lane, count in _AT_ONCE.items() for _ in range(count)))
        if self._shared:
            await self._shared.close()
        return sorted(again, key=lambda each: each[0])

    async def _once_more(self, again: list[tuple[int, Rule, Probe]]) -> None:
        """What broke, each on a peer of its own: what happens there is the rule's own outcome."""
        self._dead_in_row = 0

        async def worker(todo: Iterator[tuple[int, tuple[int, Rule, Probe]]]) -> None:
            for index, (number, rule, _) in todo:
                probe = await self._probe(rule, "again")
                again[index] = (number, rule, again[index][2] if probe.outcome == HELD else probe)
                await self._out.put(number, probe)

        todo = iter(list(enumerate(again)))
        before = [each[2] for each in again]
        await asyncio.gather(*(worker(todo) for _ in range(_AGAIN_AT_ONCE)))
        again[:] = [each for each, first in zip(again, before, strict=True) if each[2] is first]

    async def _beside_again(self, again: list[tuple[int, Rule, Probe]]) -> list[tuple[int, Rule, Probe]]:
        """What held alone, beside each other once more: a busy machine breaks things once, a peer that mixes them up does it again."""
        found = await asyncio.gather(*(self._probe(rule, SHARED) for _, rule, _ in again))
        if self._shared:
            await self._shared.close()
        return [(n, r, probe) for (n, r, _), probe in zip(again, found, strict=True) if probe.outcome == BROKEN]

    def _together(self, only_together: list[tuple[int, Rule, Probe]]) -> Probe:
        """What holds alone must hold beside others."""
        words = "[Rules for every line] conversations of different ids do not disturb each other, nor does one end the peer"
        if not only_together:
            return Probe(words, HELD)
        _, rule, probe = only_together[0]
        more = f" (and {len(only_together) - 1} more rules)" if len(only_together) > 1 else ""
        return Probe(words, BROKEN, f"alone it held, beside other conversations it did not{more}: {rule}\n         {probe.says}")

    # -- one rule ---------------------------------------------------------------------------------------------

    async def _probe(self, rule: Rule, lane: str) -> Probe:
        """One rule, whatever the peer does; never longer than its time."""
        if rule.needs and rule.needs not in self._can:
            return Probe(str(rule), SKIPPED, f"it does not declare '{rule.needs}'")
        if self._built.manifest.program and rule.needs.startswith("serve "):
            return Probe(str(rule), SKIPPED, "it is an unmodified program: its resources are its own, and it tells nothing of its connections")
        if self._dead_in_row >= GIVE_UP:
            return Probe(str(rule), SKIPPED, f"the peer was silent or dead {GIVE_UP} times in a row: mend what is broken above first")
        if asyncio.get_running_loop().time() > self._ends:
            return Probe(str(rule), SKIPPED, f"smoke gives up after {ALL_SECONDS:g} s: mend what is broken above first")
        try:
            await self._on_stage(rule, lane)
        except Skip as skip:
            return Probe(str(rule), SKIPPED, str(skip))
        except Broken as broken:
            self._dead_in_row += 1 if broken.mute else -self._dead_in_row
            return Probe(str(rule), BROKEN, str(broken))
        self._dead_in_row = 0
        return Probe(str(rule), HELD)

    async def _on_stage(self, rule: Rule, lane: str) -> None:
        peer = await (self._beside() if lane == SHARED else self._new())
        stage = Stage(peer, self._addresses[rule.family] if rule.family else next(iter(self._addresses.values())), self._can)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                if rule.lane != ALONE and lane != SHARED:
                    await peer.greet()
                await rule.check(stage)
        except TimeoutError:
            raise Broken("all of it done", f"still not done after {PROBE_SECONDS:g} s", "See that nothing waits for ever.", mute=True) from None
        except OSError as error:
            raise Broken("a conversation over loopback", f"{type(error).__name__}: {error}; {peer.trouble}".rstrip("; ")) from None
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, AssertionError) as error:
            seen = f"something that smoke stumbled over: {type(error).__name__}: {error}"
            raise Broken("events with the members of the tables", seen, "See the rule about the schema below.") from error
        finally:
            await stage.close()
            if peer is not self._shared:
                await peer.close()

    async def _beside(self) -> Subject:
        """The shared peer; a new one if that one is dead or no longer answers."""
        async with self._renewing:
            if self._shared is None or self._shared.trouble:
                self._shared = await self._new()
                await self._shared.greet()
            return self._shared

    async def _new(self) -> Subject:
        peer = Subject(self._launcher, self._built, self._diary)
        await peer.start()
        return peer


class _InOrder:
    """Outcomes, told in the order of their numbers whatever order they come in."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._waiting: dict[int, Probe] = {}
        self.all: list[Probe] = []

    async def put(self, number: int, probe: Probe) -> None:
        """One more."""
        self._waiting[number] = probe
        while len(self.all) in self._waiting:
            self.all.append(self._waiting.pop(len(self.all)))
            self._tell(self.all[-1])
