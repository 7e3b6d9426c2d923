"""The way of the data, once through: spec -> plan -> run -> judge -> report.

Owns the order of the stages and the run's folder. Each stage's own matter stands in its package.
"""

from __future__ import annotations

import asyncio
import datetime
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from harness import __version__, expecting
from harness.casting import FAST, NONE, Cast, Casting
from harness.errors import BuildError, LaunchError, ManifestError, NetworkError, StorageError, ToolError, UsageError
from harness.judge import contract as contracts
from harness.judge.judge import judge
from harness.judge.rules import RULES, WIRE_RULES
from harness.launch.base import Launcher
from harness.launch.choose import choose
from harness.model.case import Case
from harness.model.result import CONTRACT, ERROR, FAIL, Result
from harness.model.trace import Address, Trace
from harness.network.base import Network
from harness.network.machine import sweep
from harness.peer import manifest as manifests
from harness.peer import platform as platforms
from harness.peer.build import Builder, Built
from harness.peer.tools import Toolbox
from harness.plan import attach, matrix
from harness.plan.expectations import Book, plan_ids
from harness.report import journal as journals
from harness.report import junit
from harness.report.summary import Summary, as_json
from harness.run.peer import LivePeer
from harness.run.pool import Pool
from harness.run.scheduler import Scheduler
from harness.shelves import Logs, capture_name
from harness.spec import load as specs
from harness.wire.link import Blind, Link

ROOT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("PARLEY_STATE") or ROOT / ".parley")
LATEST, CAPTURES = "latest", "captures"
CAPTURE_KINDS = ("all", "failed", "none")
DEFAULT_JOBS = 64
SERVES = frozenset({"serve http/tcp"})
"""What a server that somebody else started is there for."""
Say = Callable[[str], None]
_SET_UP = (ToolError, BuildError, ManifestError, LaunchError)


@dataclass(frozen=True)
class Options:
    """What the command line asks of a run."""

    selection: matrix.Selection = field(default_factory=matrix.Selection)
    peers: tuple[Path, ...] = ()
    specs: tuple[Path, ...] = ()
    launcher: str = "auto"
    network: str = "auto"
    jobs: int = DEFAULT_JOBS
    captures: str = "failed"
    runs: Path = Path("runs")
    strict: bool = False
    expectations: tuple[Path, ...] = ()
    own_expectations: bool = True
    update_expectations: bool = False
    attached: tuple[tuple[str, Address], ...] = ()
    attached_path: str = "/"
    platforms: str = FAST
    only_on: tuple[str, ...] = ()

    def casting(self) -> Casting:
        """Which platforms are asked for."""
        named = (*self.selection.servers, *self.selection.clients)
        return Casting(NONE if self.attached else self.platforms, self.only_on, named)


@dataclass
class Watcher:
    """Whoever wants to see a run go by; all of it may be left as it is."""

    say: Say = lambda _: None
    begun: Callable[[int, Launcher, Network], None] = lambda total, launcher, network: None
    judged: Callable[[Result], None] = lambda _: None


@dataclass
class Outcome:
    """A run that ended: its folder, counts and results, and its exit code."""

    folder: Path
    summary: Summary
    results: list[Result]
    seconds: float
    problem: BaseException | None = None


def load_specs(extra: Iterable[Path] = ()) -> specs.SpecSet:
    """The project's own specs and those from outside. Raises ``SpecError`` or ``UsageError``."""
    return specs.load([ROOT / "specs", *extra], RULES, wire_rules=WIRE_RULES)


def load_peers(extra: Iterable[Path] = ()) -> dict[str, manifests.Manifest]:
    """The project's own peers and those from outside. Raises ``ManifestError``."""
    return manifests.discover([ROOT / "peers", *extra])


def load_platforms(names: Iterable[str] = ()) -> dict[str, platforms.Platform]:
    """The project's own platforms, and those among ``names`` that are files. Raises ``ManifestError``."""
    return platforms.discover([ROOT / "platforms", *(platforms.as_file(name) for name in names if name.endswith(platforms.SUFFIX))])


def make_folder(runs: Path) -> Path:
    """A new folder for a run, and ``latest`` that points to it. Raises ``StorageError``."""
    name = time.strftime("%Y%m%d-%H%M%S-") + secrets.token_hex(2)
    folder = runs / name
    try:
        (folder / "logs").mkdir(parents=True)
        probe = folder / ".probe"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        raise StorageError(f"{folder}: a run's folder cannot be made here: {error.strerror}", hint="--runs names another folder.") from None
    _point(runs / LATEST, name)
    return folder


def _point(link: Path, name: str) -> None:
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        temporary.symlink_to(name)
        temporary.replace(link)
    except OSError:  # a file system without links: the newest name is the latest run
        temporary.unlink(missing_ok=True)


def build_all(chosen: Mapping[str, manifests.Manifest], builder: Callable[[manifests.Manifest], Builder]) -> tuple[dict[str, Built], dict[str, str]]:
    """All peers, built; and for those that could not be, why."""
    from concurrent.futures import ThreadPoolExecutor

    built: dict[str, Built] = {}
    broken: dict[str, str] = {}

    def one(item: tuple[str, manifests.Manifest]) -> None:
        name, manifest = item
        try:
            built[name] = builder(manifest).build(manifest)
        except _SET_UP as error:
            broken[name] = str(error).removeprefix(f"{manifest.title}: ")
            built[name] = Built(manifest, (), None)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, chosen.items()))
    return {name: built[name] for name in chosen}, broken


def _family(at: Address) -> str:
    return "ipv6" if ":" in at[0] else "ipv4"


def offers(manifest: manifests.Manifest) -> frozenset[str]:
    """What a peer is there for, empty: everything that it declares."""
    return frozenset(manifest.offers)


def wanted_peers(selection: matrix.Selection, known: Mapping[str, manifests.Manifest]) -> tuple[list[str], list[str]]:
    """The servers and clients that a selection needs; names that do not exist are left to the plan to refuse."""
    servers = [n for n in selection.servers if n in known] or list(known)
    clients = [n for n in selection.clients if n in known] or list(known)
    return list(dict.fromkeys(servers)), list(dict.fromkeys(clients))


class Run:
    """One invocation of ``parley run``."""

    def __init__(self, options: Options, watcher: Watcher) -> None:
        self._options = options
        self._watcher = watcher
        self.results: list[Result] = []
        self.summary = Summary()
        self._began = time.perf_counter()

    def prepare(self) -> None:
        """Everything that can be wrong before anything is started. Must come before any thread."""
        options = self._options
        self.specs = load_specs(options.specs)
        self._left_out: dict[str, str] = {}
        say = self._watcher.say
        self._builder = Builder(STATE / "build", Toolbox(STATE / "tools", say), say)
        self._cast = Cast(load_peers(options.peers), load_platforms(options.only_on), options.casting(), self._builder, self._left_out, say)
        known = self._cast.peers
        unknown = {name: self._cast.placed(matrix.Abilities(offers=offers(m)), m) for name, m in known.items()}
        unknown |= {name: matrix.Abilities(offers=SERVES) for name, _ in options.attached}
        self._selection = msgspec.structs.replace(options.selection, guests_only=bool(options.only_on))
        if options.attached:
            self._attach(known)
        self._strangers = {n: attach.Stranger(m.server.path) for n, m in known.items() if m.server}
        self._strangers |= {n: attach.Stranger(options.attached_path, (_family(at),)) for n, at in options.attached}
        planned = self._cases(unknown, self._selection, every_prober=True)
        self._expect()
        self._known = known
        self.scenario_says = {c.scenario.key: c.scenario.says for c in planned}
        self._servers, self._clients = wanted_peers(self._selection, known)
        if options.attached:
            self._servers = list(self._selection.servers)
        self._chosen = {n: known[n] for n in dict.fromkeys([*self._servers, *self._clients]) if n in known}
        self.folder = make_folder(options.runs)
        self._set_the_stage("process" if options.attached else options.launcher)

    def _attach(self, known: Mapping[str, manifests.Manifest]) -> None:
        """Servers that somebody else started are the only ones then. Raises ``UsageError``."""
        options, names = self._options, tuple(name for name, _ in self._options.attached)
        for name in names:
            if name in known or names.count(name) > 1 or not manifests.NAME.fullmatch(name):
                raise UsageError(f"--attach-server {name}: a name of its own is needed, of a-z, 0-9 and '-'")
        if options.only_on:
            raise UsageError("--attach-server and --platform exclude each other: what is attached is on no platform")
        if options.selection.servers:
            raise UsageError("--attach-server and --server exclude each other: what is attached is the server")
        self._selection = msgspec.structs.replace(self._selection, servers=names)

    def _cases(
        self,
        peers: Mapping[str, matrix.Abilities],
        selection: matrix.Selection,
        *,
        every_prober: bool = False,
        doubtful: matrix.Doubt = lambda _: False,
    ) -> list[Case]:
        """What these peers are to hold: of servers that keep no contract, probes alone."""
        return attach.aim(matrix.cases(self.specs.scenarios(), peers, selection, every_prober, doubtful), self._strangers)

    def _expect(self) -> None:
        """The expectations."""
        options = self._options
        self._expectation_files = expecting.files(ROOT, options.expectations, options.own_expectations, options.update_expectations)
        self._book = Book(expecting.load(self._expectation_files, self.specs.requirements), options.strict)

    @cached_property
    def _plan(self) -> list[str]:
        """The ids that expectations may speak of: those of the full plan, whatever was selected."""
        if not self._book.entries and not self._options.update_expectations:
            return []
        everything = matrix.Selection(all_pairs=True)
        own = {name: matrix.Abilities(known=False, offers=offers(m)) for name, m in self._cast.own.items()}
        ids = [c.id for c in self._cases(own, everything, every_prober=True)]
        for guest, about in self._book.speaks_of_peers(self._cast.guests).items():
            one = {**own, guest: matrix.Abilities(known=False, guest=True)}
            known = tuple(spec for spec in about if any(s.name.partition("/")[0] == spec for s in self.specs.specs))
            for side in ("servers", "clients"):
                chosen = msgspec.structs.replace(matrix.Selection(specs=known, all_pairs=True), **{side: (guest,)})
                ids += [c.id for c in self._cases(one, chosen, every_prober=True)] if known or not about else []
        return plan_ids(ids, (*self._cast.own, *self._cast.guests))

    def update_expectations(self) -> list[str]:
        """Writes entries for what failed, takes out those that no longer hold, and says so. Raises ``StorageError``, ``UsageError``."""
        target = (self._options.expectations or (ROOT / expecting.NAME,))[-1]
        probes, held = {s.key for s in self.specs.scenarios() if s.tested}, {r.case for r in self.results}
        others = {case for case in self._plan if case not in held and case.partition("/client=")[0] in probes}  # each has one prober, not all
        made = expecting.change(self._book, self.results, self._plan, self._options.strict, others)
        return expecting.apply(made, target, datetime.date.today())

    def _set_the_stage(self, launcher: str) -> None:
        """Launcher, network, and whoever watches its wire."""
        sweep()
        network = "loopback" if self._options.attached else self._options.network
        self.launcher, self.network = choose(launcher, network, self._builder, STATE, self._watcher.say, self.folder.name, self.folder / "logs")
        self.witness: Link | Blind = Blind(self.network.unseen)
        if not self.network.unseen:
            self.witness = Link()
            self.network.on_host, self.network.on_drop = self.witness.watch, self.witness.forget

    async def perform(self) -> Outcome:
        """Holds and judges all cases; whatever was done before an interruption is in the outcome and on disk."""
        head = self._head()
        journal = journals.Journal(self.folder, head)
        self._journal = journal
        outcome = Outcome(self.folder, self.summary, self.results, 0.0)
        logs = Logs(self.folder / "logs")
        pool: Pool | None = None
        try:
            built, broken = await self._make_ready()
            self._leave_out(broken)
            pool = Pool(self.launcher, built, broken, logs.open, self._watcher.say, dict(self._options.attached))
            await self._hold_all(pool)
        except (asyncio.CancelledError, StorageError, NetworkError, LaunchError) as error:
            outcome.problem = error
        finally:
            await asyncio.shield(self._finish(pool, journal, logs, outcome))
        return outcome

    async def _make_ready(self) -> tuple[dict[str, Built], dict[str, str]]:
        """All peers, built, and images and the like; and why some cannot be had. Where no image can be made and nobody asked for containers
        by name, processes do it too.
        """
        in_place = {n: m for n, m in self._chosen.items() if self.launcher.in_place(m)}
        done, broken = await asyncio.to_thread(build_all, in_place, self._cast.builder_for)
        built = {n: done.get(n) or Built(m, (), None) for n, m in self._chosen.items()}
        broken |= await self.launcher.prepare([b for n, b in built.items() if n not in broken])
        in_images = self._chosen.keys() - in_place.keys()
        if not in_images or not in_images <= broken.keys() or self._options.launcher != "auto":
            return built, broken
        reason = next(why for name, why in broken.items() if name in in_images)
        self._watcher.say(f"no containers: {reason}")
        await self.launcher.close()
        self.network.close()
        await self._close_witness()
        self._set_the_stage("process")
        self.launcher.why = "no image could be made"
        return await self._make_ready()

    def _leave_out(self, broken: dict[str, str]) -> None:
        """Optional peers that cannot be had here and that nobody named are not part of the run; that is said."""
        selection = self._options.selection
        by_reason: dict[str, list[str]] = {}
        for name in [n for n in broken if self._chosen[n].optional and n not in (*selection.servers, *selection.clients)]:
            self._left_out[name] = broken.pop(name)
            del self._chosen[name]
            by_reason.setdefault(self._left_out[name], []).append(name)
        for reason, names in by_reason.items():
            self._watcher.say(f"left out: {', '.join(names)}: {reason}")
        if self._options.only_on and not any(m.platform for m in self._chosen.values()):
            raise LaunchError(f"--platform {', '.join(self._options.only_on)}: none of its peers can be had: {'; '.join(by_reason)}")
        self._servers = [n for n in self._servers if n not in self._left_out]
        self._clients = [n for n in self._clients if n not in self._left_out]

    async def _hold_all(self, pool: Pool) -> None:
        greeted = asyncio.ensure_future(
            pool.greet(self._meant_for(self._servers, "serve ", "script server/"), self._meant_for(self._clients, "ask ", "script client/"))
        )
        await asyncio.sleep(0.01)
        _ = self._plan  # while they come up
        abilities = await greeted
        self._book.know({p.name: _versions(p) for p in pool.living() if p.hello})
        order = dict.fromkeys([*self._chosen, *self._servers])
        meant = {n: self._meant(n, abilities.get(n, matrix.Abilities())) for n in order}
        cases = self._cases(meant, self._selection, doubtful=self._book.excusing)
        self._watcher.begun(len(cases), self.launcher, self.network)
        if self.witness.absent:
            self._watcher.say(f"no wire witness: {self.witness.absent}; verdicts rest on the two sides' reports")
        machines = {n: m.platform.name for n, m in self._chosen.items() if m.platform and m.platform.machine}
        scheduler = Scheduler(pool, self.specs.told(), self._options.jobs, self._on_trace, self.witness, machines)
        await scheduler.run(cases)

    def _meant(self, name: str, abilities: matrix.Abilities) -> matrix.Abilities:
        """What a peer may do in this run."""
        offered = msgspec.structs.replace(abilities, offers=self._offers(name))
        manifest = self._chosen.get(name)
        return self._cast.placed(offered, manifest, self.launcher.system(manifest)) if manifest else offered

    def _meant_for(self, names: Iterable[str], *abilities: str) -> list[str]:
        """Those that are there for abilities that begin so."""
        return [n for n in names if not self._offers(n) or any(a.startswith(abilities) for a in self._offers(n))]

    def _offers(self, name: str) -> frozenset[str]:
        return offers(self._chosen[name]) if name in self._chosen else SERVES

    def _on_trace(self, case: Case, trace: Trace) -> None:
        result = judge(case, trace, self.specs.requirements, self._options.strict)
        self._keep_frames(case, result, trace)
        scenario = case.scenario
        why = scenario.probe.why if scenario.probe else ""
        self._add(result, trace, f"{scenario.says} {why}".rstrip())

    def _keep_frames(self, case: Case, result: Result, trace: Trace) -> None:
        """A capture file for each case that went wrong, or for each pair all that its cases left on the wire."""
        captures, file = self._options.captures, ""
        if captures == "all":
            file = f"client={case.client},server={case.server}.pcapng"
        elif captures == "failed" and result.verdict in (FAIL, ERROR):
            file = capture_name(case.id)
        self.witness.keep(trace.wire.ticket, str((self.folder / CAPTURES / file).resolve()) if file else "", case.id)

    def _add(self, result: Result, trace: Trace | None, says: str) -> None:
        result = self._book.mark(result)
        self.results.append(result)
        self.summary.add(result)
        self._journal.add(result, trace, says)
        self._watcher.judged(result)

    def _add_incidents(self, pool: Pool) -> None:
        """What peers did outside of any case, and why some broke off if no case was found that breaks them."""
        blamed = {(who, f.says) for r in self.results for f in r.findings if f.kind == CONTRACT for who in (r.client, r.server)}
        for peer in {id(p): p for p in [*pool.ended, *pool.living()]}.values():
            incidents = list(peer.incidents)
            if peer.trouble and not any(who == peer.name and peer.says in says for who, says in blamed):
                incidents.insert(0, f"{peer.says}, with {peer.busy_at_end} conversations in flight; none of them does it alone")
            if incidents:
                self._add(contracts.result(peer.name, peer.place, incidents), None, "A peer keeps to its contract, whatever it is asked.")

    async def _finish(self, pool: Pool | None, journal: journals.Journal, logs: Logs, outcome: Outcome) -> None:
        if pool is not None:
            await pool.close()
            self._add_incidents(pool)
        await self.launcher.close()
        self.network.close()
        await self._close_witness()
        logs.close()
        outcome.seconds = time.perf_counter() - self._began
        self.summary.troubles = self._book.troubles(self.results, self._plan, datetime.date.today())
        try:
            journal.close()
            self._write_reports(pool, outcome)
        except (StorageError, OSError) as error:
            outcome.problem = outcome.problem or error

    async def _close_witness(self) -> None:
        if isinstance(self.witness, Link):
            for problem in await self.witness.close():
                self._watcher.say(f"capture: {problem}")

    def _head(self) -> dict[str, Any]:
        return {
            "parley": __version__,
            "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "command": sys.argv[1:],
            "launcher": {"name": self.launcher.name, "why": self.launcher.why},
            "network": {"name": self.network.name, "why": self.network.why},
            "left_out": self._left_out,
            "witness": {"wire": not self.witness.absent, "why": self.witness.absent or "a packet socket on each host"},
        }

    def _write_reports(self, pool: Pool | None, outcome: Outcome) -> None:
        peers = {p.name: _about(p) for p in (pool.living() if pool else []) if p.hello}
        totals = {"seconds": round(outcome.seconds, 3), "complete": outcome.problem is None, "strict": self._options.strict}
        (self.folder / "results.json").write_bytes(as_json({**self._head(), **totals, "peers": peers}, self.results, self.summary))
        (self.folder / "junit.xml").write_bytes(junit.render(self.results, self.summary.troubles))


def _versions(peer: LivePeer) -> list[str]:
    assert peer.hello is not None
    return [peer.hello.language, *(f"{name} {version}" for name, version in peer.hello.libraries.items())]


def _about(peer: LivePeer) -> dict[str, Any]:
    hello = peer.hello
    assert hello is not None
    return {"language": hello.language, "system": hello.system, "stack": hello.stack, "libraries": hello.libraries}
