"""Names of one machine: they carry their run's mark; what a killed run left is removed, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness import held
from harness.network import machine
from harness.network.machine import MARK, Names

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the names are those of Linux")
LIVES = """
import sys
from harness.network.machine import Names
names = Names()
open(names.new("unix"), "w").close()
open("/dev/shm" + names.new("shared-memory"), "w").close()
names.new("message-queue")
print(names.folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def living() -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", LIVES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def segments(folder: Path) -> list[Path]:
    return list(Path("/dev/shm").glob(f"parley-{folder.name.removeprefix(MARK)}-*"))


def test_names_differ_and_go_with_their_machine() -> None:
    names = Names()
    made = [names.new(t) for t in ("unix", "fifo", "shared-memory", "message-queue")] + [names.new("unix", abstract=True)]
    assert len(set(made)) == 5
    assert made[0].startswith(str(names.folder)) and len(made[0]) < 100, "a socket's path has room for 107 octets"
    assert made[2].startswith("/parley-") and made[4].startswith("@parley-")
    Path(made[0]).write_text("left")
    names.remove()
    assert not names.folder.exists()
    names.remove()


def test_the_folder_is_its_owners_alone() -> None:
    names = Names()
    assert names.folder.stat().st_mode & 0o777 == 0o700
    names.remove()


def test_what_a_killed_run_left_is_removed_and_a_living_one_keeps_its_own() -> None:
    killed, left = living()
    lives, kept = living()
    killed.kill()
    killed.wait()
    foreign = Path(tempfile.gettempdir(), f"{MARK}not-a-mark")
    foreign.mkdir()
    (foreign / ".held").touch()
    try:
        assert left.exists() and segments(left)
        machine.sweep()
        assert not left.exists() and not segments(left)
        assert kept.exists() and segments(kept), "its run goes on"
        assert foreign.exists(), "that is no mark of ours"
    finally:
        lives.communicate("")
        machine.sweep()
    assert not kept.exists() and not segments(kept)


def test_a_folder_that_is_being_made_is_left_alone(tmp_path: Path) -> None:
    half_made = tmp_path / f"{MARK}0123abcd"
    half_made.mkdir()
    machine.sweep()
    assert half_made.exists(), "there is no lock in it yet"


def test_a_lock_is_free_when_its_holder_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert held.held(path), "nobody knows of what is not there"
    with path.open("wb") as lock:
        assert held.take(lock)
        assert held.held(path)
    assert not held.held(path)


def test_queues_are_removed_by_name() -> None:
    """As far as their numbers can have gone."""
    import ctypes

    names, libc = Names(), ctypes.CDLL(None, use_errno=True)
    name = f"{names.new('message-queue')}-up".encode()
    queue = libc.mq_open(name, os.O_RDWR | os.O_CREAT, 0o600, None)
    if queue < 0:
        pytest.skip(f"no message queues here: {os.strerror(ctypes.get_errno())}")
    os.close(queue)
    names.remove()
    assert libc.mq_open(name, os.O_RDWR) < 0
