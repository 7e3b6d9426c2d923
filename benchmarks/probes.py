"""All HTTP probes against one server: seconds, beside as many ordinary exchanges with the same server, carried the same way."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import median
from harness.pipeline import ROOT

PROBES, ORDINARY = "rfc9112-http11/probe-*", "probe-connections/persistent"


def _run(server: str, *more: str) -> tuple[float, int]:
    """The seconds that the conversations took, and how many there were."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "harness.cli", "run", "--launcher", "process", "--server", server, "--runs", folder, *more]
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout)
        found = json.loads(Path(folder, "latest", "results.json").read_text())
        return found["seconds"], sum("server-probes" in r["protocol"] for r in found["results"])


def main(servers: list[str], rounds: int) -> None:
    for server in servers:
        probes, ordinary, count = [], [], 0
        for _ in range(rounds):
            seconds, count = _run(server, "--spec", PROBES, "-k", f"*/server={server}/*")
            probes.append(seconds)
            ordinary.append(_run(server, "-k", ORDINARY, "--repeat", str(count))[0])
        taken, beside = median(probes), median(ordinary)
        print(f"{server:<8}{count:>5} probes {taken:>6.1f} s; as many ordinary exchanges {beside:>5.1f} s: ratio {taken / beside:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="*", default=["c", "go", "node", "python"])
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    main(arguments.servers, arguments.rounds)
