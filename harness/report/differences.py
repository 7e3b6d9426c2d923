"""How peers take the same octets: for each probe, who did what; and who agrees with whom how often. Pure: results in, values and text out.

A difference is no verdict. Where the standard lets each do as it likes, both are right, and still two that meet disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.model.result import FAIL, Result

SIDES = ("server", "client")


class Difference(msgspec.Struct, frozen=True):
    """One probe of one side: what was observed, and of which peers; those that fail it by name. ``says``: what the probe is about."""

    scenario: str
    side: str
    clusters: tuple[tuple[str, tuple[str, ...]], ...]
    failing: tuple[str, ...] = ()
    says: str = ""

    @property
    def united(self) -> bool:
        """Whether all did the same."""
        return len(self.clusters) < 2


class Agreement(msgspec.Struct, frozen=True):
    """Two peers of one side: how many probes both were put to, and at how many of them they did the same."""

    side: str
    peers: tuple[str, str]
    same: int
    probes: int


def of(results: Iterable[tuple[Result, str]]) -> list[Difference]:
    """From (result, what its conversation says): every probe with what was observed, those that divide most first. A peer that did
    different things in several repeats stands in several clusters.
    """
    seen: dict[tuple[str, str], dict[str, dict[str, None]]] = {}
    failing: dict[tuple[str, str], dict[str, None]] = {}
    words: dict[tuple[str, str], str] = {}
    for result, says in results:
        if not result.observed:
            continue
        side = "client" if result.protocol.startswith("http-client") else "server"
        key, peer = (result.scenario, side), result.client if side == "client" else result.server
        seen.setdefault(key, {}).setdefault(_meant(result.observed), {})[peer] = None
        words[key] = says
        if result.verdict == FAIL:
            failing.setdefault(key, {})[peer] = None
    found = [
        Difference(scenario, side, tuple(_largest_first(clusters)), tuple(sorted(failing.get((scenario, side), ()))), words[scenario, side])
        for (scenario, side), clusters in seen.items()
    ]
    return sorted(found, key=lambda d: (SIDES.index(d.side), -len(d.clusters), d.scenario))


def _meant(observed: str) -> str:
    """Whether the end of a connection that brought an answer comes as FIN or RST is a race with octets that nobody reads any more."""
    answered = observed.endswith(", reset") and not observed.startswith("no answer")
    return observed.removesuffix("reset") + "close" if answered else observed


def _largest_first(clusters: dict[str, dict[str, None]]) -> list[tuple[str, tuple[str, ...]]]:
    return sorted(((what, tuple(sorted(peers))) for what, peers in clusters.items()), key=lambda c: (-len(c[1]), c[0]))


def agreements(found: Sequence[Difference]) -> list[Agreement]:
    """For each two peers of a side, the most alike first."""
    same: Counter[tuple[str, str, str]] = Counter()
    probes: Counter[tuple[str, str, str]] = Counter()
    for one in found:
        did = {peer: {what for what, peers in one.clusters if peer in peers} for _, peers in one.clusters for peer in peers}
        for a, b in combinations(sorted(did), 2):
            probes[one.side, a, b] += 1
            same[one.side, a, b] += did[a] == did[b]
    rows = [Agreement(side, (a, b), same[side, a, b], n) for (side, a, b), n in probes.items()]
    return sorted(rows, key=lambda r: (SIDES.index(r.side), -r.same / r.probes, r.peers))


def show(console: Console, found: Sequence[Difference]) -> None:
    """The probes that divide the peers, and how far each two agree."""
    for side in SIDES:
        mine = [d for d in found if d.side == side]
        if not mine:
            continue
        divided = [d for d in mine if not d.united]
        console.print(f"[bold]{side}s[/]: {len(divided):,} of {len(mine):,} probes divide them", highlight=False)
        for one in divided:
            console.print(f"\n[bold]{escape(one.scenario)}[/]", highlight=False, soft_wrap=True)
            console.print(f"  [dim]{escape(one.says)}[/]", highlight=False)
            for what, peers in one.clusters:
                names = ", ".join(f"[red]{name}[/]" if name in one.failing else name for name in peers)
                console.print(f"  {escape(what)}: {names}", highlight=False)
        console.print()
    _table(console, agreements(found))


def _table(console: Console, rows: Sequence[Agreement]) -> None:
    table = Table(title="how alike", title_justify="left", title_style="bold", min_width=44)
    for column in ("side", "peers", "the same", "of probes"):
        table.add_column(column)
    for row in rows:
        table.add_row(row.side, " and ".join(row.peers), f"{row.same:,} ({100 * row.same // row.probes} %)", f"{row.probes:,}")
    if rows:
        console.print(table)
        console.print("a name in red: it breaks the standard there", highlight=False)


def as_json(found: Sequence[Difference], run: str) -> str:
    """All probes, the united ones too, and the agreements."""
    return msgspec.json.format(msgspec.json.encode({"run": run, "probes": found, "agreements": agreements(found)}), indent=1).decode()
