"""Who takes part in a run: the peers of this system, and on which platforms they are there once more.

Owns what the options about platforms mean. Starts nothing; of tools it only asks whether they are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from harness.errors import ToolError, UsageError
from harness.peer import platform as platforms
from harness.peer.build import Builder
from harness.peer.manifest import Manifest, guests
from harness.peer.platform import Platform
from harness.plan.matrix import Abilities
from harness.suggest import did_you_mean

ALL, FAST, NONE = "all", "fast", "none"
PLATFORM_KINDS = (FAST, ALL, NONE)
"""Which platforms a run takes besides this system."""


@dataclass(frozen=True)
class Casting:
    """What is asked for: a kind of platforms, or ``only_on`` these (names, or platform files); and ``named`` peers."""

    platforms: str = FAST
    only_on: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


class Cast:
    """``peers``: those that the run takes, of this system and on platforms; ``own``: all of this system, ``guests``: all that there could be
    on any platform.
    What is left out is written into ``left_out``, and said.

    Raises ``UsageError``, and ``ToolError`` for a platform that was asked for by name and is not there.
    """

    def __init__(
        self,
        own: Mapping[str, Manifest],
        there: Mapping[str, Platform],
        wanted: Casting,
        builder: Builder,
        left_out: dict[str, str],
        say: Callable[[str], None],
    ) -> None:
        self._builder, self._modest = builder, builder.modest()
        self._left_out, self._say = left_out, say
        self.own, self.guests = own, guests(own, there)
        self._named = {name for name in wanted.named if name in self.guests}
        asked = [platforms.load(platforms.as_file(n)).name if n.endswith(platforms.SUFFIX) else n for n in wanted.only_on]
        self._sampled = not asked and wanted.platforms == FAST
        taken = self._asked(asked, there) if asked else self._there(there.values(), wanted.platforms)
        on_them = {n: g for n, g in self.guests.items() if n in self._named or (g.platform and g.platform.name in taken)}
        if asked and not on_them:
            raise UsageError(f"--platform {', '.join(asked)}: no peer is built for {'it' if len(asked) == 1 else 'them'}")
        self.peers = {**{n: m for n, m in own.items() if not asked or not m.offers or n in wanted.named}, **on_them}

    def _asked(self, names: list[str], there: Mapping[str, Platform]) -> set[str]:
        for name in names:
            if name not in there:
                raise UsageError(
                    f"--platform {name}: there is no such platform{did_you_mean(name, there)}", hint="`parley list platforms` shows them."
                )
            self._builder.find_tools(there[name])
        return set(names)

    def _there(self, there: Iterable[Platform], kind: str) -> set[str]:
        """Those that nobody asked for by name: a run does without what is not there, and says so."""
        found: set[str] = set()
        for platform in there:
            if kind == ALL or (kind == FAST and platform.fast):
                try:
                    (self._modest if kind == FAST else self._builder).find_tools(platform)
                    found.add(platform.name)
                except ToolError as error:
                    self._left_out[platform.title] = error.what.removeprefix(f"{platform.title}: ")
                    self._say(f"left out: {error}")
        return found

    def _samples(self, manifest: Manifest) -> bool:
        return manifest.platform is not None and self._sampled and manifest.name not in self._named

    def builder_for(self, manifest: Manifest) -> Builder:
        """Who builds a peer: for what nobody asked for no tool is installed."""
        return self._modest if self._samples(manifest) else self._builder

    def placed(self, abilities: Abilities, manifest: Manifest, system: str = "") -> Abilities:
        """What a peer can do where it is; ``system``: whose machine that is."""
        platform = manifest.platform
        if platform is None:
            return abilities
        there = abilities.on({**platform.lacks, **manifest.lacks}) if abilities.known else abilities
        return msgspec.structs.replace(there, guest=True, sampled=self._samples(manifest), system=system, slower=platform.slower)
