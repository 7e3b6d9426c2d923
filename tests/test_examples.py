"""The example in a further language: as short as it claims, and as good."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.pipeline import ROOT
from tests.test_cli import parley


def test_the_example_has_at_most_60_lines_of_code() -> None:
    lines = (ROOT / "examples" / "perl-echo" / "peer.pl").read_text().splitlines()
    assert len([line for line in lines if line.strip() and not line.strip().startswith("#")]) <= 60


@pytest.mark.interop
def test_every_peer_understands_the_example(tmp_path: Path) -> None:
    if not shutil.which("perl"):
        pytest.skip("perl is not here")
    done = parley(
        "run", "--launcher", "process", "--peers", ROOT / "examples/perl-echo", "--server", "perl", "--spec", "rfc862-echo/tcp", cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout
    results = json.loads((tmp_path / "runs/latest/results.json").read_text())["results"]
    assert {r["client"].partition("@")[0] for r in results if r["verdict"] == "pass"} == {"c", "go", "node", "python"}


@pytest.mark.interop
def test_the_example_holds_every_rule_of_what_it_declares() -> None:
    if not shutil.which("perl"):
        pytest.skip("perl is not here")
    done = parley("smoke", ROOT / "examples/perl-echo", timeout=120)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout
