"""The group of commands, and the one border where errors become messages and exit codes."""

from __future__ import annotations

import sys

import click

from harness import __version__
from harness.cli.check import check
from harness.cli.coverage import coverage
from harness.cli.demo import demo
from harness.cli.diff_peers import diff_peers
from harness.cli.doctor import doctor
from harness.cli.list import list_
from harness.cli.run import run
from harness.cli.show import show
from harness.cli.smoke import smoke
from harness.cli.test import test
from harness.errors import EXIT_INTERRUPTED, EXIT_USAGE, ParleyError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="parley")
def cli() -> None:
    """Let programs in different languages hold the conversations that the RFCs define, and judge them by the standards.

    \b
    ./parley run                          the whole matrix: every peer talks to every other
    ./parley run --server go -k http      a part of it
    ./parley demo                         a guided tour, one live conversation for each mechanism
    ./parley show CASE                    what happened in one case, step by step
    ./parley diff-peers                   where HTTP stacks take the same octets differently
    ./parley coverage --rfc 862 --all     what of a standard is checked, and how each peer stands
    ./parley smoke path/to/peer           hold a peer of your own against the contract
    ./parley doctor                       what this machine can do

    Exit codes: 0 as expected, 1 failures, 2 usage or spec error, 3 environment, 130 interrupted.
    """


for command in (run, demo, list_, show, diff_peers, check, coverage, smoke, doctor, test):
    cli.add_command(command)


def main() -> None:
    """Runs the command line; never shows a traceback for what a user can meet."""
    try:
        code = cli.main(standalone_mode=False)
    except ParleyError as error:
        click.echo(f"parley: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except (click.Abort, KeyboardInterrupt):
        click.echo("parley: interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)
