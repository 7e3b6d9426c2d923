"""``peer.toml``: what a peer is called, how it is built and how it is launched.

Owns reading and checking the manifest. Does not look for tools, build or start anything.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import ManifestError
from harness.suggest import did_you_mean

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
Argv = Annotated[list[str], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Build(_Strict):
    """How the peer is built: ``command`` runs in the peer's folder; ``inputs`` are globs below it."""

    command: Argv
    inputs: list[str] = ["**/*"]
    env: dict[str, str] = {}


class Tool(_Strict):
    """A program that a command needs: looked for on PATH, or brought in as a wheel from the Python package index."""

    path: list[str] = []
    check: list[str] = []
    wheel: str = ""
    wheel_command: list[str] = Field(default=[], alias="wheel-command")
    own: bool = False


class Container(_Strict):
    """How the peer lives in a container, where that differs."""

    dockerfile: str = "Dockerfile"
    launch: Argv
    build: list[str] = []


class Manifest(_Strict):
    """A whole ``peer.toml``; ``folder`` is where it stands."""

    name: str
    says: str = ""
    launch: Argv
    build: Build | None = None
    tools: dict[str, Tool] = {}
    container: Container | None = None
    folder: Path = Path()


def load(folder: Path) -> Manifest:
    """Reads ``folder/peer.toml``. Raises ``ManifestError`` with every problem that it has."""
    path = folder / "peer.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestError(f"{path}: there is no such file", hint="peers/README.md, 'The manifest', shows one.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ManifestError(f"{path}: {error}") from None
    try:
        manifest = Manifest.model_validate({**raw, "folder": folder.resolve()})
    except ValidationError as error:
        raise ManifestError("\n".join(_problem(path, e) for e in error.errors())) from None
    if not NAME.fullmatch(manifest.name):
        raise ManifestError(f"{path}: name {manifest.name!r} must be made of a-z, 0-9 and '-'")
    return manifest


def _problem(path: Path, error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{path}: '{where}' is missing" + ("; it says how the peer is started" if where == "launch" else "")
    if error["type"] == "extra_forbidden":
        known = {f.alias or n for m in (Manifest, Build, Tool, Container) for n, f in m.model_fields.items()} - {"folder"}
        return f"{path}: '{where}' is not known{did_you_mean(str(error['loc'][-1]), known)}"
    return f"{path}: '{where}': {error['msg'][0].lower()}{error['msg'][1:]}"


def discover(folders: Iterable[Path]) -> dict[str, Manifest]:
    """All peers in the given folders, by name. A folder is a peer itself, or holds folders that are.

    Raises ``ManifestError`` for a broken manifest, a name that stands twice, or a folder that holds none.
    """
    found: dict[str, Manifest] = {}
    for folder in folders:
        homes = [folder] if (folder / "peer.toml").exists() else sorted(p.parent for p in folder.glob("*/peer.toml"))
        if not homes:
            raise ManifestError(f"{folder}: no peer.toml here, nor one folder down")
        for home in homes:
            manifest = load(home)
            twin = found.get(manifest.name)
            if twin and twin.folder != manifest.folder:
                raise ManifestError(f"{home}/peer.toml: the name {manifest.name!r} is taken by {twin.folder}")
            found[manifest.name] = manifest
    return found
