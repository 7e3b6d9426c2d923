"""``peer.toml``: what a peer is called, how it is built and how it is launched.

Owns reading and checking the manifest. Does not look for tools, build or start anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import model_validator

from harness.errors import ManifestError
from harness.peer.parts import Argv, Build, Strict, Tool, checked, members, read
from harness.peer.platform import Platform
from harness.peer.program import ClientProgram, ServerProgram
from harness.suggest import did_you_mean

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
PLATFORM = "@"
"""Stands between a peer's name and that of the platform which it is on."""


class Container(Strict):
    """How the peer lives in a container, where that differs. ``build``: None as outside of it, empty: nothing is built for it."""

    dockerfile: str = "Dockerfile"
    launch: Argv
    build: list[str] | None = None


class Manifest(Strict):
    """A peer as its ``peer.toml`` has it, or one of its variants; ``folder`` is where it stands.

    ``offers``: the abilities that it is there for, empty: all that it declares. ``optional``: a run does without it where it cannot be had.
    ``server``, ``client``, ``version``: an unmodified program instead of one that keeps the contract (then there is no ``launch``).
    ``targets``: what it can be built for besides this machine, ``platform``: the one that it is on, if that is not this machine itself;
    ``lacks``: abilities that it does not have on that target, whatever it declares, each with the reason;
    ``carries``: what a machine of its own must be given besides what was built and what the command names.
    """

    name: str
    says: str = ""
    offers: list[str] = []
    optional: bool = False
    launch: list[str] = []
    build: Build | None = None
    server: ServerProgram | None = None
    client: ClientProgram | None = None
    version: list[str] = []
    tools: dict[str, Tool] = {}
    container: Container | None = None
    carries: list[str] = []
    lacks: dict[str, str] = {}
    targets: dict[str, Manifest] = {}
    platform: Platform | None = None
    folder: Path = Path()

    @model_validator(mode="before")
    @classmethod
    def _started_somehow(cls, raw: dict[str, Any]) -> dict[str, Any]:
        """A program offers what its tables say."""
        offered = [ability for table, ability in (("server", "serve http/tcp"), ("client", "ask http/tcp")) if table in raw]
        if raw.get("launch") == []:
            raise ValueError("'launch' is empty; it says how the peer is started")
        if bool(offered) == ("launch" in raw):
            both = "'launch' and 'server' or 'client' exclude each other: a program is started by its table's command"
            raise ValueError(both if offered else "'launch' is missing; it says how the peer is started")
        return {**raw, "offers": offered} if offered else raw

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"peer {self.name}"

    @property
    def file(self) -> Path:
        """Where it stands."""
        return self.folder / "peer.toml"

    @property
    def program(self) -> bool:
        """Whether it is an unmodified program, which keeps no contract."""
        return not self.launch

    @property
    def file_name(self) -> str:
        """The name as files, images and containers bear it."""
        return self.name.replace(":", ".").replace(PLATFORM, ".on.")

    def on(self, platform: Platform) -> Manifest:
        """The peer on that platform, which runs one of its targets."""
        return self.targets[platform.target].model_copy(update={"name": f"{self.name}{PLATFORM}{platform.name}", "platform": platform})


def load(folder: Path, variant: str = "") -> Manifest:
    """The peer that ``folder/peer.toml`` describes, or that variant of it. Raises ``ManifestError`` with every problem that it has."""
    found = load_all(folder)
    name = f"{found[0].name}:{variant}" if variant else found[0].name
    for manifest in found:
        if manifest.name == name:
            return manifest
    known = [m.name.partition(":")[2] for m in found[1:]]
    raise ManifestError(f"{folder}/peer.toml: there is no variant {variant!r}{did_you_mean(variant, known)}")


def load_all(folder: Path) -> list[Manifest]:
    """The peer and then its variants. Raises ``ManifestError`` with every problem that the file has."""
    path = folder / "peer.toml"
    raw = read(path, "peers/README.md, 'The manifest', shows one.")
    variants, targets = _tables(path, raw, "variants"), _tables(path, raw, "targets")
    peer = _checked(path, raw, folder)
    if not NAME.fullmatch(peer.name):
        raise ManifestError(f"{path}: name {peer.name!r} must be made of a-z, 0-9 and '-'")
    made = [_checked(path, _merged(raw, {**v, "name": f"{peer.name}:{n}"}), folder, f"variants.{n}.") for n, v in variants.items()]
    bare = {key: value for key, value in raw.items() if key != "container"}  # an image is one of this machine's own system
    built_for = {
        n: _checked(path, _merged(bare, {**t, "name": f"{peer.name}{PLATFORM}{n}", "optional": True}), folder, f"targets.{n}.")
        for n, t in targets.items()
    }
    return [peer.model_copy(update={"targets": built_for}), *made]


def _tables(path: Path, raw: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The tables ``[kind.NAME]``, taken out of ``raw``."""
    tables = raw.pop(kind, {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ManifestError(f"{path}: '{kind}' must hold tables: [{kind}.NAME]")
    for name in tables:
        if not NAME.fullmatch(name):
            raise ManifestError(f"{path}: {kind}.{name}: the name must be made of a-z, 0-9 and '-'")
    return tables


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``base`` with what ``over`` says instead; tables member by member."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _checked(path: Path, raw: dict[str, Any], folder: Path, where: str = "") -> Manifest:
    if "platform" in raw:
        raise ManifestError(f"{path}: '{where}platform' is not known: [targets.NAME] says what a peer is built for")
    known = members(Manifest, Build, Tool, Container, ServerProgram, ClientProgram) - {"folder", "platform"} | {"variants", "targets"}
    return checked(Manifest, path, {**raw, "folder": folder.resolve()}, known, where)


def discover(folders: Iterable[Path]) -> dict[str, Manifest]:
    """All peers in the given folders, and their variants, by name. A folder is a peer itself, or holds folders that are.

    Raises ``ManifestError`` for a broken manifest, a name that stands twice, or a folder that holds none.
    """
    found: dict[str, Manifest] = {}
    for folder in folders:
        homes = [folder] if (folder / "peer.toml").exists() else sorted(p.parent for p in folder.glob("*/peer.toml"))
        if not homes:
            raise ManifestError(f"{folder}: no peer.toml here, nor one folder down")
        for home in homes:
            made = load_all(home)
            twin = found.get(made[0].name)
            if twin and twin.folder != made[0].folder:
                raise ManifestError(f"{home}/peer.toml: the name {made[0].name!r} is taken by {twin.folder}")
            found |= {manifest.name: manifest for manifest in made}
    return found


def guests(peers: Mapping[str, Manifest], platforms: Mapping[str, Platform]) -> dict[str, Manifest]:
    """Every peer on every platform for which it is built, by name."""
    made = [peer.on(platform) for platform in platforms.values() for peer in peers.values() if platform.target in peer.targets]
    return {guest.name: guest for guest in made}
