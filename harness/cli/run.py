"""``parley run``."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from harness.cli import options
from harness.errors import EXIT_ENVIRONMENT, EXIT_INTERRUPTED
from harness.launch.base import Launcher
from harness.launch.choose import LAUNCHERS, NETWORKS
from harness.model.result import ERROR, FAIL, UNEXPECTED_PASS, Result
from harness.network.base import Network
from harness.pipeline import CAPTURE_KINDS, DEFAULT_JOBS, Options, Outcome, Run, Watcher
from harness.plan.matrix import Selection
from harness.report import console as reports

_PLAIN_STEPS = 10
"""Where the output is no terminal, progress is told so many times."""


@click.command()
@options.selecting
@options.sources
@click.option(
    "--launcher",
    type=click.Choice(LAUNCHERS),
    default="auto",
    help="How peers come to life. auto: containers where there is an engine, else processes.",
)
@click.option(
    "--network", type=click.Choice(NETWORKS), default="auto", help="What joins them. auto: Linux namespaces where they are allowed, else loopback."
)
@click.option(
    "--attach-server",
    "attached",
    multiple=True,
    callback=options.attached,
    metavar="NAME=HOST:PORT",
    help="Probe an HTTP server that somebody else started, on an address of this machine (127.0.0.0/8 or [::1]); the peers' clients carry the "
    "octets, over loopback. Repeatable.",
)
@click.option(
    "--attach-path",
    "attached_path",
    default="/",
    show_default=True,
    metavar="PATH",
    callback=options.path,
    help="What the probes of such a server ask for: a resource that GET brings.",
)
@options.on_platforms
@click.option("--jobs", type=click.IntRange(1, 1000), default=DEFAULT_JOBS, show_default=True, help="Conversations in flight at once.")
@click.option("--repeat", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="Hold every case so often.")
@click.option(
    "--captures",
    type=click.Choice(CAPTURE_KINDS),
    default="failed",
    show_default=True,
    help="Which frames are kept as pcapng in the run's folder: of each pair all, of each case that did not pass, or none.",
)
@click.option("--strict", is_flag=True, help="Let a broken SHOULD fail its case, as a broken MUST does.")
@click.option(
    "--expectations",
    "expectation_files",
    multiple=True,
    type=options.FOLDER,
    metavar="FILE",
    help="Take what is known to fail from this file too, besides the project's own expectations.yaml. Repeatable.",
)
@click.option("--no-expectations", is_flag=True, help="Leave the project's own expectations.yaml aside.")
@click.option(
    "--update-expectations",
    is_flag=True,
    help="Write an entry for every failure that has none (into the last --expectations, or the project's own), take out those that passed or "
    "fit nothing, and say what was done.",
)
@click.option("--runs", type=options.FOLDER, default=Path("runs"), show_default=True, metavar="DIR", help="Where runs are kept.")
def run(
    selection: Selection,
    peer_folders: tuple[Path, ...],
    spec_folders: tuple[Path, ...],
    launcher: str,
    network: str,
    attached: tuple[tuple[str, tuple[str, int]], ...],
    attached_path: str,
    platforms: str,
    only_on: tuple[str, ...],
    jobs: int,
    repeat: int,
    captures: str,
    strict: bool,
    expectation_files: tuple[Path, ...],
    no_expectations: bool,
    update_expectations: bool,
    runs: Path,
) -> int:
    """Hold the conversations of the matrix and judge them.

    Every peer talks to every other, as client and as server, over IPv4 and IPv6; its variants (other HTTP stacks: python:aiohttp) and
    unmodified programs (nginx, curl) with every peer. The run's folder (runs/latest) gets journal.jsonl (each
    case as it ends, with its evidence), results.json, junit.xml and the peers' logs.

    \b
    ./parley run --server c --client go --client node     some pairs
    ./parley run --spec rfc862-echo -k size=65536         some conversations
    ./parley run --peers ~/my-peer --client my-peer       a peer of your own as client
    ./parley run --server python:aiohttp --client go      another HTTP stack of the same peer
    ./parley run --repeat 100 --jobs 64                   how often does it fail?
    ./parley run --attach-server mine=127.0.0.1:8080      a server that runs already: HTTP probes alone
    ./parley run --strict                                 a broken SHOULD fails too
    ./parley run --platforms all                          on Windows, big-endian, another kernel, too
    ./parley run --server c@windows --client go@s390x     two of them

    What is known to fail stands in expectations.yaml, each entry with a reason, an owner and a last day: such a failure does not fail the
    run. An entry whose cases pass, that fits no case, or that has expired, does.
    """
    chosen = Options(
        msgspec.structs.replace(selection, repeat=repeat), peer_folders, spec_folders, launcher, network, jobs, captures, runs=runs, strict=strict,
        expectations=expectation_files, own_expectations=not no_expectations, update_expectations=update_expectations,
        attached=attached, attached_path=attached_path, platforms=platforms, only_on=only_on,
    )  # fmt: skip
    console = Console(highlight=False)
    view = _View(console)
    job = Run(chosen, Watcher(view.say, view.begun, view.judged))
    job.prepare()
    with view:
        outcome = perform(job)
    code = _close(console, outcome)
    if update_expectations and outcome.problem is None:
        for sentence in job.update_expectations() or ["expectations: nothing to change"]:
            console.print(sentence, markup=False, soft_wrap=True)
    return code


class _View:
    """Progress: a line that moves in a terminal, a few plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._done = self._bad = 0
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn(),
            console=console, transient=True,
        )  # fmt: skip
        self._task = self._progress.add_task("building and starting peers", total=None)
        self._lively = console.is_terminal

    def __enter__(self) -> None:
        if self._lively:
            self._progress.start()

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Something worth a line."""
        self._console.print(text, markup=False)

    def begun(self, total: int, launcher: Launcher, network: Network) -> None:
        """The cases begin."""
        self._total = total
        self.say(f"launcher {launcher.name} ({launcher.why}); network {network.name} ({network.why})")
        self.say(f"{total:,} cases")
        self._progress.update(self._task, total=total, description="conversations")

    def judged(self, result: Result) -> None:
        """One more is done."""
        self._done += 1
        self._bad += result.outcome in (FAIL, ERROR, UNEXPECTED_PASS)
        if self._lively:
            failed = f" [red]{self._bad} not passed[/]" if self._bad else ""
            self._progress.update(self._task, completed=self._done, description=f"conversations{failed}")
        elif self._total >= _PLAIN_STEPS and self._done % max(1, self._total // _PLAIN_STEPS) == 0:
            self.say(f"  {self._done:,} of {self._total:,}, {self._bad} not passed")


def perform(job: Run) -> Outcome:
    """Holds a run that is prepared, on the fastest event loop there is."""
    # Results stay until the end: looking through all of them again and again for cycles would cost more than judging them.
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    with contextlib.suppress(ImportError):
        import uvloop

        return uvloop.run(_interruptible(job))
    return asyncio.run(_interruptible(job))


async def _interruptible(job: Run) -> Outcome:
    task = asyncio.ensure_future(job.perform())
    if sys.platform != "win32":
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
    return await task


def _close(console: Console, outcome: Outcome) -> int:
    reports.matrix(console, outcome.summary)
    reports.closing(console, outcome.summary, outcome.results)
    console.print(f"{outcome.summary.sentence()} in {outcome.seconds:.1f} s; {outcome.folder}/", markup=False, soft_wrap=True)
    if outcome.problem is None:
        return outcome.summary.exit_code()
    if isinstance(outcome.problem, (asyncio.CancelledError, KeyboardInterrupt)):
        click.echo("parley: interrupted; the results so far are in the run's folder", err=True)
        return EXIT_INTERRUPTED
    click.echo(f"parley: {outcome.problem}", err=True)
    return EXIT_ENVIRONMENT
