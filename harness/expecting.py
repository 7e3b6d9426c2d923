"""Expectations files on disk: reading them, and ``--update-expectations``.

Owns the files' text. What an entry means is ``plan.expectations``'s. A rewritten file keeps every line that it had, but for those of the
entries taken out: it is edited by lines and not dumped anew, since a dump moves comments away with the entry before them.
"""

from __future__ import annotations

import datetime
import fnmatch
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.errors import SpecError, StorageError, UsageError
from harness.model.result import Result
from harness.plan.expectations import Book, Entry, Proposal, parse, propose
from harness.spec import yamlpos
from harness.spec.load import Problem, shown

NAME = "expectations.yaml"
DAYS = 90
TODO = "TODO"
_HEAD = "# What is known to fail. The head of Parley's own expectations.yaml explains the members.\n"


def files(home: Path, extra: Sequence[Path], own: bool, create: bool = False) -> list[Path]:
    """The files of a run: the project's own (if it is there and ``own``), and those named; ``create``: the last one may be made."""
    for path in extra if not create else extra[:-1]:
        if not path.is_file():
            raise UsageError(f"--expectations {path}: there is no such file", hint="--update-expectations makes it.")
    first = [home / NAME] if own and (home / NAME).is_file() else []
    if create and not own and not extra:
        raise UsageError("--update-expectations has no file to write", hint="Name one with --expectations, or leave --no-expectations away.")
    return list({path.resolve(): path for path in [*first, *extra]}.values())


def load(paths: Iterable[Path], requirements: Collection[str]) -> list[Entry]:
    """All entries of all files, in their order. Raises ``SpecError`` with everything that is wrong with them."""
    problems: list[Problem] = []
    found: list[Entry] = []
    for path in paths:
        try:
            found += parse(yamlpos.read(shown(path)), requirements, problems) if path.exists() else []
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(sorted(set(problems)))
    return found


@dataclass(frozen=True)
class Change:
    """What an update does to all files: entries to take out, and proposals with the entry that each replaces, if it does."""

    removed: tuple[Entry, ...]
    added: tuple[tuple[Proposal, Entry | None], ...]


def change(book: Book, results: Sequence[Result], plan: Sequence[str], strict: bool, never: Collection[str] = ()) -> Change:
    """Stale entries and those that passed unexpectedly leave; each failure that is then not expected gets an entry. ``never``: cases of
    the plan that this choice of peers never holds, so that a new entry's pattern may fit them too.
    """
    out = {*book.stale(plan), *book.unmet(results)}
    removed = tuple(e for n, e in enumerate(book.entries) if n in out)
    rest = Book([e for n, e in enumerate(book.entries) if n not in out], strict)
    marked = [rest.mark(msgspec.structs.replace(r, expected=None)) for r in results]
    return Change(removed, tuple((p, _before(p, removed)) for p in propose(marked, [case for case in plan if case not in never])))


def _before(proposal: Proposal, removed: Iterable[Entry]) -> Entry | None:
    """The removed entry that spoke of these cases: its reason and owner are not lost."""
    return next((e for e in removed if any(fnmatch.fnmatchcase(case, e.written.cases) for case in proposal.covered)), None)


def apply(made: Change, target: Path, today: datetime.date) -> list[str]:
    """Rewrites the files and says what it did, a sentence for each entry. Raises ``StorageError``, ``UsageError``."""
    by_file: dict[Path, list[Entry]] = {}
    for entry in made.removed:
        by_file.setdefault(Path(entry.file), []).append(entry)
    target = shown(target.resolve())
    added = [_text(proposal, before, today) for proposal, before in made.added]
    for path in dict.fromkeys([*by_file, *([target] if added else [])]):
        _rewrite(path, by_file.get(path, []), added if path == target else [])
    said = [f"{e.where}: taken out ({e.written.cases})" for e in made.removed]
    return said + [f"{target}: added {p.kind} {p.cases} ({len(p.covered):,} cases; {p.guilty})" for p, _ in made.added]


def _text(proposal: Proposal, before: Entry | None, today: datetime.date) -> str:
    old = before.written if before else None
    members: Mapping[str, str] = {
        "cases": proposal.cases,
        "requirement": proposal.requirement,
        "kind": proposal.kind,
        "reason": old.reason if old else f"{TODO}: why {proposal.guilty} does this",
        "link": old.link if old else "",
        "owner": old.owner if old else f"{TODO}: who mends it",
        "expires": old.expires if old else (today + datetime.timedelta(days=DAYS)).isoformat(),
    }
    lines = [f"{key}: {value if key in ('kind', 'expires') else json.dumps(value, ensure_ascii=False)}" for key, value in members.items() if value]
    return "- " + "\n  ".join(lines) + "\n"


def _rewrite(path: Path, removed: Sequence[Entry], added: Sequence[str]) -> None:
    try:
        old = path.read_text(encoding="utf-8") if path.exists() else _HEAD
        new = edit(old, [e.line for e in removed], added, path)
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(new, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise StorageError(f"{path}: cannot be rewritten: {error.strerror}") from None


def edit(text: str, removed: Collection[int], added: Sequence[str], path: Path = Path(NAME)) -> str:
    """The text without the entries at these lines (from 1), and with those added at its end. Comments outside of an entry stay.

    Raises ``UsageError``, before anything is changed, for a file whose list is not written one entry after a ``-``.
    """
    document = yamlpos.parse(path, text.encode())
    count = len(document.value or [])
    places = [document.place((n,))[0] for n in range(count)]
    lines = text.splitlines(keepends=True)
    starts = [_dash(lines, line) for line in places]
    if None in starts:
        raise UsageError(f"{path}: cannot be rewritten: write each entry after a '-' at the beginning of a line")
    begins = [s for s in starts if s is not None]
    gone = {at for n, s in enumerate(begins) if places[n] in removed for at in range(s, _end(lines, s, begins[n + 1 :]))}
    if not count:
        gone |= {at for at, line in enumerate(lines) if line.split("#")[0].strip() in ("[]", "null", "~")}
    kept = "".join(line for at, line in enumerate(lines) if at not in gone)
    kept += "" if kept.endswith("\n") or not kept else "\n"
    new = kept + "".join("\n" + entry if kept else entry for entry in added)
    left = count - sum(line in removed for line in places)
    new += "" if left or added else "[]\n"
    if len(yamlpos.parse(path, new.encode()).value or []) != left + len(added):
        raise UsageError(f"{path}: cannot be rewritten: its entries are not written in the usual form")
    return new


def _dash(lines: Sequence[str], line: int) -> int | None:
    """The line, from 0, whose ``-`` opens the entry that stands at ``line``, from 1."""
    for at in range(line - 1, -1, -1):
        words = lines[at].strip()
        if words.startswith("-"):
            return at
        if words and not words.startswith("#") and at != line - 1:
            return None
    return None


def _end(lines: Sequence[str], start: int, later: Sequence[int]) -> int:
    """Where an entry ends: before the blank lines and comments that stand before the next one."""
    end = later[0] if later else len(lines)
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end
