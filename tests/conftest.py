"""What all tests share: cases over miniatures, and what this machine can do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.judge.judge import judge
from harness.launch.fake import FakeLauncher
from harness.model.case import Case, Check, Scenario, Script
from harness.model.payload import Payload
from harness.model.result import Result
from harness.model.trace import Trace
from harness.peer.build import Built
from harness.peer.manifest import Manifest
from harness.run import conversation, peer
from harness.run.pool import Pool
from harness.run.scheduler import Scheduler
from tests.miniatures import Right, World

REQUIREMENT = "RFC862-tcp-same-octets"


def echo(size: int = 100, *, name: str = "", pattern: str = "every-octet", seed: int = 1, deadline: int = 200) -> Scenario:
    """A TCP echo of one payload."""
    payload = Payload(pattern=pattern, seed=seed, size=size)
    wire = {"pattern": pattern, "seed": seed, "size": size}
    steps = ({"do": "connect"}, {"do": "send", "payload": wire}, {"do": "half-close"}, {"do": "receive", "until": "end"})
    script = Script("client", steps, (Check(3, octets=payload, end=True),))
    return Scenario(name or f"t/echo/size={size}", "Echo.", (REQUIREMENT,), "tcp", "echo", client=script, deadline=deadline)


def echo_udp(size: int = 100, count: int = 1) -> Scenario:
    """A UDP echo of ``count`` datagrams."""
    payload = Payload(pattern="random", seed=5, size=size)
    wire = {"pattern": "random", "seed": 5, "size": size}
    steps = ({"do": "send", "payload": wire, "count": count}, {"do": "receive", "count": count})
    script = Script("client", steps, (Check(1, octets=payload, count=count, any_order=True),))
    return Scenario(f"t/udp/size={size},count={count}", "Echo.", ("RFC862-udp-one-for-one",), "udp", "echo", client=script, deadline=200)


class Stage:
    """Miniatures on a stage: ``hold`` performs cases and returns their results by case id."""

    def __init__(self) -> None:
        self.world = World()
        self.kinds: dict[str, type[Right]] = {"right": Right}
        self.traces: dict[str, Trace] = {}
        self.pool: Pool | None = None
        self.said: list[str] = []

    async def hold(self, *cases: Case, jobs: int = 8) -> dict[str, Result]:
        built = {n: Built(Manifest(name=n, launch=["-"]), (), None) for n in self.kinds}
        launcher = FakeLauncher({n: kind.of(self.world) for n, kind in self.kinds.items()})
        self.pool = Pool(launcher, built, {}, lambda _: lambda _: None, self.said.append)
        results: dict[str, Result] = {}

        def on_trace(case: Case, trace: Trace) -> None:
            assert case.id not in results, "a case has one result"
            self.traces[case.id] = trace
            results[case.id] = judge(case, trace, {})

        await Scheduler(self.pool, {}, jobs, on_trace).run(cases)
        await self.pool.close()
        await launcher.close()
        assert len(results) == len(cases)
        return results

    async def one(self, client: str, server: str, scenario: Scenario | None = None) -> Result:
        case = Case(scenario or echo(), client, server, "ipv4")
        return (await self.hold(case))[case.id]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage on which the harness's patience is short."""
    for module, name, seconds in (
        (conversation, "GRACE_SECONDS", 0.3), (conversation, "SETTLE_SECONDS", 0.3), (conversation, "DATAGRAM_SECONDS", 0.2),
        (peer, "HELLO_SECONDS", 0.3), (peer, "FLUSH_SECONDS", 0.3), (peer, "END_SECONDS", 0.2),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, seconds)
    return Stage()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file below the test's folder."""

    def writer(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return writer
