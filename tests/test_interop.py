"""The main job for real: four languages, both families, in namespaces, over loopback, as an ordinary user and in containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.launch import docker
from harness.peer.schema import problem
from harness.pipeline import ROOT, load_peers
from tests.test_cli import parley

pytestmark = pytest.mark.interop
PEERS = ("c", "go", "node", "python")
FURTHER = ("machine", "smtp", "dns")
ABLE = set(PEERS)
NEWEST = ("ftp", "rtp", "multicast")
NEWLY_ABLE = {"c", "go", "python"}
"""Who does what only the further pages of the contract ask for."""
namespaces = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="namespaces as root")


def matrix(tmp_path: Path, *arguments: str, timeout: float = 400) -> dict[str, object]:
    done = parley("run", *arguments, cwd=tmp_path, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, object] = json.loads((tmp_path / "runs/latest/results.json").read_text())
    return found


def check(found: dict[str, object]) -> None:
    """Every ordered pair passed something in each protocol and family, every stack took the probes, and what is not supported has a reason.

    Of the optional peers, those are left out whose programs or libraries are not on this machine.
    """
    results, left_out = found["results"], found["left_out"]
    assert isinstance(results, list)
    assert isinstance(left_out, dict)
    assert all("is not on PATH" in why for why in left_out.values()), left_out
    there = {n: m for n, m in load_peers().items() if n not in left_out}
    every, results = results, [r for r in results if "@" not in r["client"] + r["server"]]
    assert {r["verdict"] for r in every if not r.get("expected")} <= {"pass", "unsupported"}
    guests = {n for r in every for n in (r["client"], r["server"]) if "@" in n}
    assert "go@musl" in guests, "a platform that is there and fast takes part"
    for guest in guests:
        held = {r["protocol"] for r in every if guest in (r["client"], r["server"]) and r["verdict"] == "pass"}
        assert held >= {"tcp", "udp", "http"}, (guest, held)
    roles = {"server": "serve http/tcp", "client": "ask http/tcp"}
    http = {role: {n for n, m in there.items() if not m.offers or ability in m.offers} for role, ability in roles.items()}
    passed = {(r["client"], r["server"], r["family"], r["protocol"]) for r in results if r["verdict"] == "pass" and "probes" not in r["protocol"]}
    tested = {
        (r["protocol"], r["server" if "server" in r["protocol"] else "client"]) for r in results if "probes" in r["protocol"] and r.get("observed")
    }
    assert tested == {(f"http-{role}-probes", name) for role, names in http.items() for name in names}
    pairs = {(c, s) for c in http["client"] for s in http["server"] if not there[s].program and (c in PEERS or s in PEERS)}
    wanted = {(c, s, f, p) for c in PEERS for s in PEERS for f in ("ipv4", "ipv6") for p in ("tcp", "udp")}
    further = {one for one in passed if one[3] in (*FURTHER, *NEWEST)}
    assert passed - further == wanted | {(c, s, f, "http") for c, s in pairs for f in ("ipv4", "ipv6")}
    for protocol in FURTHER:
        able = {c for c, s, _, p in further if p == protocol and c == s}
        assert able >= ABLE
        assert {(c, s) for c, s, _, p in further if p == protocol} >= {(c, s) for c in able for s in able}
    for protocol in NEWEST:
        able = {c for c, s, _, p in further if p == protocol and c == s}
        assert able >= NEWLY_ABLE or (protocol == "multicast" and not able), (protocol, able)  # no loopback has multicast
        assert {(c, s) for c, s, _, p in further if p == protocol} >= {(c, s) for c in able for s in able}
    assert all(r["reason"] for r in results if r["verdict"] == "unsupported")
    for protocols, most in ((("tcp", "udp", "http"), 0.01), (FURTHER, 0.15)):
        there_ = [r for r in results if r["protocol"] in protocols and (r["protocol"] not in FURTHER or {r["client"], r["server"]} <= ABLE)]
        assert sum(r["verdict"] == "unsupported" for r in there_) <= most * len(there_)


@namespaces
def test_the_whole_matrix_in_namespaces(tmp_path: Path) -> None:
    found = matrix(tmp_path, "--launcher", "process", "--network", "netns")
    check(found)


def test_the_whole_matrix_over_loopback(tmp_path: Path) -> None:
    check(matrix(tmp_path, "--launcher", "process", "--network", "loopback"))


@pytest.mark.containers
def test_the_whole_matrix_in_containers(tmp_path: Path) -> None:
    if docker.problem():
        pytest.skip(docker.problem())
    found = matrix(tmp_path, "--launcher", "docker", timeout=900)
    check(found)
    assert found["launcher"]["name"] == "docker"  # type: ignore[index]
    left = subprocess.run(["docker", "ps", "-aq", "--filter", "label=org.parley.what=peer"], capture_output=True, text=True, check=False)
    assert left.stdout == "", "no container is left"


@namespaces
def test_namespaces_as_an_ordinary_user(tmp_path: Path) -> None:
    """The run is started without privileges; it makes a user namespace for itself."""
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not here")
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    plain = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    if subprocess.run(
        [*plain, sys.executable, "-c", "import harness.cli"], cwd=home, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True
    ).returncode:
        pytest.skip("an ordinary user cannot read this Python or this checkout")
    argv = [
        *plain,
        sys.executable,
        "-m",
        "harness.cli",
        "run",
        "--network",
        "netns",
        "--launcher",
        "process",
        "--server",
        "python",
        "--client",
        "python",
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(argv, cwd=home, env=env, capture_output=True, text=True, timeout=120, check=False)
    if "namespaces were asked for" in done.stderr:
        pytest.skip(done.stderr.splitlines()[0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "in a user namespace" in done.stdout.replace("\n", " ")


@pytest.mark.parametrize("name", PEERS)
def test_everything_a_peer_says_is_valid_by_the_schema(name: str) -> None:
    """A transcript of each peer, line by line; and each command in it as well."""
    from harness.peer.build import Builder
    from harness.peer.tools import Toolbox
    from harness.pipeline import STATE

    built = Builder(STATE / "build", Toolbox(STATE / "tools", print), print).build(load_peers()[name])
    commands: list[dict[str, object]] = [{"do": "hello", "contract": 1}]
    for n, (service, transport) in enumerate([("echo", "tcp"), ("echo", "udp"), ("time", "tcp"), ("http", "tcp")]):
        more = {"site": [{"path": "/x", "method": "GET", "status": 200, "body": {"text": "x"}}]} if service == "http" else {}
        commands.append({"do": "serve", "id": f"s{n}", "service": service, "transport": transport, "address": "127.0.0.1", "port": 0, **more})
    closed = {"role": "client", "address": "127.0.0.1", "port": 1}
    commands += [
        {"do": "script", "id": "c1", "transport": "tcp", "steps": [{"do": "connect"}], **closed},
        {
            "do": "script",
            "id": "c2",
            "transport": "udp",
            "steps": [{"do": "send", "payload": {"text": "x"}}, {"do": "receive", "within": 50}],
            **closed,
        },
        {"do": "ask", "id": "a1", "service": "http", "address": "127.0.0.1", "port": 1, "requests": [{"method": "GET", "target": "/"}]},
        {"do": "flush", "id": "f1"},
    ]
    assert not [problem("command", c) for c in commands if problem("command", c)]
    text = "".join(json.dumps(c) + "\n" for c in commands) + '{"do":"nonsense","id":"n"}\n{"do":"script","id":"b"}\nno json\n'
    process = subprocess.Popen(built.argv, cwd=built.manifest.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(text.encode())
    process.stdin.flush()
    assert process.stdout is not None
    lines: list[dict[str, object]] = []
    while not {"c1", "c2", "a1"} <= {str(e.get("id")) for e in lines if e.get("done")} or sum(e["event"] == "error" for e in lines) < 3:
        lines.append(json.loads(process.stdout.readline()))
    process.stdin.close()
    assert process.wait(3) == 0
    lines += [json.loads(line) for line in process.stdout]
    assert {problem("event", line) for line in lines} == {""}
    faults = {e["id"]: e["fault"] for e in lines if e["event"] == "error"}
    assert faults == {"n": "unsupported", "b": "bad-command", "": "bad-command"}


@namespaces
def test_nothing_of_a_killed_run_is_left(tmp_path: Path) -> None:
    """Whatever its conversations on one machine had made: the next run removes it, whatever that run does."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    arguments = ["run", "--launcher", "process", "--runs", str(tmp_path / "runs"), "--server", "python", "--client", "python"]
    command = [sys.executable, "-m", "harness.cli", *arguments]
    for network in ("netns", "loopback"):
        for _ in range(3):
            run = subprocess.Popen(
                [*command, "--spec", "posix-*", "--repeat", "20", "--network", network],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            deadline = time.monotonic() + 60
            while not any(tmp_path.glob("parley-machine-*/[0-9]*")) and run.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            assert run.poll() is None
            run.kill()
            run.wait()
    marks = [p.name.removeprefix("parley-machine-") for p in tmp_path.glob("parley-machine-*")]
    done = subprocess.run([*command, "--spec", "rfc868-time/tcp"], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("*parley-machine-*"))
    assert not [p for mark in marks for p in Path("/dev/shm").glob(f"parley-{mark}-*")]
