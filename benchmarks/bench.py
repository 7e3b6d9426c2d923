"""What the benchmarks share: built peers, a stage in namespaces, and the rates of conversations on it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import statistics
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from harness.judge.judge import judge
from harness.launch.choose import choose
from harness.model.case import Case, Scenario
from harness.model.result import PASS, Result
from harness.model.trace import Trace
from harness.network.base import Network
from harness.peer import contract
from harness.peer.build import Builder
from harness.peer.manifest import guests
from harness.peer.tools import Toolbox
from harness.pipeline import STATE, build_all, load_peers, load_platforms, load_specs
from harness.report.journal import Journal
from harness.run.conversation import wait_until
from harness.run.peer import LivePeer
from harness.run.pool import Pool
from harness.run.scheduler import Scheduler
from harness.run.service import Activity, Service
from harness.spec.load import SpecSet
from harness.wire.link import Link

PAYLOAD = {"pattern": "random", "seed": 1, "size": 1000}


@dataclass
class Stage:
    """Living peers and what it takes to hold cases with them."""

    pool: Pool
    network: Network
    folder: Path
    specs: SpecSet
    witness: Link

    def watch(self, *peers: LivePeer) -> None:
        """Lets the witness watch the hosts of these peers; it does so already at the start."""
        for peer in peers:
            self.witness.watch(peer.host)

    def look_away(self, *peers: LivePeer) -> None:
        """Takes the packet sockets away, so that the raw rate is not that of a watched wire."""
        for peer in peers:
            self.witness.forget(peer.host)

    async def verified(self, case: Case, count: int, jobs: int) -> float:
        """Conversations a second through the whole harness: held, judged, journalled. Raises if one does not pass."""
        journal = Journal(self.folder, {})
        bad: list[Result] = []

        def on_trace(done: Case, trace: Trace) -> None:
            result = judge(done, trace, self.specs.requirements)
            self.witness.keep(trace.wire.ticket)
            if result.verdict != PASS:
                bad.append(result)
            journal.add(result, trace, "")

        cases = [Case(case.scenario, case.client, case.server, case.family, n) for n in range(2, count + 2)]
        began = time.perf_counter()
        await Scheduler(self.pool, self.specs.told(), jobs, on_trace, self.witness).run(cases)
        seconds = time.perf_counter() - began
        journal.close()
        if bad:
            raise SystemExit(f"{len(bad)} of {count} conversations did not pass; the first: {bad[0].reason}")
        return count / seconds

    async def raw(self, client: str, server: str, count: int, jobs: int) -> float:
        """Conversations a second of the two peers alone: no digests, no reports, no harness."""
        asking, serving = await self.pool.get("client", client), await self.pool.get("server", server)
        self.look_away(asking, serving)
        await asyncio.sleep(0.05)
        service = Service()
        address = serving.host.addresses["ipv4"]
        command = contract.command("serve", id="raw", service="echo", transport="tcp", address=address, port=0, report="none")
        local = await _start(serving, "raw", service, command)
        load = Activity()
        asking.watch("load", load)
        members = {"payload": PAYLOAD, "conversations": count, "parallel": jobs}
        asking.send(contract.command("load", id="load", address=address, port=local, **members))
        await wait_until(load, asking, lambda: load.done, 300)
        step = next(s for s in load.steps if s.step == "loaded")
        if step.failed:
            raise SystemExit(f"{step.failed} raw conversations failed")
        await _stop(serving, "raw", service)
        asking.forget("load")
        self.watch(asking, serving)
        return count / ((step.t - (step.t0 or 0)) / 1e6)


async def _start(peer: LivePeer, id_: str, service: Service, command: bytes) -> int:
    peer.watch(id_, service)
    peer.send(command)
    await wait_until(service, peer, lambda: any(s.step == "listening" for s in service.steps), 10)
    local = service.local()
    assert local is not None
    return local[1]


async def _stop(peer: LivePeer, id_: str, service: Service) -> None:
    peer.send(contract.command("stop", id=id_))
    await wait_until(service, peer, lambda: service.done, 10)
    peer.forget(id_)


@contextlib.asynccontextmanager
async def stage(peers: Iterable[str], launcher: str = "process", one_each: tuple[str, str] | None = None) -> AsyncIterator[Stage]:
    """The named peers, alive in both roles; with ``one_each``, only that client and that server."""
    known = load_peers()
    chosen = {n: m for n, m in {**known, **guests(known, load_platforms())}.items() if n in set(peers)}
    builder = Builder(STATE / "build", Toolbox(STATE / "tools", print), print)
    built, broken = build_all(chosen, lambda _: builder)
    if broken:
        raise SystemExit(f"not built: {broken}")
    launch, network = choose(launcher, "auto", builder, STATE, print, "benchmark", Path(gettempdir()))
    witness = Link()
    network.on_host, network.on_drop = witness.watch, witness.forget
    broken = await launch.prepare(list(built.values()))
    if broken:
        raise SystemExit(f"not prepared: {broken}")
    with TemporaryDirectory() as folder:
        pool = Pool(launch, built, {}, lambda _: lambda _: None, print)
        try:
            clients, servers = ([one_each[0]], [one_each[1]]) if one_each else (list(chosen), list(chosen))
            await pool.greet(servers, clients)
            yield Stage(pool, network, Path(folder), _specs(), witness)
        finally:
            await pool.close()
            await launch.close()
            network.close()
            for problem in await witness.close():
                print(problem)


@cache
def _specs() -> SpecSet:
    return load_specs()


def echo_scenario() -> Scenario:
    """The TCP echo of 1,000 octets, as a spec would have it."""
    from harness.model.case import Check, Script
    from harness.model.payload import Payload

    steps = ({"do": "connect"}, {"do": "send", "payload": PAYLOAD}, {"do": "half-close"}, {"do": "receive", "until": "end"})
    payload = Payload(pattern="random", seed=1, size=1000)
    script = Script("client", steps, (Check(3, octets=payload, end=True),))
    return Scenario("benchmark/echo", "Echo of 1,000 octets.", ("RFC862-tcp-same-octets",), "tcp", "echo", client=script)


def run(work: object) -> None:
    """Runs a coroutine on the event loop that the command line takes."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)  # as the command line does
    try:
        import uvloop

        uvloop.run(work)  # type: ignore[arg-type]
    except ImportError:
        asyncio.run(work)  # type: ignore[arg-type]


def median(values: list[float]) -> float:
    """The median, or 0 of none."""
    return statistics.median(values) if values else 0.0
