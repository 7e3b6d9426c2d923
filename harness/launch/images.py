"""Peer images: built from each peer's Dockerfile on the shared base, cached by content, without a registry if there is none.

Owns what goes into an image. Starts no container.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker.errors

import docker
from harness.errors import LaunchError, ParleyError
from harness.peer import program
from harness.peer.build import Builder, Built

LABEL = "org.parley.what"
BASE, LOCAL_DEBIAN, DEBIAN = "parley-base", "parley-debian:bookworm", "debian:bookworm-slim"
_FOLDER = Path(__file__).resolve().parents[2] / "docker"
_TAIL = 15
_SKIPPED = {"node_modules", "__pycache__", ".git"}


class Images:
    """The images of one engine."""

    def __init__(self, engine: Any, builder: Builder, say: Callable[[str], None]) -> None:
        self._engine = engine
        self._builder = builder
        self._say = say

    def base(self) -> str:
        """The id of the shared base image, made if need be. Raises ``LaunchError``."""
        dockerfile = (_FOLDER / "Dockerfile").read_bytes()
        tag = f"{BASE}:{hashlib.sha256(dockerfile).hexdigest()[:12]}"
        found = self._find(tag)
        if found is None:
            self._say(f"building image {tag}")
            self._build(tag, _archive({"Dockerfile": dockerfile}), {"BASE": self._debian()}, pull=False)
            found = self._find(tag)
        assert found is not None
        self._engine.api.tag(found, BASE, "latest", force=True)
        return str(found)

    def _debian(self) -> str:
        if self._find(DEBIAN):
            return DEBIAN
        if self._find(LOCAL_DEBIAN):
            return LOCAL_DEBIAN
        try:
            self._engine.images.pull(DEBIAN)
        except (docker.errors.APIError, docker.errors.ImageNotFound):
            self._make_debian()
            return LOCAL_DEBIAN
        return DEBIAN

    def _make_debian(self) -> None:
        if not shutil.which("mmdebstrap") or not shutil.which("docker"):
            raise LaunchError(
                f"no image registry gives {DEBIAN}, and it cannot be made here without mmdebstrap and the docker client",
                hint="apt-get install mmdebstrap docker.io, or use --launcher process.",
            )
        self._say(f"no image registry gives {DEBIAN}: making {LOCAL_DEBIAN} from Debian's packages (about 20 s)")
        done = subprocess.run([_FOLDER / "make-debian", LOCAL_DEBIAN], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise LaunchError(f"making {LOCAL_DEBIAN} failed:\n{_tail(done.stderr)}")

    def peer(self, built: Built, base: str) -> str:
        """The image of a peer, built if need be. Raises ``LaunchError``, or what its build raises."""
        container = built.manifest.container
        if container is None:
            raise LaunchError("its manifest has no [container]: it runs as a process only")
        files = _files(built.manifest.folder)
        out = self._builder.build_for_container(built.manifest)
        if out is not None:
            files |= {f"out/{name}": data for name, data in _files(out, skipped=set()).items()}
        if built.manifest.program:
            files[program.ARCHIVE] = (program.octets(), 0o644)
        if container.dockerfile not in files:
            raise LaunchError(f"its manifest names {container.dockerfile}, which is not there")
        files["Dockerfile"] = files[container.dockerfile]
        digest = hashlib.sha256(base.encode())
        for name, (data, mode) in sorted(files.items()):
            digest.update(f"{name} {mode:o} {len(data)} ".encode() + data)
        tag = f"parley-peer-{built.manifest.file_name}:{digest.hexdigest()[:16]}"
        if self._find(tag) is None:
            self._say(f"building image {tag}")
            self._build(tag, _archive(files), {}, pull=False)
        return tag

    def command(self, built: Built) -> list[str]:
        """What is started in it."""
        return self._builder.in_container(built.manifest)

    def _find(self, tag: str) -> str | None:
        try:
            return str(self._engine.images.get(tag).id)
        except docker.errors.ImageNotFound:
            return None

    def _build(self, tag: str, context: bytes, arguments: dict[str, str], *, pull: bool) -> None:
        lines: list[str] = []
        stream = self._engine.api.build(
            fileobj=io.BytesIO(context), custom_context=True, tag=tag, buildargs=arguments, pull=pull, rm=True, forcerm=True,
            decode=True, labels={LABEL: "image"},
        )  # fmt: skip
        for part in stream:
            lines += str(part.get("stream", "")).splitlines()
            if "error" in part:
                lines += str(part["error"]).splitlines()
                raise LaunchError(f"building its image {tag} failed:\n{_tail(chr(10).join(lines))}")


def _tail(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-_TAIL:])


def _files(folder: Path, skipped: set[str] = _SKIPPED) -> dict[str, tuple[bytes, int]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not skipped & set(name.parts) and name.parts[0] != "out":
            found[name.as_posix()] = (path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644)
    return found


def _archive(files: dict[str, Any]) -> bytes:
    """A build context: name -> octets, or (octets, mode); the same files always give the same archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, held in sorted(files.items()):
            data, mode = held if isinstance(held, tuple) else (held, 0o644)
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def problem_of(error: Exception) -> str:
    """Any error of building an image, in words."""
    if isinstance(error, ParleyError):
        return str(error)
    return f"the engine says: {getattr(error, 'explanation', None) or error}"
