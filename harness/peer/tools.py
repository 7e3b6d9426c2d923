"""Finding the programs that manifests name: on PATH, or as a wheel in an environment of Parley's own.

Knows no language: which names, checks and wheels there are stands in the manifests.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ToolError
from harness.peer.parts import Owner, Tool

CHECK_SECONDS = 60
INSTALL_SECONDS = 900
Say = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """A tool that was found: ``argv`` starts it; ``origin`` says where it came from."""

    argv: tuple[str, ...]
    origin: str


class Toolbox:
    """Finds tools, once each, and keeps what it installed below ``home``."""

    def __init__(self, home: Path, say: Say, *, install: bool = True) -> None:
        self._home = home
        self._say = say
        self._install = install
        self._found: dict[tuple[str, str], Found] = {}
        self._installing = threading.Lock()

    def modest(self) -> Toolbox:
        """One that installs nothing."""
        return Toolbox(self._home, self._say, install=False)

    def find(self, owner: Owner, name: str) -> Found:
        """The tool ``name`` of a manifest or a platform. Raises ``ToolError`` when it is neither here nor to be had."""
        tool = owner.tools[name]
        key = (name, tool.model_dump_json())
        if key not in self._found:
            self._found[key] = self._look(owner, name, tool)
        return self._found[key]

    def _look(self, owner: Owner, name: str, tool: Tool) -> Found:
        if tool.own:
            return Found((sys.executable,), "the Python that runs Parley")
        failing = ""
        for program in tool.path:
            path = shutil.which(program)
            if path and _works((path, *tool.check)):
                return Found((path,), "PATH")
            failing = failing or (path or "")
        if tool.wheel:
            with self._installing:  # several peers may ask for the same
                return self._from_wheel(owner, name, tool)
        names = " or ".join(tool.path) or name
        what = f"is not on PATH as it is needed: {' '.join((failing, *tool.check))} does not end with status 0" if failing else "is not on PATH"
        raise ToolError(
            f"{owner.title}: the tool {{{name}}} ({names}) {what}",
            hint=tool.hint or f"Install {names}, or leave it out: --server, --client and --platforms choose.",
        )

    def _from_wheel(self, owner: Owner, name: str, tool: Tool) -> Found:
        home = self._home / hashlib.sha256(f"{tool.wheel} {sys.version}".encode()).hexdigest()[:16]
        argv = tuple(_fill(part, home) for part in tool.wheel_command)
        if not (home / "ready").exists():
            if not self._install:
                raise ToolError(f"{owner.title}: {{{name}}} is not on PATH", hint=f"It would be installed from PyPI: {tool.wheel}")
            self._say(f"{owner.title}: no {name} on PATH, installing {tool.wheel} from the Python package index")
            self._make_environment(owner, name, tool, home)
            if not _works((*argv, *tool.check)):
                raise ToolError(f"{owner.title}: {tool.wheel} was installed, but {' '.join(argv)} does not work")
            (home / "ready").touch()
        return Found(argv, f"wheel {tool.wheel}")

    def _make_environment(self, owner: Owner, name: str, tool: Tool, home: Path) -> None:
        shutil.rmtree(home, ignore_errors=True)
        try:
            venv.create(home, with_pip=False)
            target = _site_packages(home)
            argv = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
            done = subprocess.run([*argv, "--target", str(target), tool.wheel], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        except (OSError, subprocess.SubprocessError) as error:
            raise ToolError(f"{owner.title}: {{{name}}} could not be installed: {error}") from None
        if done.returncode:
            raise ToolError(
                f"{owner.title}: {{{name}}} is not on PATH, and installing {tool.wheel} failed:\n{_tail(done.stderr)}",
                hint=f"Install {' or '.join(tool.path) or name}, or give pip a package index that it can reach.",
            )


def _site_packages(home: Path) -> Path:
    return Path(sysconfig.get_paths("venv", vars={"base": str(home), "platbase": str(home)})["purelib"])


def _fill(part: str, home: Path) -> str:
    scripts = home / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    site = _site_packages(home)
    return part.replace("{bin}", str(site / "bin")).replace("{interpreter}", str(python)).replace("{site}", str(site))


def _works(argv: tuple[str, ...]) -> bool:
    try:
        return subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=CHECK_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _tail(text: str, lines: int = 15) -> str:
    return "\n".join("    " + line for line in text.strip().splitlines()[-lines:])
