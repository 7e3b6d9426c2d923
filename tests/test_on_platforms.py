"""Peers on other systems for real: Windows' sockets, a big-endian machine, another kernel; and what byte order hides from one alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ToolError
from harness.peer.tools import Toolbox
from harness.pipeline import ROOT, STATE, load_platforms
from tests.test_cli import parley

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="namespaces as root"),
]


def there(name: str) -> None:
    """Skips the test, with the reason, where the platform's own programs are not on this machine."""
    platform = load_platforms()[name]
    try:
        for tool in platform.tools:
            Toolbox(STATE / "tools", print).find(platform, tool)
    except ToolError as error:
        pytest.skip(str(error))


def run(tmp_path: Path, *arguments: object, status: int = 0) -> list[dict[str, Any]]:
    done = parley("run", "--launcher", "process", "--platforms", "none", *arguments, cwd=tmp_path, timeout=600)
    assert done.returncode == status, done.stdout + done.stderr
    results: list[dict[str, Any]] = json.loads((tmp_path / "runs/latest/results.json").read_text())["results"]
    return results


@pytest.mark.parametrize("platform", ["windows", "s390x", "linux-6.1"])
def test_a_pair_across_systems_over_tcp_udp_and_http(platform: str, tmp_path: Path) -> None:
    there(platform)
    guest = f"c@{platform}"
    specs = [word for name in ("rfc862-echo", "rfc9110-semantics") for word in ("--spec", name)]
    servers = run(tmp_path, "--server", guest, "--client", "go", *specs)
    clients = run(tmp_path, "--client", guest, "--server", "go", *specs)
    for results in (servers, clients):
        assert {r["verdict"] for r in results if not r.get("expected")} == {"pass"}
        held = {(r["protocol"], r["family"]) for r in results if guest in (r["client"], r["server"])}
        assert held >= {(p, f) for p in ("tcp", "udp", "http") for f in ("ipv4", "ipv6")}


def mutant(tmp_path: Path, file: str, right: str, wrong: str) -> Path:
    """A peer with one thing broken, for every target."""
    home = tmp_path / "mutant"
    shutil.copytree(ROOT / "peers/c", home)
    source = (home / file).read_text()
    assert right in source
    (home / file).write_text(source.replace(right, wrong))
    manifest = (home / "peer.toml").read_text().replace('name = "c"', 'name = "mutant"').replace('"-O2"', '"-O0"')
    (home / "peer.toml").write_text(manifest)
    return home


@pytest.mark.parametrize("platform", ["windows", "s390x", "linux-6.1"])
def test_a_mutant_is_caught_there_too(platform: str, tmp_path: Path) -> None:
    there(platform)
    home = mutant(
        tmp_path,
        "stream_service.c",
        "    size_t put = 0;\n    int code = octets_size",
        "    size_t put = 0;\n    size -= size > 1;\n    int code = octets_size",
    )
    name, case = f"mutant@{platform}", "rfc862-echo/tcp/octets-come-back/pattern=random,size=1460/*ipv4"
    found = run(tmp_path, "--peers", home, "--server", name, "--client", "c", "-k", case, status=1)
    assert [(f["requirement"], f["side"], f["kind"]) for r in found for f in r["findings"]] == [("RFC862-tcp-same-octets", "server", "nonconformant")]


RIGHT = ".sin_port = htons(port)"
MISTAKES = {
    "forgets": (".sin_port = port", "s390x"),  # right where the host's order is the network's
    "always-swaps": (".sin_port = __builtin_bswap16(port)", ""),  # right where it is not
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_byte_order_shows_on_one_of_two_machines(mistake: str, tmp_path: Path) -> None:
    """htons() forgotten, or a swap that is always made: each is right on one kind of machine, and only there."""
    there("s390x")
    wrong, right_on = MISTAKES[mistake]
    home = mutant(tmp_path, "address.c", RIGHT, wrong)
    verdicts = {
        name: {r["verdict"] for r in run(tmp_path, "--peers", home, "--client", name, "--server", "c", "-k", "rfc862-echo/tcp/octets-come-back/pattern=random,size=1/*ipv4", status=status)}
        for name, status in ((("mutant@s390x", 0), ("mutant", 1)) if right_on else (("mutant", 0), ("mutant@s390x", 1)))
    }  # fmt: skip
    assert verdicts == {"mutant@s390x": {"pass" if right_on else "fail"}, "mutant": {"fail" if right_on else "pass"}}


def processes(word: str) -> set[int]:
    """Those whose command line has that word."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes():
                found.add(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(("platform", "word"), [("linux-6.1", "virtio-serial-pci"), ("windows", "peer.exe"), ("s390x", "qemu-s390x")])
def test_nothing_is_left_of_a_run_that_was_killed(platform: str, word: str, tmp_path: Path) -> None:
    there(platform)
    before = processes(word)
    argv = [sys.executable, "-m", "harness.cli", "run", "--launcher", "process", "--server", f"c@{platform}", "--client", "c", "--repeat", "1000"]
    log = (tmp_path / "log").open("wb")
    run = subprocess.Popen(argv, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 300
        while b" cases" not in (tmp_path / "log").read_bytes():
            assert run.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        assert processes(word) - before
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
        log.close()
    deadline = time.monotonic() + 20
    while processes(word) - before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes(word) - before
