"""A hundred runs on one machine and over FTP, ten of them killed with SIGKILL and five interrupted: what of files, segments, queues, sockets,
namespaces and processes is left once the run after them is over; and how long a run takes beside the first.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import median
from harness.pipeline import ROOT

SPECS = ("posix-unix", "posix-pipes", "posix-memory", "posix-queues", "posix-signals", "rfc959-ftp/files")
_OURS = "parley"


def _left() -> dict[str, set[str]]:
    """Everything that a run could leave behind, by kind."""
    temporary = {str(p) for p in Path(tempfile.gettempdir()).glob(f".{_OURS}-*")} | {str(p) for p in Path(tempfile.gettempdir()).glob(f"{_OURS}-*")}
    segments = {p.name for p in Path("/dev/shm").glob(f"{_OURS}-*")}
    queues = {p.name for p in Path("/dev/mqueue").glob(f"{_OURS}-*")} if Path("/dev/mqueue").is_dir() else set()
    abstract = {line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if f"@{_OURS}-" in line}
    links = {p.name for p in Path("/sys/class/net").iterdir()}
    return {"files": temporary, "segments": segments, "queues": queues, "sockets": abstract, "interfaces": links, "processes": _processes()}


def _processes() -> set[str]:
    """Peers and witnesses, by their command lines."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if f"{ROOT}/peers" in words or f"{ROOT}/.parley/build" in words or "harness.wire.witness" in words:
                found.add(f"{folder.name} {words[:60]}")
    return found


def _run(folder: str, end: signal.Signals | None, after: float) -> float:
    """One run; where it is to be ended, after so many seconds."""
    chosen = [word for spec in SPECS for word in ("--spec", spec)]
    began = time.perf_counter()
    run = subprocess.Popen(
        [sys.executable, "-m", "harness.cli", "run", "--launcher", "process", "--server", "c", "--client", "c", "--server", "python",
         "--client", "python", *chosen, "--runs", folder],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    if end is not None:
        try:
            run.wait(after)
        except subprocess.TimeoutExpired:
            run.send_signal(end)
    run.wait()
    return time.perf_counter() - began


def main(runs: int, kills: int, interrupts: int) -> None:
    before = _left()
    chosen = random.Random(1).sample(range(1, runs - 1), kills + interrupts)
    ends = dict.fromkeys(chosen[:kills], signal.SIGKILL) | dict.fromkeys(chosen[kills:], signal.SIGINT)
    whole: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(runs):
            seconds = _run(folder, ends.get(number), 1.5 + number % 5)
            if number not in ends:
                whole.append(seconds)
            print(f"\r{number + 1} of {runs} runs", end="", file=sys.stderr, flush=True)
    time.sleep(1)
    print(file=sys.stderr)
    after = _left()
    print(f"{runs} runs of {', '.join(SPECS)}: {kills} killed, {interrupts} interrupted")
    for kind, things in after.items():
        more = sorted(things - before[kind])
        print(f"{kind:<12}{len(more)} left" + (f": {', '.join(more[:4])}" if more else ""))
    print(f"a whole run takes {median(whole):.1f} s, {median(whole[-10:]) / whole[0]:.2f} times the first in the last ten")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--interrupts", type=int, default=5)
    asked = parser.parse_args()
    main(asked.runs, asked.kills, asked.interrupts)
