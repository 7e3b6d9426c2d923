"""What a run shows in the terminal: a line that moves, then the matrix, then what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.model.expectation import Expected
from harness.model.result import ERROR, EXPECTED_FAILURE, FAIL, FLAKY, PASS, UNEXPECTED_PASS, UNSUPPORTED, Result
from harness.model.transports import LOCAL_FAMILY
from harness.report import repeats
from harness.report.summary import MACHINE, Summary

PROTOCOLS = ("tcp", "udp", "multicast", "http", "smtp", "ftp", "dns", "rtp", MACHINE)
PLATFORM = "@"
"""Stands between a peer and the platform that it is on."""
_TITLES = {MACHINE: "ONE MACHINE"}
_PROBES = {"http-server-probes": "as server", "http-client-probes": "as client"}
_FAMILIES = {"ipv4": "v4 ", "ipv6": "v6 ", LOCAL_FAMILY: ""}
_MARKS = {
    FAIL: ("red", "fail"), UNEXPECTED_PASS: ("red", "upass"), ERROR: ("magenta", "err"), EXPECTED_FAILURE: ("blue", "exp"),
    FLAKY: ("blue", "flaky"), UNSUPPORTED: ("yellow", "uns"),
}  # fmt: skip
_MAX_SHOWN, _MAX_CASES = 12, 3


def matrix(console: Console, summary: Summary) -> None:
    """One table a protocol: a row for each server, a column for each client, counts by family in each cell; as many tables side by side
    as the columns need. Of probes, one table: a row for each stack, by the side that was put to the test.
    """
    for protocol in sorted({c[0] for c in summary.cells} - _PROBES.keys(), key=lambda p: PROTOCOLS.index(p) if p in PROTOCOLS else 99):
        cells = {c[1:]: n for c, n in summary.cells.items() if c[0] == protocol}
        clients = sorted({client for _, _, client in cells})
        servers = sorted({server for _, server, _ in cells})
        rows = {server: [_cell(cells, server, client) for client in clients] for server in servers}
        for columns in _fitting(console.width, clients, rows):
            title = f"{_TITLES.get(protocol, protocol.upper())}: server (row) by client (column)"
            console.print(_table(title, ["server", *(clients[i] for i in columns)], [[s, *(rows[s][i] for i in columns)] for s in servers]))
    _mechanisms(console, summary)
    _probes(console, summary)
    _platforms(console, summary)


def _platforms(console: Console, summary: Summary) -> None:
    """One table of what was held with a peer on another platform: a row for each such peer in each role."""
    counts: dict[tuple[str, str, str], dict[str, Counter[str]]] = {}
    for (protocol, _, server, client), counter in summary.cells.items():
        for role, name in (("server", server), ("client", client)):
            peer, _, platform = name.partition(PLATFORM)
            if platform:
                counts.setdefault((platform, peer, role), {}).setdefault(_short(protocol), Counter()).update(counter)
    names = sorted({p for found in counts.values() for p in found}, key=lambda p: PROTOCOLS.index(p) if p in PROTOCOLS else 99)
    rows = {
        f"{peer}{PLATFORM}{platform} {role}": [_counts(found[p]) if p in found else "-" for p in names]
        for (platform, peer, role), found in sorted(counts.items())
    }
    for columns in _fitting(console.width, names, rows) if rows else ():
        title = "PLATFORMS: peers on other systems, by role and protocol"
        console.print(_table(title, ["peer", *(names[i] for i in columns)], [[row, *(cells[i] for i in columns)] for row, cells in rows.items()]))


def _short(protocol: str) -> str:
    return "http" if protocol in _PROBES else protocol


def _mechanisms(console: Console, summary: Summary) -> None:
    if summary.mechanisms:
        rows = [[name, _counts(counter)] for name, counter in sorted(summary.mechanisms.items())]
        console.print(_table("ONE MACHINE: what connects its processes", ["mechanism", "all pairs"], rows))


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", min_width=44)
    for i, name in enumerate(head):
        table.add_column(name, no_wrap=i == 0)
    for row in rows:
        table.add_row(*row)
    return table


def _fitting(width: int, names: Sequence[str], rows: Mapping[str, Sequence[str]]) -> Iterator[list[int]]:
    """The columns' numbers, in groups that a terminal of that width has room for."""
    first = max(len("server"), *(len(name) for name in rows)) + 4
    group: list[int] = []
    used = first
    for i, name in enumerate(names):
        needed = max(len(name), *(Text.from_markup(line).cell_len for row in rows.values() for line in row[i].splitlines())) + 3
        if group and used + needed > width:
            yield group
            group, used = [], first
        group.append(i)
        used += needed
    yield group


def _probes(console: Console, summary: Summary) -> None:
    counts: dict[str, dict[str, Counter[str]]] = {}
    for (protocol, _, server, client), counter in summary.cells.items():
        if protocol in _PROBES:
            tested = server if protocol == "http-server-probes" else client
            counts.setdefault(tested, {}).setdefault(protocol, Counter()).update(counter)
    if counts:
        rows = [[name, *(_counts(found[p]) if p in found else "-" for p in _PROBES)] for name, found in sorted(counts.items())]
        console.print(_table("HTTP probes: octets that put one side to the test", ["stack", *_PROBES.values()], rows))


def _cell(cells: dict[tuple[str, str, str], Counter[str]], server: str, client: str) -> str:
    lines = [f"{short}{_counts(cells[family, server, client])}" for family, short in _FAMILIES.items() if (family, server, client) in cells]
    return "\n".join(lines) or "-"


def _counts(counter: Counter[str]) -> str:
    words = [f"[green]{counter[PASS]}[/]"] if counter[PASS] or not counter else []
    words += [f"[{colour}]{counter[verdict]} {word}[/]" for verdict, (colour, word) in _MARKS.items() if counter[verdict]]
    return " ".join(words)


def problems(console: Console, results: Sequence[Result]) -> None:
    """Each case that did not pass, the first of them in full, and what is not supported, by reason."""
    bad = [r for r in results if r.outcome in (FAIL, ERROR)]
    for result in bad[:_MAX_SHOWN]:
        colour = _MARKS[result.verdict][0]
        console.print(f"[bold {colour}]{result.verdict}[/] {escape(result.id)}", soft_wrap=True, highlight=False)
        console.print(f"     {escape(result.reason)}", highlight=False)
        if result.expected:
            console.print(f"     [dim]{escape(result.expected.where)} expects another failure{escape(_on(result.expected))}[/]", highlight=False)
        cited = sorted({f"{f.requirement} ({f.level})" if f.level else f.requirement for f in result.findings if f.requirement})
        if cited:
            console.print(f"     [dim]{escape(', '.join(cited))}[/]", highlight=False)
    if len(bad) > _MAX_SHOWN:
        console.print(f"... and {len(bad) - _MAX_SHOWN:,} more: results.json has them all")
    reasons = Counter(r.reason for r in results if r.verdict == UNSUPPORTED)
    for reason, count in reasons.most_common(_MAX_SHOWN):
        console.print(f"[yellow]unsupported[/] {count:,} cases: {escape(reason)}", highlight=False)
    _expected(console, results)
    noted = [r for r in results if r.verdict == PASS and r.findings and not r.expected]
    for (reason), count in Counter(r.reason for r in noted).most_common(_MAX_SHOWN):
        console.print(f"[cyan]note[/] {count:,} cases pass, but: {escape(reason)}", highlight=False)


def _on(expected: Expected) -> str:
    return f", on {expected.requirement}" if expected.requirement else ""


def _expected(console: Console, results: Sequence[Result]) -> None:
    """What failed as expected, by the entry that says so."""
    met = Counter(r.expected for r in results if r.expected and r.expected.met and r.findings)
    for expected, count in met.most_common(_MAX_SHOWN):
        words = f"{count:,} cases fail as {expected.where} says ({expected.kind}): {expected.reason}"
        console.print(f"[blue]expected[/] {escape(words)}", highlight=False)
    if len(met) > _MAX_SHOWN:
        console.print(f"... and {len(met) - _MAX_SHOWN:,} more entries: results.json has them all")


def expectations(console: Console, summary: Summary) -> None:
    """Each entry of an expectations file that fails the run: where it stands, what is wrong, what to do."""
    for trouble in summary.troubles:
        console.print(f"[bold red]{trouble.what}[/] {escape(trouble.where)}: {escape(trouble.says)}", soft_wrap=True, highlight=False)
        for case in trouble.cases[:_MAX_CASES]:
            console.print(f"     {escape(case)}", soft_wrap=True, highlight=False)
        if len(trouble.cases) > _MAX_CASES:
            console.print(f"     ... and {len(trouble.cases) - _MAX_CASES:,} more", highlight=False)
        console.print(f"     {escape(trouble.remedy)}", highlight=False)


def stability(console: Console, results: Sequence[Result]) -> None:
    """Where cases were repeated: those that failed sometimes, and what is known of the rate of all."""
    counted = repeats.count(results)
    if counted is None:
        return
    unstable = [r for r in counted.cases if r.unstable]
    for one in unstable[:_MAX_SHOWN]:
        console.print(f"[bold red]unstable[/] {escape(one.case)}", soft_wrap=True, highlight=False)
        console.print(f"     {repeats.row(one)}", highlight=False)
    if len(unstable) > _MAX_SHOWN:
        console.print(f"... and {len(unstable) - _MAX_SHOWN:,} more unstable cases: results.json has them all")
    console.print(repeats.sentence(counted), highlight=False)


def closing(console: Console, summary: Summary, results: Sequence[Result]) -> None:
    """All that is said after the matrix but for the last line."""
    problems(console, results)
    expectations(console, summary)
    stability(console, results)
    console.print(summary.levels_sentence(), highlight=False)
