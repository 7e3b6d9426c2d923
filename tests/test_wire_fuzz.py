"""The coverage-guided fuzzer, for a bounded number of runs; the seed is fixed, so a failure repeats."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this interpreter or platform")
def test_no_octets_break_a_promise(tmp_path):
    command = [sys.executable, "-m", "tests.fuzz.fuzz_wire", "-runs=30000", "-max_total_time=20", str(tmp_path)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    broken = {path.name: path.read_bytes().hex() for path in tmp_path.glob("*-*")}
    assert done.returncode == 0 and not broken, (broken, done.stdout[-2000:], done.stderr[-4000:])
    assert "Done " in done.stdout + done.stderr, "the fuzzer ended before its runs did"
