"""The warm full matrix, as a user starts it: seconds in namespaces and, with an engine, in containers, and cases a second."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import median
from harness.launch import docker
from harness.pipeline import ROOT


def _once(launcher: str) -> tuple[float, int]:
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "harness.cli", "run", "--launcher", launcher, "--runs", folder],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
        if done.returncode:
            raise SystemExit(done.stdout)
        return seconds, len(json.loads(Path(folder, "latest", "results.json").read_text())["results"])


def main(rounds: int) -> None:
    launchers = ["process", *([] if docker.problem() else ["docker"])]
    seconds: dict[str, list[float]] = {name: [] for name in launchers}
    cases = 0
    for number in range(rounds + 1):
        for name in launchers:
            taken, cases = _once(name)
            if number:  # the first round builds what is not built yet
                seconds[name].append(taken)
    for name, values in seconds.items():
        value = median(values)
        print(
            f"{name:<10}{value:>8.1f} s for {cases:,} cases: {cases / value:,.0f} a second; {value / median(seconds['process']):.2f} times processes"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args().rounds)
