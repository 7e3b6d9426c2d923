"""YAML as plain values that remember where they stood.

Owns reading within bounds: size, depth, no aliases (so no alias bombs), no repeated keys. Knows nothing of specs.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, DocumentStartEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent
from ruamel.yaml.reader import ReaderError

from harness.errors import SpecError

MAX_OCTETS = 1024 * 1024
MAX_DEPTH = 24
Place = tuple[int, int]
"""Line and column, both from 1."""
Path_ = tuple[str | int, ...]

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?\Z")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


class Document:
    """A YAML document: ``value`` in plain Python, and ``place`` of each path in it."""

    def __init__(self, path: Path, value: Any, places: dict[Path_, Place]) -> None:
        self.path = path
        self.value = value
        self._places = places

    def place(self, path: Path_) -> Place:
        """Where a path stands; that of its nearest parent when it stands nowhere itself."""
        while path and path not in self._places:
            path = path[:-1]
        return self._places.get(path, (1, 1))

    def error(self, path: Path_, says: str) -> tuple[str, int, int, str]:
        """A problem at that path, in the form that ``SpecError`` takes."""
        line, column = self.place(path)
        return (str(self.path), line, column, says)


def read(path: Path) -> Document:
    """Reads one file. Raises ``SpecError``, with the place, for whatever keeps it from being plain data."""
    return parse(path, _octets(path))


def parse(path: Path, octets: bytes) -> Document:
    """The same of octets at hand; ``path`` is only named in errors."""
    if len(octets) > MAX_OCTETS:
        raise SpecError([(str(path), 1, 1, f"the file has {len(octets):,} octets; a spec has at most {MAX_OCTETS:,}")])
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise SpecError([(str(path), line, 1, f"this is not UTF-8 ({error.reason})")]) from None
    reader = _Reader(path)
    try:
        value = reader.document(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        says = " ".join(str(part) for part in (error.problem, error.context) if part)
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise SpecError([(str(path), *place, f"this is not YAML: {says}")]) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpecError([(str(path), line, 1, f"this is not YAML: {error.reason}")]) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise SpecError([(str(path), 1, 1, f"this is not YAML: {error}")]) from None
    return Document(path, value, reader.places)


def _octets(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_OCTETS + 1)
    except OSError as error:
        raise SpecError([(str(path), 1, 1, f"the file cannot be read: {error.strerror}")]) from None


class _Reader:
    """Builds values from the parser's events, refusing what a spec may not have."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.places: dict[Path_, Place] = {}

    def document(self, events: Any) -> Any:
        value: Any = None
        seen = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                seen += 1
                if seen > 1:
                    self._refuse(event, "a second document begins here; a spec file holds one")
            elif isinstance(event, (AliasEvent, ScalarEvent, SequenceStartEvent, MappingStartEvent)):
                value = self._value(event, events, ())
        return value

    def _value(self, event: Any, events: Any, path: Path_) -> Any:
        if isinstance(event, AliasEvent):
            self._refuse(event, f"the alias *{event.anchor} is not allowed; write the value out, or use 'with'")
        if len(path) > MAX_DEPTH:
            self._refuse(event, f"this is nested more than {MAX_DEPTH} deep")
        self.places.setdefault(path, _place(event))
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, path)
        return self._mapping(events, path)

    def _sequence(self, events: Any, path: Path_) -> list[Any]:
        items: list[Any] = []
        for event in events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            items.append(self._value(event, events, (*path, len(items))))
        return items

    def _mapping(self, events: Any, path: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if type(event).__name__ == "MappingEndEvent":
                break
            if not isinstance(event, ScalarEvent):
                self._refuse(event, "a key must be a plain word")
            key = event.value
            if key in found:
                line, column = self.places[(*path, key)]
                self._refuse(event, f"the key '{key}' stands here a second time (first at {line}:{column})")
            self.places[(*path, key)] = _place(event)
            found[key] = self._value(next(events), events, (*path, key))
        return found

    def _scalar(self, event: ScalarEvent) -> Any:
        text: str = event.value
        if not event.implicit[0]:
            if event.tag and not event.tag.endswith("str") and event.tag != "!":
                self._refuse(event, f"the tag {event.tag} is not allowed; a spec is plain data")
            return text
        if text.lower() in _WORDS and text in {text.lower(), text.capitalize(), text.upper()}:
            return _WORDS[text.lower()]
        if _INT.match(text):
            return int(text) if len(text) < 20 else text
        return float(text) if _FLOAT.match(text) else text

    def _refuse(self, event: Any, says: str) -> None:
        raise SpecError([(str(self._path), *_place(event), says)])


def _place(event: Any) -> Place:
    return (event.start_mark.line + 1, event.start_mark.column + 1)
