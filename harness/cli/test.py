"""``parley test``."""

from __future__ import annotations

import subprocess
import sys

import click

from harness.pipeline import ROOT


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments: tuple[str, ...]) -> int:
    """Run Parley's own tests through tox. ARGUMENTS go to tox: `-e unit` for one environment, `-- -k NAME` for pytest."""
    return subprocess.run([sys.executable, "-m", "tox", *arguments], cwd=ROOT, check=False).returncode
