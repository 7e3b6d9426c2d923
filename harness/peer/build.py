"""Building peers: once for each content of their inputs, cached below the state folder.

Owns placeholders in a manifest's commands and the cache key. Knows no compiler.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from harness.errors import BuildError, ManifestError
from harness.peer import program
from harness.peer.manifest import Manifest
from harness.peer.parts import Build, Owner
from harness.peer.platform import Platform
from harness.peer.tools import Say, Toolbox

BUILD_SECONDS = 900
IN_IMAGE = PurePosixPath("/peer")
"""Where a peer's files are in its image."""
_WHOLE, _LESS = ".built", ".built-otherwise"
LESS_SECONDS = 3600
"""So long a peer that could not be built whole is taken as it is, before that is tried again."""
_HOLE = re.compile(r"\{([a-z][a-z0-9-]*)\}")


@dataclass(frozen=True)
class Built:
    """A peer that is ready to be launched: ``argv`` as a process, ``out`` where its build went (or None), ``env`` what its platform sets."""

    manifest: Manifest
    argv: tuple[str, ...]
    out: Path | None
    env: Mapping[str, str] = field(default_factory=dict)


def _finished(out: Path) -> bool:
    """Whether it was built, or not whole but not long ago."""
    less = out / _LESS
    return (out / _WHOLE).exists() or (less.exists() and time.time() - less.stat().st_mtime < LESS_SECONDS)


class Builder:
    """Builds peers below ``home``; says what it does through ``say``."""

    def __init__(self, home: Path, tools: Toolbox, say: Say) -> None:
        self._home = home
        self._tools = tools
        self._say = say
        self._preparing = threading.Lock()

    def modest(self) -> Builder:
        """One that installs no tool."""
        return Builder(self._home, self._tools.modest(), self._say)

    def build(self, manifest: Manifest) -> Built:
        """The peer as a process. Raises ``ToolError``, ``BuildError`` or ``ManifestError``."""
        for name in manifest.tools:  # a library that a build needs is one of them, too: its absence is told in words, not by a compiler
            self._tools.find(manifest, name)
        out = self._make(manifest, manifest.build) if manifest.build else None
        if manifest.program:
            archive = program.archive(self._home / "standin")
            return Built(
                manifest,
                (sys.executable, str(archive), self._argument(manifest, manifest.folder, lambda tool: self._tools.find(manifest, tool).argv)),
                out,
            )
        argv = self._fill(manifest, manifest.launch, {"out": out})
        if manifest.platform is None:
            return Built(manifest, tuple(argv), out)
        made = self.prepare(manifest.platform)
        launch, env = self.on_platform(manifest.platform, manifest.platform.launch, made), manifest.platform.env
        return Built(manifest, (*launch, *argv), out, {k: self.on_platform(manifest.platform, [v], made)[0] for k, v in env.items()})

    def prepare(self, platform: Platform) -> Path | None:
        """What a platform needs once, made if need be: where it is. Raises ``ToolError`` or ``BuildError``."""
        self.find_tools(platform)
        with self._preparing:  # several peers may be on it
            return self._make(platform, platform.prepare) if platform.prepare else None

    def carried(self, built: Built) -> list[str]:
        """What a machine of its own must be given besides: paths. Raises ``ManifestError``."""
        return self._fill(built.manifest, built.manifest.carries, {"out": built.out})

    def find_tools(self, platform: Platform) -> None:
        """Whether what the platform is started with is there. Raises ``ToolError``."""
        for name in platform.tools:
            self._tools.find(platform, name)

    def on_platform(self, platform: Platform, argv: list[str], made: Path | None, **further: str) -> list[str]:
        """A command of a platform's file, filled in; ``further`` are holes of the launcher's. Raises ``ManifestError``."""
        return self._fill(platform, argv, {"made": made, **further})

    def in_container(self, manifest: Manifest) -> list[str]:
        """What is started in the peer's image, where tools go by their first name."""
        assert manifest.container is not None
        if not manifest.program:
            return manifest.container.launch
        return [*manifest.container.launch, self._argument(manifest, IN_IMAGE, lambda tool: (manifest.tools[tool].path[0],))]

    def _argument(self, manifest: Manifest, here: PurePath, find: Callable[[str], tuple[str, ...]]) -> str:
        def fill(argv: list[str]) -> list[str]:
            holes = [(part, _HOLE.fullmatch(part)) for part in argv]
            return [
                p for part, hole in holes for p in (find(hole[1]) if hole and hole[1] in manifest.tools else (part.replace("{here}", str(here)),))
            ]

        try:
            return program.argument(manifest.name, manifest.folder, manifest.server, manifest.client, manifest.version, fill)
        except (OSError, UnicodeDecodeError) as error:
            raise ManifestError(f"{manifest.folder}/peer.toml: a file that it names: {error}") from None

    def build_for_container(self, manifest: Manifest) -> Path | None:
        """The build's output for an image, or None if there is nothing to build."""
        if not manifest.build:
            return None
        override = manifest.container.build if manifest.container else None
        if override is None:
            return self._make(manifest, manifest.build)
        return self._make(manifest, manifest.build.model_copy(update={"command": override})) if override else None

    def _make(self, owner: Owner, build: Build) -> Path:
        out = self._home / owner.file_name / self._key(owner, build)
        if _finished(out):
            return out
        shutil.rmtree(out, ignore_errors=True)
        self._say(f"building {owner.title}")
        scratch = out.with_name(f"{out.name}.{os.getpid()}")
        try:
            self._attempt(owner, build, build.command, out, scratch)
            (scratch / _WHOLE).touch()
        except BuildError as error:
            if build.otherwise is None:
                shutil.rmtree(scratch, ignore_errors=True)
                raise
            self._say(f"{owner.title} does with less: {str(error).splitlines()[0]}")
            self._attempt(owner, build, build.otherwise, out, scratch)
            (scratch / _LESS).touch()
        try:
            scratch.rename(out)
        except OSError:  # another run built the same content at the same time
            shutil.rmtree(scratch, ignore_errors=True)
        return out

    def _attempt(self, owner: Owner, build: Build, command: list[str], out: Path, scratch: Path) -> None:
        """One command, in a folder that is empty and takes the place of ``out`` when it is done."""
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        if command:
            self._run(owner, [part.replace(str(out), str(scratch)) for part in self._fill(owner, command, {"out": out})], build.env)

    def _run(self, owner: Owner, argv: list[str], env: dict[str, str]) -> None:
        cache = str(self._home.parent / "cache")
        environment = {**os.environ, **{k: v.replace("{cache}", cache) for k, v in env.items()}}
        try:
            done = subprocess.run(
                argv, cwd=owner.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors="replace", timeout=BUILD_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise BuildError(f"{owner.title}: its build did not end within {BUILD_SECONDS} s: {' '.join(argv)}") from None
        except OSError as error:
            raise BuildError(f"{owner.title}: its build could not start: {error}") from None
        if done.returncode:
            last = "\n".join("    " + line for line in done.stdout.strip().splitlines()[-20:])
            raise BuildError(f"{owner.title}: its build ended with status {done.returncode}: {' '.join(argv)}\n{last}")

    def _key(self, owner: Owner, build: Build) -> str:
        digest = hashlib.sha256(build.model_dump_json().encode())
        for name in sorted({n for part in (*build.command, *(build.otherwise or ())) for n in _HOLE.findall(part)} & owner.tools.keys()):
            digest.update(" ".join(self._tools.find(owner, name).argv).encode())
        for path in sorted({p for glob in build.inputs for p in owner.folder.glob(glob) if p.is_file()}):
            digest.update(str(path.relative_to(owner.folder)).encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()[:16]

    def _fill(self, owner: Owner, argv: list[str], places: Mapping[str, Path | str | None]) -> list[str]:
        filled: list[str] = []
        for part in argv:
            whole = _HOLE.fullmatch(part)
            if whole and whole[1] in owner.tools:
                filled += self._tools.find(owner, whole[1]).argv
            else:
                filled.append(_HOLE.sub(lambda hole: self._value(owner, hole[1], places), part))
        return filled

    def _value(self, owner: Owner, name: str, places: Mapping[str, Path | str | None]) -> str:
        if name == "here":
            return str(owner.folder)
        if places.get(name):
            return str(places[name])
        if name in owner.tools:
            return " ".join(self._tools.find(owner, name).argv)
        known = ["here", *(place for place, is_there in places.items() if is_there), *owner.tools]
        raise ManifestError(f"{owner.file}: {{{name}}} stands for nothing; there are {', '.join(f'{{{k}}}' for k in known)}")
