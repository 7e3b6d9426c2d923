"""The words of conversations about files (RFC 959): what every FTP server of a run holds, and what clients do with it.

Owns their shape. Which paths there are is the server's to know.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, model_validator

from harness.model import files as f
from harness.spec.recipe import Payload, payload
from harness.spec.words import Codes, Requires, Strict

Path = Annotated[str, Field(max_length=1024)]
_WITH_CONTENT = f.STORING
_MEMBERS = {"content": _WITH_CONTENT, "type": ("retrieve", *_WITH_CONTENT), "offset": ("retrieve", "store"), "to": ("rename",)}
_EXPECTED = {"content": ("retrieve",), "names": ("names",), "entries": ("entries",), "size": ("size",), "path": ("where",), "stored": _WITH_CONTENT}


class File(Strict):
    """A file of every server: so many octets of zero (a ``hole``), then the content."""

    name: Annotated[str, Field(pattern=r"^[^/\r\n]+(/[^/\r\n]+)*$")]
    content: Payload
    hole: Annotated[int, Field(ge=0, le=2**43)] = 0


class Stored(Strict):
    """A file as it is afterwards."""

    name: Path | None = None
    content: Payload


class Effect(Strict):
    """What must come of an operation. ``breaks``: or the session breaks off, which the client may find out in its own way."""

    status: Codes = ["2xx"]
    content: Payload | None = None
    names: list[str] | None = None
    entries: list[Annotated[list[str | int], Field(min_length=2, max_length=3)]] | None = None
    size: Annotated[int, Field(ge=0)] | None = None
    path: str | None = None
    stored: Stored | None = None
    breaks: bool = False
    requires: Requires = []

    @model_validator(mode="after")
    def _kinds(self) -> Effect:
        for name, kind, *size in self.entries or ():
            if not isinstance(name, str) or kind not in ("file", "dir") or (kind == "file") != (len(size) == 1 and isinstance(size[0], int)):
                raise ValueError("an entry is [name, file, octets] or [name, dir]")
        return self


class Operation(Strict):
    """One operation: a word of ``peers/ftp.md`` with the name it is about, and what must come of it. ``stored``: the file as it is after
    ``store`` or ``append``, where it is not what was given.
    """

    retrieve: Path | None = None
    store: Path | None = None
    append: Path | None = None
    names: Path | None = None
    entries: Path | None = None
    size: Path | None = None
    rename: Path | None = None
    delete: Path | None = None
    make: Path | None = None
    remove: Path | None = None
    enter: Path | None = None
    where: Literal[True] | None = None
    to: Path | None = None
    content: Payload | None = None
    type: Literal["image", "ascii"] = "image"
    offset: Annotated[int, Field(ge=0)] = 0
    expect: Effect = Effect()

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"where": True} if value == "where" else value

    @model_validator(mode="after")
    def _one(self) -> Operation:
        if len(self.model_fields_set & f.VERBS.keys()) != 1:
            raise ValueError(f"an operation is exactly one of: {', '.join(f.VERBS)}")
        for word, of in _MEMBERS.items():
            if word in self.model_fields_set and self.op not in of:
                raise ValueError(f"'{word}' is not of '{self.op}'")
        for word, of in _EXPECTED.items():
            if word in self.expect.model_fields_set and self.op not in of:
                raise ValueError(f"nothing of '{word}' comes of '{self.op}'")
        if (self.op in _WITH_CONTENT) != (self.content is not None) or (self.op == "rename") != (self.to is not None):
            raise ValueError("'store' and 'append' have a 'content', and 'rename' says 'to' what")
        return self

    @model_validator(mode="after")
    def _lines(self) -> Operation:
        given = self.content or self.expect.content
        if self.type == "ascii" and given is not None and (b"\r" in (octets := payload(given).octets()) or not octets.endswith(b"\n")):
            raise ValueError("in TYPE ascii a content is of lines that end in LF")
        return self

    @property
    def op(self) -> str:
        """Its word."""
        return next(iter(self.model_fields_set & f.VERBS.keys()))


def held(spec: File) -> dict[str, Any]:
    """As the contract's ``serve`` takes it."""
    found: dict[str, Any] = {"name": spec.name, "content": payload(spec.content).as_told()}
    return {**found, "hole": spec.hole} if spec.hole else found


def operation(spec: Operation) -> f.Operation:
    """As a value."""
    op, outcome = spec.op, spec.expect
    told: dict[str, Any] = {"op": op} if op == "where" else {"op": op, "name": getattr(spec, op)}
    if spec.to is not None:
        told["to"] = spec.to
    if op in _MEMBERS["type"]:
        told["type"] = spec.type
    if spec.offset:
        told["offset"] = spec.offset
    if spec.content is not None:
        told["content"] = payload(spec.content).as_told()
    content = spec.content or outcome.content
    entries = tuple(map(_entry, outcome.entries)) if outcome.entries is not None else None
    names = tuple(outcome.names) if outcome.names is not None else None
    value = f.Operation(
        op, told, payload(content) if content else None, None, tuple(outcome.status), outcome.breaks, names, entries, outcome.size, outcome.path,
        tuple(outcome.requires),
    )  # fmt: skip
    return msgspec.structs.replace(value, left=_left(spec)) if value.succeeds and spec.content is not None else value


def _entry(spec: list[str | int]) -> f.Entry:
    name, kind, *size = spec
    return str(name), str(kind), int(size[0]) if size else None


def _left(spec: Operation) -> tuple[str, Any]:
    """The file at the server after it went well."""
    assert spec.content is not None
    stored = spec.expect.stored
    name = (stored.name if stored and stored.name else getattr(spec, spec.op)).lstrip("/")
    return name, payload(stored.content if stored else spec.content)
