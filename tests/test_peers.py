"""The peers in their own languages: format, lint, strict builds, sanitizers, a static build against another C library."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import ToolError
from harness.peer.build import Builder
from harness.peer.manifest import load, load_all
from harness.peer.tools import Toolbox
from harness.pipeline import ROOT, STATE
from tests.test_cli import parley

pytestmark = pytest.mark.peers
PEERS = ROOT / "peers"
STRICT = ("-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")
"""Warnings are errors here; for a user's newer compiler they are not."""


def run(*argv: object, cwd: Path, **env: str) -> str:
    done = subprocess.run([str(a) for a in argv], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tool(peer: str, name: str) -> list[str]:
    manifest = load(PEERS / peer)
    return list(Toolbox(STATE / "tools", print).find(manifest, name).argv)


def test_go_is_formatted_and_vetted() -> None:
    go = tool("go", "go")
    gofmt = Path(shutil.which(go[0]) or go[0]).resolve().parent / "gofmt"
    assert run(gofmt, "-l", ".", cwd=PEERS / "go") == ""
    cache = {"GOCACHE": str(STATE / "cache" / "go"), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    run(*go, "vet", "./...", cwd=PEERS / "go", **cache)
    run(*go, "test", "./...", cwd=PEERS / "go", **cache)
    run(*go, "vet", "-modfile", "fasthttp.mod", "-tags", "fasthttp", "./...", cwd=PEERS / "go", **cache)


@pytest.mark.parametrize(("system", "machine"), [("windows", "amd64"), ("linux", "s390x"), ("darwin", "arm64")])
def test_go_builds_for_other_systems(system: str, machine: str, tmp_path: Path) -> None:
    env = {"GOCACHE": str(STATE / "cache" / "go"), "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOOS": system, "GOARCH": machine}
    run(*tool("go", "go"), "build", "-o", tmp_path / "peer", ".", cwd=PEERS / "go", **env)


def test_node_parses() -> None:
    node = tool("node", "node")
    for path in sorted((PEERS / "node").rglob("*.js")):
        if "node_modules" not in path.parts:
            run(*node, "--check", path, cwd=PEERS / "node")


def test_c_is_formatted() -> None:
    sources = sorted(p for p in (PEERS / "c").iterdir() if p.suffix in (".c", ".h"))
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run(shutil.which("clang-format", path=beside) or "clang-format", "--dry-run", "--Werror", *sources, cwd=PEERS / "c")


def c_build(out: Path, compiler: list[str], *flags: str, variant: str = "") -> None:
    """The manifest's own command with another compiler and more flags."""
    command = load(PEERS / "c", variant).build
    assert command is not None
    argv = [part for word in command.command for part in (compiler if word == "{cc}" else [word.replace("{out}", str(out))])]
    assert {"-std=c11", "-Wall", "-Wextra"} <= set(argv)
    run(*argv, *STRICT, *flags, cwd=PEERS / "c")


@pytest.mark.parametrize("variant", [m.name.partition(":")[2] for m in load_all(PEERS / "c")[1:]])
def test_c_variants_build_without_warnings(variant: str, tmp_path: Path) -> None:
    manifest, tools = load(PEERS / "c", variant), Toolbox(STATE / "tools", print)
    try:
        found = {name: list(tools.find(manifest, name).argv) for name in manifest.tools}
    except ToolError as error:
        pytest.skip(error.what)
    c_build(tmp_path, found["cc"], variant=variant)


def wheel_compiler() -> list[str]:
    """The compiler that comes as a wheel, whatever PATH has."""
    manifest = load(PEERS / "c")
    only = manifest.model_copy(update={"tools": {"cc": manifest.tools["cc"].model_copy(update={"path": []})}})
    return list(Toolbox(STATE / "tools", print).find(only, "cc").argv)


@pytest.mark.parametrize("target", ["", "x86_64-linux-musl"])
def test_c_builds_with_the_compiler_from_the_wheel(target: str, tmp_path: Path) -> None:
    flags = ["-target", target, "-static"] if target else []
    c_build(tmp_path, wheel_compiler(), *flags)
    home = tmp_path / "c-other"
    home.mkdir()
    (home / "peer.toml").write_text(f'name = "c-other"\nlaunch = ["{tmp_path}/peer"]\n')
    wanted = ["--peers", home, "--server", "c-other", "--client", "c-other", "--launcher", "process"]
    done = parley("run", *wanted, cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stdout


def test_c_is_clean_under_sanitizers(tmp_path: Path) -> None:
    """The whole matrix row and column of a build with address and undefined-behaviour checks: nothing on its standard error."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        pytest.skip("no compiler with sanitizers is on PATH")
    c_build(tmp_path, [compiler], "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")
    home = tmp_path / "c-checked"
    home.mkdir()
    (home / "peer.toml").write_text(f'name = "c-checked"\nlaunch = ["{tmp_path}/peer"]\n')
    for pair in (["--server", "c-checked"], ["--client", "c-checked"]):
        done = parley("run", "--peers", home, *pair, "--launcher", "process", cwd=tmp_path, timeout=300)
        assert done.returncode == 0, done.stdout
        logs = (tmp_path / "runs" / "latest" / "logs").glob("*c-checked.log")
        assert not [log.read_text() for log in logs if re.search("Sanitizer|runtime error", log.read_text())]


def test_the_image_and_the_process_build_from_the_same_manifest(tmp_path: Path) -> None:
    builder = Builder(tmp_path / "build", Toolbox(STATE / "tools", print), print)
    for name in ("c", "go"):
        out = builder.build_for_container(load(PEERS / name))
        assert out is not None
        assert (out / "peer").read_bytes()[:4] == b"\x7fELF" or os.name == "nt"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize("peer", ["c", "go", "node", "python"])
def test_a_peer_that_is_told_nothing_does_nothing(peer: str) -> None:
    """Hundreds of them stand about in a run: one that looks around 25 times in a second took processors from all others."""
    built = Builder(STATE / "build", Toolbox(STATE / "tools", print), print).build(load(PEERS / peer))
    with subprocess.Popen(built.argv, cwd=PEERS / peer, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin and process.stdout
        process.stdin.write(b'{"do":"hello","contract":1}\n')
        process.stdin.flush()
        assert b"hello" in process.stdout.readline()
        time.sleep(1)  # whatever comes after its beginning
        before = woken(process.pid)
        time.sleep(2)
        assert woken(process.pid) - before < 10
        process.stdin.close()


def woken(pid: int) -> int:
    """How often the threads of a process had something to do."""
    states = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(int(line.split()[1]) for state in states for line in state.splitlines() if line.startswith("voluntary_ctxt_switches"))
