"""All cases of a run, many at once; and, when a peer breaks off, finding out whose case it was.

A peer that breaks off takes several conversations with it. Each of them is held again later, alone: the one that breaks it
again is the guilty one, the others keep their verdict. A case of which the capture lost frames is held again with few others beside it, and,
if need be, alone: then it has the better chance to be seen whole.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

import msgspec

from harness.model.case import BURST, Case
from harness.model.trace import Side, Trace
from harness.model.wire import UNWATCHED
from harness.run.conversation import hold
from harness.run.peer import LivePeer
from harness.run.pool import NotThere, Pool
from harness.run.serving import Told
from harness.wire.link import Blind, Witness
from harness.wire.messages import Ask

_BLIND = Blind(UNWATCHED.absent)
MAX_ASKING = 256
"""Conversations that are over and wait for the witness."""
FEW = 8
"""Conversations at once of those that were not seen whole among many."""
BREAKS = {"crashed", "broke-contract", "silent"}
OnTrace = Callable[[Case, Trace], None]


class Scheduler:
    """Holds cases over a pool. ``on_trace`` gets each case's evidence, once, as soon as it is complete. ``machines``: peers that are on an emulated
    machine together, which is given few conversations at once: too many, and its own clocks run late.
    """

    def __init__(
        self, pool: Pool, told: Told, jobs: int, on_trace: OnTrace, witness: Witness = _BLIND, machines: Mapping[str, str] | None = None
    ) -> None:
        self._machines = machines or {}
        self._pool = pool
        self._witness = witness
        self._told = told
        self._jobs = jobs
        self._on_trace = on_trace
        self._suspects: list[Case] = []
        self._unseen: list[Case] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MAX_ASKING)
        self._problem: BaseException | None = None
        self._under_way: Counter[tuple[str, str]] = Counter()

    async def run(self, cases: Iterable[Case]) -> None:
        """Holds every case; returns when each has been handed to ``on_trace``."""
        queues: dict[str, deque[Case]] = {"": deque()}
        for case in cases:
            queues.setdefault(self._machines.get(case.client) or self._machines.get(case.server, ""), deque()).append(case)
        few = min(FEW, self._jobs)
        await self._drain([(queue, few if machine else self._jobs) for machine, queue in queues.items()], alone=False)
        unseen, self._unseen = self._unseen, []
        await self._drain([(deque(unseen), few)], alone=False)
        await self._drain([(deque([*self._suspects, *self._unseen]), 1)], alone=True)

    async def _drain(self, queues: list[tuple[deque[Case], int]], *, alone: bool) -> None:
        """Holds the cases of all queues, of each so many at once."""

        async def worker(queue: deque[Case]) -> None:
            while queue and self._problem is None:
                case = self._next(queue)
                if case is None:
                    await asyncio.sleep(0.001)
                    continue
                server, burst = _receiver(case), case.scenario.burst
                self._under_way[server] += burst
                try:
                    await self._one(case, alone)
                finally:
                    self._under_way[server] -= burst

        try:
            await self._work([worker(queue) for queue, jobs in queues for _ in range(min(jobs, len(queue)))])
            await asyncio.gather(*self._asking)
        finally:
            for task in list(self._asking):
                task.cancel()
            await asyncio.gather(*self._asking, return_exceptions=True)
        if self._problem:
            raise self._problem

    async def _work(self, coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
        workers = [asyncio.ensure_future(work) for work in coroutines]
        try:
            await asyncio.gather(*workers)
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    def _next(self, queue: deque[Case]) -> Case | None:
        """The first case whose datagrams still find room at their server; those passed over go to the end."""
        for _ in range(len(queue)):
            case = queue.popleft()
            taken = self._under_way[_receiver(case)]
            if not taken or taken + case.scenario.burst <= BURST:
                return case
            queue.append(case)
        return None

    async def _one(self, case: Case, alone: bool) -> None:
        if case.unsupported:
            self._on_trace(case, Trace(Side(), Side()))
            return
        try:
            shares = case.scenario.shares
            client = self._pool.at_hand("client", case.client, shares) or await self._get("client", case.client, shares)
            server = self._pool.at_hand("server", case.server, shares) or await self._get("server", case.server, shares)
        except _Missing as missing:
            self._on_trace(case, missing.trace)
            return
        for peer in (client, server):
            peer.busy += 1
        try:
            trace, ask = await hold(case, client, server, self._told)
            broke = [p for p, side in ((client, trace.client), (server, trace.server)) if side.trouble in BREAKS and p.trouble]
            shared = any(p.busy_at_end > 1 for p in broke)
        finally:
            for peer in (client, server):
                peer.busy -= 1
        if broke and shared and not alone:
            self._suspects.append(case)
        elif ask is None:
            self._on_trace(case, trace)
        else:
            await self._room.acquire()
            task = asyncio.ensure_future(self._witnessed(case, trace, ask, alone))
            self._asking.add(task)
            task.add_done_callback(self._asked)

    async def _witnessed(self, case: Case, trace: Trace, ask: Ask, alone: bool) -> None:
        """What the wire showed, while the next conversations go on."""
        wire = await self._witness.see(ask)
        if wire.incomplete and not alone:
            self._witness.keep(wire.ticket)
            self._unseen.append(case)
        else:
            self._on_trace(case, msgspec.structs.replace(trace, wire=wire))

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._room.release()
        self._asking.discard(task)
        if not task.cancelled() and task.exception():
            self._problem = self._problem or task.exception()

    async def _get(self, role: str, name: str, shares: str) -> LivePeer:
        try:
            return await self._pool.get(role, name, shares)
        except NotThere as problem:
            side = Side(trouble=problem.trouble, says=str(problem))
            raise _Missing(Trace(side, Side()) if role == "client" else Trace(Side(), side)) from None


def _receiver(case: Case) -> tuple[str, str]:
    """Whose buffers a case's datagrams take, or whose signals."""
    return case.server, f"{case.family}/{case.scenario.transport}"


class _Missing(Exception):
    """A peer is not to be had: the case's evidence is just that."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace
