"""Platforms: other systems, C libraries, machines and kernels that peers are built for, each a file in ``platforms/``.

Owns what such a file may say. Does not look for tools, build or start anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field

from harness.errors import ManifestError
from harness.peer.machine import Machine
from harness.peer.parts import Build, Strict, Tool, checked, members, read

NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
SUFFIX = ".toml"


class Platform(Strict):
    """A platform as its file has it. ``target``: which of a peer's targets runs there. ``launch``: put before the peer's own command, with
    ``{tool}``, ``{here}`` (the file's folder) and ``{made}`` (what ``prepare`` made, once and for all runs); ``env`` is set for it.
    ``slower``: every deadline is so many times longer there. ``fast``: a run takes it unless told otherwise. ``lacks``: abilities that are not
    there whatever a peer declares, with the reason. ``machine``: it is a machine of its own, that is started for a run.
    """

    name: str
    says: str
    target: str
    launch: list[str] = []
    env: dict[str, str] = {}
    slower: float = Field(default=1.0, ge=1.0, le=1000.0)
    fast: bool = False
    lacks: dict[str, str] = {}
    tools: dict[str, Tool] = {}
    prepare: Build | None = None
    machine: Machine | None = None
    folder: Path = Path()

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"platform {self.name}"

    @property
    def file_name(self) -> str:
        """The name as files bear it."""
        return f"platform-{self.name}"

    @property
    def file(self) -> Path:
        """Where it stands."""
        return self.folder / f"{self.name}{SUFFIX}"


def as_file(text: str) -> Path:
    """A platform file as it is named on a command line."""
    return Path(text).expanduser()


def load(path: Path) -> Platform:
    """The platform that this file describes; its name is the file's. Raises ``ManifestError`` with every problem that it has."""
    name = path.name.removesuffix(SUFFIX)
    raw = read(path, "platforms/README.md shows what such a file says.")
    if not NAME.fullmatch(name):
        raise ManifestError(f"{path}: the name {name!r} must be made of a-z, 0-9, '.' and '-'")
    if raw.keys() & {"name", "folder"}:
        raise ManifestError(f"{path}: a platform is called as its file is, and its folder is where that stands: neither is said in it")
    known = members(Platform, Build, Tool, Machine) - {"name", "folder"}
    return checked(Platform, path, {**raw, "name": name, "folder": path.parent.resolve()}, known)


def discover(folders: Iterable[Path]) -> dict[str, Platform]:
    """All platforms of these folders (or files), by name. Raises ``ManifestError`` for a broken file, or a name that stands twice."""
    found: dict[str, Platform] = {}
    for folder in folders:
        files = [folder] if folder.suffix == SUFFIX else sorted(folder.glob(f"*{SUFFIX}"))
        if not files:
            raise ManifestError(f"{folder}: no platform's file here (*{SUFFIX})")
        for file in files:
            made = load(file)
            twin = found.setdefault(made.name, made)
            if twin.file != made.file:
                raise ManifestError(f"{file}: the name {made.name!r} is taken by {twin.file}")
    return found
