"""The command line: one file a command, no logic."""

from harness.cli.main import main

__all__ = ["main"]
