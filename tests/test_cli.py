"""The command line as a user meets it: exit codes, messages, no tracebacks, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.pipeline import ROOT

OWN = ROOT / "expectations.yaml"
Write = Callable[[str, str], Path]
FAST = ["--launcher", "process", "--network", "loopback", "--server", "python", "--client", "python"]


def parley(*arguments: object, cwd: Path | None = None, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "harness.cli", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    done = subprocess.run(argv, cwd=cwd or ROOT, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    "command", [[], ["run"], ["list"], ["list", "cases"], ["show"], ["check"], ["coverage"], ["demo"], ["smoke"], ["doctor"], ["test"]]
)
def test_help_teaches(command: list[str]) -> None:
    done = parley(*command, "--help")
    assert done.returncode == 0
    assert "Usage: " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--server", "pyhton"], "did you mean 'python'"),
        (["run", "--spec", "rfc826-echo"], "no spec or conversation is called so"),
        (["run", "-k", "no-such-case"], "selects none"),
        (["run", "--launcher", "podman"], "podman"),
        (["run", "--jobs", "0"], "jobs"),
        (["run", "--nonsense"], "nonsense"),
        (["run", "--peers", "/nowhere"], "no peer.toml"),
        (["run", "--expectations", "/nowhere.yaml"], "there is no such file"),
        (["run", "--no-expectations", "--update-expectations"], "no file to write"),
        (["run", "--specs", "/nowhere"], "no such file or folder"),
        (["check", "/nowhere.yaml"], "no such file or folder"),
        (["frobnicate"], "frobnicate"),
    ],
)
def test_usage_errors(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = parley(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "runs").exists(), "nothing is begun that cannot be done"


def test_check_names_file_line_and_column(write: Write) -> None:
    path = write("s/x.yaml", "rfc: 1\nsecton: x\n")
    done = parley("check", path)
    assert done.returncode == 2
    assert "x.yaml:2:1: 'secton' is not known here; did you mean 'section'?" in done.stderr


def test_check_of_the_projects_specs() -> None:
    done = parley("check")
    assert (done.returncode, "all well" in done.stdout) == (0, True)


def test_list() -> None:
    assert "octets-come-back" in parley("list", "specs").stdout
    assert "node" in parley("list", "peers").stdout
    cases = parley("list", "cases", "--server", "c", "--client", "go", "--spec", "rfc862-echo/tcp").stdout.splitlines()
    assert "rfc862-echo/tcp/until-client-closes/client=go/server=c/ipv6" in cases
    assert all("/client=go/server=c/" in case for case in cases)


def test_doctor() -> None:
    done = parley("doctor")
    assert done.returncode in (0, 3)
    assert "loopback" in done.stdout


@pytest.mark.interop
def test_a_run_and_what_it_leaves(tmp_path: Path) -> None:
    done = parley("run", *FAST, "--spec", "rfc862-echo/tcp/until-client-closes", "--spec", "rfc868-time", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "6 pass" in done.stdout
    assert "network loopback (asked for)" in done.stdout
    folder = tmp_path / "runs" / "latest"
    assert {p.name for p in folder.resolve().iterdir()} >= {"journal.jsonl", "results.json", "junit.xml", "logs"}
    found = json.loads((folder / "results.json").read_text())
    assert (found["counts"], found["complete"]) == ({"pass": 6}, True)
    assert found["peers"]["python"]["language"].startswith("Python 3")
    shown = parley("show", "until-client-closes", cwd=tmp_path)
    assert shown.returncode == 0
    assert "accepted" in shown.stdout
    assert "connected" in shown.stdout
    assert parley("show", "no-such-case", cwd=tmp_path).returncode == 2
    assert parley("show", "x", "--run", tmp_path / "nowhere").returncode == 3


ENTRY = '- {{cases: "{cases}", kind: fails, reason: known, owner: us, expires: {day}}}\n'


def test_an_expectation_that_is_wrong_begins_no_run(write: Write, tmp_path: Path) -> None:
    path = write("e.yaml", ENTRY.format(cases="*", day="2999-12-31").replace("owner", "onwer"))
    done = parley("run", "--expectations", path, cwd=tmp_path)
    assert done.returncode == 2
    assert "e.yaml:1:" in done.stderr
    assert "did you mean 'owner'?" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.interop
def test_an_entry_fails_the_run_when_its_case_passes_or_it_is_stale_or_expired(write: Write, tmp_path: Path) -> None:
    text = "".join(
        ENTRY.format(cases=cases, day=day)
        for cases, day in (
            ("rfc868-time/tcp/*/server=python/ipv4", "2999-12-31"),
            ("no/such/case", "2999-12-31"),
            ("rfc862-echo/tcp/*", "2020-01-01"),
        )
    )
    path = write("e.yaml", text)
    done = parley("run", *FAST, "--spec", "rfc868-time/tcp", "--no-expectations", "--expectations", path, cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    said = " ".join(done.stdout.split())
    assert all(f"{what} e.yaml:{line}:" in said for what, line in (("unexpected-pass", 1), ("stale", 2), ("expired", 3))), done.stdout
    assert "1 pass, 1 unexpected pass, 3 expectations to see to" in said
    found = json.loads((tmp_path / "runs/latest/results.json").read_text())
    assert [t["what"] for t in found["expectations"]["troubles"]] == ["unexpected-pass", "stale", "expired"]


@pytest.mark.interop
def test_a_failure_becomes_an_entry_and_then_fails_no_run(write: Write, tmp_path: Path) -> None:
    home = write("bad/peer.toml", 'name = "bad"\nlaunch = ["{python}", "{here}/peer.py"]\n[tools.python]\nown = true\n').parent
    write("bad/peer.py", "print('Listening on port 7', flush=True); input()")
    wanted = ["--launcher", "process", "--network", "loopback", "--peers", home, "--server", "python", "--client", "bad", "--client", "python"]
    run = ["run", *wanted, "--spec", "rfc868-time/tcp", "--expectations", tmp_path / "e.yaml"]
    before = OWN.read_text(encoding="utf-8")
    first = parley(*run, "--update-expectations", cwd=tmp_path)
    assert first.returncode == 1, first.stdout + first.stderr
    assert "e.yaml: added fails rfc868-time/tcp/four-octets-then-close/" in first.stdout
    assert "TODO" in (tmp_path / "e.yaml").read_text()
    assert OWN.read_text(encoding="utf-8") == before, "the project's own entries still hold"
    second = parley(*run, cwd=tmp_path)
    assert second.returncode == 0, second.stdout
    assert "2 pass, 2 expected failures" in second.stdout
    assert "expects it (fails)" in " ".join(parley("show", "client=bad", cwd=tmp_path).stdout.split())


@pytest.mark.interop
def test_repeats_are_measured(tmp_path: Path) -> None:
    done = parley("run", *FAST, "--spec", "rfc868-time/tcp", "--repeat", "50", "--strict", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "100 repeats, 0 failed: rate below 3.7 % (95 %)" in done.stdout
    found = json.loads((tmp_path / "runs/latest/results.json").read_text())
    assert [(r["runs"], r["failures"]) for r in found["repeats"]["cases"]] == [(50, 0), (50, 0)]
    assert found["strict"] is True


@pytest.mark.interop
def test_peers_and_specs_from_outside(write: Write, tmp_path: Path) -> None:
    peer = ROOT / "peers" / "python" / "peer.py"
    write("mine/peer.toml", f'name = "mine"\nlaunch = ["{{python}}", "{peer}"]\n[tools.python]\nown = true\n')
    spec = write(
        "specs/my-echo/mine.yaml",
        "rfc: 862\nsection: A\ntransport: tcp\nservice: echo\nconversations:\n"
        "  - id: mine\n    says: Mine.\n    requires: MINE-1-own\n    client: [connect, send: {text: x}, half-close, expect: {octets: {text: x}, then: end}]\n",
    )
    assert "there is no requirement 'MINE-1-own'" in parley("check", tmp_path / "specs").stderr
    write(
        "specs/requirements/mine.yaml",
        "rfc: 862\ntitle: Mine\nrequirements:\n  - {id: MINE-1-own, clause: '1', level: MUST, role: server, seen: both, says: Mine.}\n",
    )
    done = parley(
        "run", "--launcher", "process", "--network", "loopback", "--peers", tmp_path / "mine", "--server", "mine", "--client", "mine",
        "--specs", spec.parent.parent, "--spec", "my-echo", cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, "2 pass" in done.stdout) == (0, True), done.stdout + done.stderr


@pytest.mark.interop
@pytest.mark.parametrize(
    ("script", "verdict", "code", "words"),
    [
        ("print('Listening on port 7', flush=True); input()", "fail", 1, "Listening on port 7"),
        ('input(); print(\'{"event":"hello","contract":9,"families":["ipv4"]}\', flush=True); input()', "fail", 1, "speaks contract 9"),
        ("import sys; input(); sys.stdout.write('x' * 100_000_000)", "fail", 1, "without a newline"),
        ("import sys; input(); sys.stdout.buffer.write(b'\\xff\\xfe\\n')", "fail", 1, "no event"),
        ("import os; os.abort()", "fail", 1, "SIGABRT"),
        ("import sys; sys.exit('cannot open config')", "fail", 1, "(status 1); its last words: cannot open config"),
    ],
)
def test_a_peer_that_is_none(write: Write, tmp_path: Path, script: str, verdict: str, code: int, words: str) -> None:
    home = write("bad/peer.toml", 'name = "bad"\nlaunch = ["{python}", "{here}/peer.py"]\n[tools.python]\nown = true\n').parent
    write("bad/peer.py", script)
    wanted = ["--launcher", "process", "--network", "loopback", "--peers", home, "--server", "python", "--client", "bad", "--client", "python"]
    done = parley("run", *wanted, "--spec", "rfc868-time/tcp", cwd=tmp_path)
    assert done.returncode == code, done.stdout
    assert words in " ".join(done.stdout.split())
    counts = json.loads((tmp_path / "runs/latest/results.json").read_text())["counts"]
    assert counts == {"pass": 2, verdict: 2}, "the other pair keeps its verdict"


@pytest.mark.interop
def test_a_build_that_fails_and_a_tool_that_is_missing_are_errors_of_the_set_up(write: Write, tmp_path: Path) -> None:
    write(
        "p/broken/peer.toml",
        'name = "broken"\nlaunch = ["{out}/x"]\n[build]\ncommand = ["{sh}", "-c", "echo oh no; exit 4"]\n[tools.sh]\npath = ["sh"]\n',
    )
    write("p/toolless/peer.toml", 'name = "toolless"\nlaunch = ["{cobol}"]\n[tools.cobol]\npath = ["no-cobol-here"]\n')
    wanted = [
        "--launcher",
        "process",
        "--network",
        "loopback",
        "--peers",
        tmp_path / "p",
        "--client",
        "broken",
        "--client",
        "toolless",
        "--server",
        "python",
    ]
    done = parley("run", *wanted, "--spec", "rfc868-time/tcp", "--family", "ipv4", cwd=tmp_path)
    assert done.returncode == 3, done.stdout
    assert "oh no" in done.stdout
    assert "no-cobol-here" in done.stdout
    assert "2 error" in done.stdout


@pytest.mark.interop
def test_runs_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = parley("run", *FAST, "--runs", blocked)
    assert done.returncode == 3
    assert "cannot be made here" in done.stderr


@pytest.mark.interop
@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_cleans_up_and_keeps_what_is_done(tmp_path: Path, number: signal.Signals) -> None:
    argv = [sys.executable, "-m", "harness.cli", "run", *FAST, "--repeat", "2000"]
    process = subprocess.Popen(
        argv, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    journal = tmp_path / "runs" / "latest" / "journal.jsonl"
    _wait(lambda: journal.exists() and journal.stat().st_size > 20_000)
    children = _children(process.pid)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert "interrupted" in err
    found = json.loads((tmp_path / "runs/latest/results.json").read_text())
    assert (found["complete"], found["counts"]["pass"] > 0) == (False, True)
    _wait(lambda: not any(_alive(pid) for pid in children))


@pytest.mark.interop
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends children with their parent on Linux")
def test_a_killed_run_leaves_no_process(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "harness.cli", "run", *FAST, "--repeat", "2000"]
    process = subprocess.Popen(argv, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    journal = tmp_path / "runs" / "latest" / "journal.jsonl"
    _wait(lambda: journal.exists() and journal.stat().st_size > 20_000)
    children = _children(process.pid)
    assert len(children) >= 2
    process.kill()
    process.wait()
    _wait(lambda: not any(_alive(pid) for pid in children))
    assert parley("show", "client=python", cwd=tmp_path).returncode == 0, "what was done can be shown"


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(stat.parent.name))
        except OSError:
            continue
    return found


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _wait(ready: Callable[[], bool], seconds: float = 20) -> None:
    limit = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < limit, "it took too long"
        time.sleep(0.05)
