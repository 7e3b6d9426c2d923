"""What ``peer.toml`` and platform files are made of, and how such a file is read: every problem that it has, with the place where it stands.

Owns tools and builds as a file says them. Does not look for tools, build or start anything.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import ManifestError
from harness.suggest import did_you_mean

Argv = Annotated[list[str], Field(min_length=1)]


class Strict(BaseModel):
    """A table that has no members but those it knows."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Build(Strict):
    """How something is built: ``command`` runs in the folder of the file that says so; ``inputs`` are globs below it. ``otherwise`` is run where
    ``command`` fails (libraries that cannot be fetched), for a peer that then does with less; empty: nothing is.
    """

    command: Argv
    otherwise: list[str] | None = None
    inputs: list[str] = ["**/*"]
    env: dict[str, str] = {}


class Tool(Strict):
    """A program that a command needs: looked for on PATH, or brought in as a wheel from the Python package index; ``hint`` says how
    else to get it.
    """

    path: list[str] = []
    check: list[str] = []
    wheel: str = ""
    wheel_command: list[str] = Field(default=[], alias="wheel-command")
    own: bool = False
    hint: str = ""


class Owner(Protocol):
    """Whose tools and builds these are: ``title`` in messages, ``file_name`` in folders' names, ``file`` where it says so, in ``folder``."""

    @property
    def title(self) -> str: ...
    @property
    def file_name(self) -> str: ...
    @property
    def file(self) -> Path: ...
    @property
    def folder(self) -> Path: ...
    @property
    def tools(self) -> dict[str, Tool]: ...


M = TypeVar("M", bound=BaseModel)


def read(path: Path, hint: str) -> dict[str, Any]:
    """The file's tables. Raises ``ManifestError``; ``hint`` says what to do if it is not there."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestError(f"{path}: there is no such file", hint=hint) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ManifestError(f"{path}: {error}") from None


def checked(model: type[M], path: Path, raw: dict[str, Any], known: Iterable[str], where: str = "") -> M:
    """``raw`` as that model; ``known`` are the members that a file may have, ``where`` the table that it stands in. Raises ``ManifestError``."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise ManifestError("\n".join(_problem(path, e, known, where) for e in error.errors())) from None


def members(*models: type[BaseModel]) -> set[str]:
    """What tables of these models may hold, as a file writes it."""
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def _problem(path: Path, error: Any, known: Iterable[str], inside: str) -> str:
    where = inside + ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{path}: '{where}' is missing"
    if error["type"] == "extra_forbidden":
        return f"{path}: '{where}' is not known{did_you_mean(str(error['loc'][-1]), known)}"
    said = error["msg"].removeprefix("Value error, ")
    return f"{path}: '{where}': {said[0].lower()}{said[1:]}" if where else f"{path}: {said}"
