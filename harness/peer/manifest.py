"""``peer.toml``: what a peer is called, how it is built and how it is launched.

Owns reading and checking the manifest. Does not look for tools, build or start anything.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.errors import ManifestError
from harness.peer.program import ClientProgram, ServerProgram
from harness.suggest import did_you_mean

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
Argv = Annotated[list[str], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Build(_Strict):
    """How the peer is built: ``command`` runs in the peer's folder; ``inputs`` are globs below it. ``otherwise`` is run where ``command``
    fails (libraries that cannot be fetched), for a peer that then does with less; empty: nothing is.
    """

    command: Argv
    otherwise: list[str] | None = None
    inputs: list[str] = ["**/*"]
    env: dict[str, str] = {}


class Tool(_Strict):
    """A program that a command needs: looked for on PATH, or brought in as a wheel from the Python package index; ``hint`` says how
    else to get it.
    """

    path: list[str] = []
    check: list[str] = []
    wheel: str = ""
    wheel_command: list[str] = Field(default=[], alias="wheel-command")
    own: bool = False
    hint: str = ""


class Container(_Strict):
    """How the peer lives in a container, where that differs. ``build``: None as outside of it, empty: nothing is built for it."""

    dockerfile: str = "Dockerfile"
    launch: Argv
    build: list[str] | None = None


class Manifest(_Strict):
    """A peer as its ``peer.toml`` has it, or one of its variants; ``folder`` is where it stands.

    ``offers``: the abilities that it is there for, empty: all that it declares. ``optional``: a run does without it where it cannot be had.
    ``server``, ``client``, ``version``: an unmodified program instead of one that keeps the contract (then there is no ``launch``).
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
    def program(self) -> bool:
        """Whether it is an unmodified program, which keeps no contract."""
        return not self.launch

    @property
    def file_name(self) -> str:
        """The name as files, images and containers bear it."""
        return self.name.replace(":", ".")


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
    raw = _read(path)
    variants = raw.pop("variants", {})
    peer = _checked(path, raw, folder)
    if not NAME.fullmatch(peer.name):
        raise ManifestError(f"{path}: name {peer.name!r} must be made of a-z, 0-9 and '-'")
    if not isinstance(variants, dict) or not all(isinstance(v, dict) for v in variants.values()):
        raise ManifestError(f"{path}: 'variants' must hold tables: [variants.NAME]")
    for name in variants:
        if not NAME.fullmatch(name):
            raise ManifestError(f"{path}: variants.{name}: the name must be made of a-z, 0-9 and '-'")
    made = [_checked(path, _merged(raw, {**v, "name": f"{peer.name}:{n}"}), folder, f"variants.{n}.") for n, v in variants.items()]
    return [peer, *made]


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestError(f"{path}: there is no such file", hint="peers/README.md, 'The manifest', shows one.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ManifestError(f"{path}: {error}") from None


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """``base`` with what ``over`` says instead; tables member by member."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _checked(path: Path, raw: dict[str, Any], folder: Path, where: str = "") -> Manifest:
    try:
        return Manifest.model_validate({**raw, "folder": folder.resolve()})
    except ValidationError as error:
        raise ManifestError("\n".join(_problem(path, e, where) for e in error.errors())) from None


def _problem(path: Path, error: Any, inside: str) -> str:
    where = inside + ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{path}: '{where}' is missing"
    if error["type"] == "extra_forbidden":
        known = {f.alias or n for m in (Manifest, Build, Tool, Container, ServerProgram, ClientProgram) for n, f in m.model_fields.items()} - {
            "folder"
        } | {"variants"}
        return f"{path}: '{where}' is not known{did_you_mean(str(error['loc'][-1]), known)}"
    said = error["msg"].removeprefix("Value error, ")
    return f"{path}: '{where}': {said[0].lower()}{said[1:]}" if where else f"{path}: {said}"


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
