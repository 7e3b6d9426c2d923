"""Coverage for people and programs: a table, JSON, Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.coverage.rows import STATES, Row, Total
from harness.model import levels

_COLOURS = dict(zip(STATES, ("red", "green", "yellow", "dim"), strict=True))
_HEADS = ("RFC", "title", "requirements", "check", "mutant", "only a reason", "neither")


def table(console: Console, totals: Sequence[Total]) -> None:
    """A line for each RFC, and their sum."""
    grid = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    grid.add_column("RFC", justify="right")
    grid.add_column("title", overflow="ellipsis", no_wrap=True, max_width=26)
    for name in ("requirements", "check", "mutant", "reason", "neither"):
        grid.add_column(name, justify="right", no_wrap=True)
    for t in totals:
        grid.add_row(str(t.rfc), escape(t.title), *map(str, _numbers(t)))
    if len(totals) > 1:
        grid.add_row("", "all", *(str(sum(column)) for column in zip(*map(_numbers, totals), strict=True)), style="bold")
    console.print(grid)
    words = (
        "check: a conversation or a rule looks at it. mutant: a program that breaks just it is caught. reason: no check, and why. neither: no check."
    )
    console.print(words, style="dim", highlight=False)


def _numbers(total: Total) -> tuple[int, int, int, int, int]:
    return total.requirements, total.check, total.mutant, total.reason, total.neither


def details(console: Console, rows: Iterable[Row]) -> None:
    """Every requirement: what checks it, what trips it, how each peer stands."""
    for row in rows:
        head = Text.assemble((row.id, "bold"), f"  {row.level}, {row.role}; {row.clause}" + (f" ({row.label})" if row.label else ""))
        console.print()
        console.print(head, soft_wrap=False)
        console.print(Padding(Text(row.says), (0, 0, 0, 2)))
        for name, text, colour in _lines(row):
            line = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
            line.add_column(width=11)
            line.add_column(overflow="fold")
            line.add_row(Text(name, style=colour), Text(text))
            console.print(Padding(line, (0, 0, 0, 2)))


def _lines(row: Row) -> Iterator[tuple[str, str, str]]:
    """Heading, text and colour of each line of a requirement."""
    if row.conversations:
        yield "check", "\n".join(row.conversations), "green"
    if row.rule:
        yield "rule", row.rule, "green"
    if not row.checked:
        yield "check", row.unchecked or "none, and no reason", "yellow" if row.unchecked else "red"
    elif row.unchecked:
        yield "reason", row.unchecked, "yellow"
    if row.checked or row.mutants:
        yield "mutant", ", ".join(row.mutants) or "none", "green" if row.mutants else "red"
    if row.pending:
        yield "not caught", ", ".join(row.pending), "yellow"
    for state in STATES:
        names = [name for name, stands in row.peers.items() if stands == state]
        if names:
            yield state, ", ".join(names), _COLOURS[state]


def as_json(totals: Sequence[Total], rows: Sequence[Row], run: str) -> str:
    """``{"run", "totals", "requirements"}``."""
    return msgspec.json.format(msgspec.json.encode({"run": run, "totals": totals, "requirements": rows}), indent=1).decode()


def as_markdown(totals: Sequence[Total], rows: Sequence[Row], run: str) -> str:
    """A table of the RFCs, then one of the requirements of each."""
    lines = ["# Coverage", "", f"Verdicts: {run}." if run else "No run to take verdicts from.", "", *_grid(_HEADS)]
    lines += [_line(t.rfc, t.title, *_numbers(t)) for t in totals]
    for total in totals:
        lines += ["", f"## {levels.standard(total.rfc)}: {total.title}", ""]
        lines += _grid(("requirement", "clause", "level", "role", "checked by", "mutants", "peers"))
        lines += [_line(r.id, r.clause, r.level, r.role, _by(r), ", ".join(r.mutants), _peers(r)) for r in rows if r.rfc == total.rfc]
    return "\n".join(lines) + "\n"


def _by(row: Row) -> str:
    words = [*row.conversations, *([f"rule: {row.rule}"] if row.rule else [])]
    return ", ".join(words) or (f"unchecked: {row.unchecked}" if row.unchecked else "")


def _peers(row: Row) -> str:
    return ", ".join(f"{name} {state}" for name, state in row.peers.items())


def _grid(heads: Sequence[str]) -> list[str]:
    return [_line(*heads), "|" + "-|" * len(heads)]


def _line(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ").replace("*", "\\*") for cell in cells) + " |"
