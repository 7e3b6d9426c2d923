"""The ladder: both sides' steps of one case side by side, in time, with what was found."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.model.result import Result
from harness.model.trace import Side, Step, Trace
from harness.model.wire import Address, Frame
from harness.report.journal import Entry

Row = tuple[int, str, int, Step]
"""Time in microseconds, role, the step's number from 1, step."""
_SHOWN_RECORDS = 3
_COLOURS = {"pass": "green", "fail": "red", "error": "magenta", "unsupported": "yellow"}


def show(console: Console, entry: Entry) -> None:
    """Prints one case."""
    result, trace = entry.result, entry.trace
    console.print(f"[bold]{escape(result.id)}[/]", soft_wrap=True, highlight=False)
    if entry.says:
        console.print(escape(entry.says), highlight=False)
    console.print(f"requires {escape(', '.join(result.requires))}", highlight=False)
    colour = _COLOURS[result.verdict]
    console.print(f"verdict [bold {colour}]{result.verdict}[/] in {result.seconds * 1000:.1f} ms", highlight=False)
    if result.expected:
        met = "" if result.expected.met else ", but not this"
        words = f"{result.expected.where} expects it ({result.expected.kind}){met}: {result.expected.reason}"
        console.print(escape(words), highlight=False)
    if trace is None:
        console.print("the evidence of a repeat that passed is not kept")
    else:
        _ladder(console, result, trace)
    _findings(console, result)


def _ladder(console: Console, result: Result, trace: Trace) -> None:
    rows: list[Row | Frame] = [*_rows("client", trace.client), *_rows("server", trace.server), *trace.wire.frames]
    rows.sort(key=_when)
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column(f"client {result.client}")
    table.add_column("")
    table.add_column(f"server {result.server}")
    start = _when(rows[0]) if rows else 0
    for row in rows:
        if isinstance(row, Frame):
            table.add_row(f"[dim]{(row.t - start) / 1000:.3f}[/]", *_frame(row))
            continue
        t, role, number, step = row
        words = f"{number} {escape(_words(step))}"
        arrow = _arrow(role, step)
        left, right = (words, "") if role == "client" else ("", words)
        table.add_row(f"{(t - start) / 1000:.3f}", left, arrow, right)
    console.print(table)
    if trace.others:
        more = f"{len(trace.others)} more clients talked to this server at the same time; the journal has their accounts"
        console.print(more, highlight=False)
    if trace.wire.absent:
        console.print(f"no wire witness: {escape(trace.wire.absent)}", highlight=False)
    elif trace.wire.total_frames > len(trace.wire.frames):
        console.print(f"{len(trace.wire.frames)} of {trace.wire.total_frames:,} frames are shown", highlight=False)
    for role, side in (("client", trace.client), ("server", trace.server)):
        if side.trouble:
            console.print(f"{role}: [red]{escape(side.says)}[/]", highlight=False)


def _when(row: Row | Frame) -> int:
    return row.t if isinstance(row, Frame) else row[0]


def _frame(frame: Frame) -> tuple[str, str, str]:
    """A frame between the two columns, its words on the side that sent it."""
    words = [f"frame {frame.number}", frame.kind if frame.kind != "tcp" else frame.flags]
    words += [f"{frame.octets:,} octets"] if frame.octets else []
    words += [frame.note] if frame.note else []
    text = f"[dim]{escape(' '.join(words))}[/]"
    return (text, "[dim]──▶[/]", "") if frame.by == "client" else ("", "[dim]◀──[/]", text)


def _rows(role: str, side: Side) -> Iterator[Row]:
    number = 0
    for steps in (side.steps, *(c.steps for c in side.connections)):
        for step in steps:
            number += 1
            yield step.t + side.offset, role, number, step


def _arrow(role: str, step: Step) -> str:
    out = (
        step.step in ("connecting", "sent", "half-closed", "reset", "request")
        if role == "client"
        else step.step in ("sent", "half-closed", "response")
    )
    into = step.step in ("received", "end", "response") if role == "client" else step.step in ("accepted", "received", "end", "request")
    if not out and not into:
        return ""
    return "──▶" if (role == "client") == out else "◀──"


def _words(step: Step) -> str:
    if step.step == "request":
        return f"request {step.method} {step.target}, {step.octets} octets"
    words = [step.step]
    if step.status is not None:
        words.append(str(step.status))
    if step.octets is not None:
        words.append(f"{step.octets:,} octets")
    if step.step in ("connected", "bound", "accepted") and step.local:
        words.append(_place(step.local))
    if step.step in ("connecting", "accepted") and step.remote:
        words.append(f"{'from' if step.step == 'accepted' else 'to'} {_place(step.remote)}")
    words += _further(step)
    words += [w for w in (f"by {step.by}" if step.by else "", step.error, step.says) if w]
    return " ".join(words)


def _place(address: Address) -> str:
    """An address; what is named on one machine has no port."""
    return f"{address[0]} port {address[1]}" if address[1] else address[0]


def _further(step: Step) -> list[str]:
    """What is told besides octets: of signals, queues, descriptors, processes, mail and names."""
    words = [step.signal or "", f"value {step.value}" if step.value is not None else "", f"from process {step.pid}" if step.pid is not None else ""]
    words += [f"priority {step.priority}" if step.priority is not None else ""]
    words += [f"and a descriptor that holds {step.descriptor.octets:,} octets" if step.descriptor else ""]
    words += [f"process {step.credentials['pid']}" if step.credentials and step.step != "created" else ""]
    if step.recipients is not None:
        words += [f"from <{step.sender or ''}> to {', '.join(step.recipients)}"]
    if step.records is not None:
        first = ", ".join(" ".join(map(str, data)) for data in step.records[:_SHOWN_RECORDS])
        words += [f"{first or 'nothing'}{f' and {len(step.records) - _SHOWN_RECORDS} more' if len(step.records) > _SHOWN_RECORDS else ''}"]
    return [word for word in words if word]


def _findings(console: Console, result: Result) -> None:
    for finding in result.findings:
        console.print(f"[bold]{escape(finding.kind)}[/], {escape(finding.side)}: {escape(finding.says)}", highlight=False)
        for name in ("expected", "observed"):
            if getattr(finding, name):
                console.print(f"  {name}: {escape(getattr(finding, name))}", highlight=False)
        clause = f"({finding.clause})" if finding.clause else ""
        cited = " ".join(w for w in (finding.requirement, finding.level, clause) if w)
        console.print(f"  [dim]{escape(cited)}{escape('; ' + ', '.join(finding.evidence) if finding.evidence else '')}[/]", highlight=False)
    if not result.findings and result.reason:
        console.print(escape(result.reason), highlight=False)
