"""A check that cannot fail is a defect: each mutant in the catalogue trips its one requirement, and the right side is blamed.

The mutants are real: the Python peer with one defect, over real sockets, in namespaces, in conversation with the right Python peer.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from harness.judge.judge import judge
from harness.launch.process import ProcessLauncher
from harness.model import levels
from harness.model.case import Case, Scenario
from harness.model.result import FAIL, NONCONFORMANT, PASS, Finding, Result
from harness.model.trace import Trace
from harness.peer import manifest as manifests
from harness.peer.build import Builder, Built
from harness.peer.tools import Toolbox
from harness.pipeline import ROOT, STATE, load_peers, load_specs
from harness.run import conversation, peer
from harness.run.pool import Pool
from harness.run.scheduler import Scheduler
from harness.spec.load import SpecSet
from harness.wire.link import Link
from tests.catalogue import ALL as ROWS

pytestmark = pytest.mark.interop
HOME = ROOT / "mutants"
RIGHT = "python"
PATIENCE = 1500
"""Milliseconds for a conversation: the right side of it needs far less, and what hangs must not hang for long."""
JOBS = 32


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the catalogue (``mutants/README.md``)."""

    name: str
    says: str
    trips: str
    blames: Literal["client", "server", "both"]
    kind: Literal["nonconformant", "misreport", "disagree", "contract"]
    by: Literal["peer", "tape"]
    role: Literal["client", "server"]
    cases: str
    right: str = ""
    family: Literal["ipv4", "ipv6"] = "ipv4"
    needs: Literal["", "wire", "judge", "conversation"] = ""

    def case(self, scenario: Scenario) -> Case:
        """The mutant in its role, the right peer in the other."""
        pair = (self.name, RIGHT) if self.role == "client" else (RIGHT, self.name)
        return Case(scenario, *pair, self.family if self.family in scenario.families else scenario.families[0])


MUTANTS = [msgspec.convert(row, Mutant) for row in ROWS if row["by"] == "peer"]
Results = Mapping[str, Result]


def matching(scenarios: tuple[Scenario, ...], pattern: str) -> list[Scenario]:
    return [s for s in scenarios if fnmatchcase(s.key, pattern)]


# -- the catalogue --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def specs() -> SpecSet:
    return load_specs()


def test_names_are_unique() -> None:
    assert not [name for name, times in Counter(row["name"] for row in ROWS).items() if times > 1]


def test_every_requirement_is_known(specs: SpecSet) -> None:
    assert not {row["trips"] for row in ROWS} - specs.requirements.keys()


def test_every_pattern_matches(specs: SpecSet) -> None:
    patterns = [m.cases for m in MUTANTS if m.needs != "conversation"] + [m.right for m in MUTANTS if m.right]
    assert not [p for p in patterns if not matching(specs.scenarios(), p)]


def test_every_defect_is_in_the_catalogue_and_says_the_same() -> None:
    """The other way round as well."""
    done = subprocess.run([sys.executable, HOME / "peer.py", "--list"], capture_output=True, text=True, check=True)
    assert sorted(line.split("\t")[0] for line in done.stdout.splitlines()) == sorted(m.name for m in MUTANTS)


# -- the mutants ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def results(specs: SpecSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """Every case of every mutant, held once, by case id."""
    if sys.platform != "linux":
        pytest.skip("network namespaces are Linux's")
    from harness.network.netns import can_make_namespaces

    problem = can_make_namespaces()
    if problem:
        pytest.skip(f"no network namespaces: {problem}")
    with pytest.MonkeyPatch.context() as patch:
        for module, name, seconds in (
            (conversation, "GRACE_SECONDS", 1.0), (conversation, "SETTLE_SECONDS", 1.0), (conversation, "DATAGRAM_SECONDS", 0.3),
            (peer, "HELLO_SECONDS", 60.0),
        ):  # fmt: skip
            patch.setattr(module, name, seconds)
        yield asyncio.run(hold(cases(specs), specs, build(tmp_path_factory.mktemp("mutants"))))


def cases(specs: SpecSet) -> list[Case]:
    """What the catalogue asks for, with less patience."""
    hurried = tuple(msgspec.structs.replace(s, deadline=min(s.deadline, PATIENCE + waits(s))) for s in specs.scenarios())
    wanted = [m.case(s) for m in MUTANTS for p in (m.cases, m.right) if p for s in matching(hurried, p)]
    return list({c.id: c for c in wanted}.values())


def waits(scenario: Scenario) -> int:
    """Milliseconds that a scenario's scripts take of their own accord."""
    scripts = [s for s in (scenario.client, scenario.server) if s]
    return max((sum(step.get("ms", 0) + step.get("within", 0) for step in s.steps) for s in scripts), default=0)


def build(home: Path) -> dict[str, Built]:
    """All mutants, each with a manifest of its own, and the right peer."""
    builder = Builder(STATE / "build", Toolbox(STATE / "tools", print), print)
    built = {RIGHT: builder.build(load_peers()[RIGHT])}
    for mutant in MUTANTS:
        folder = home / mutant.name
        folder.mkdir()
        launch = f'["{{python}}", "-u", "{HOME / "peer.py"}", "--defect", "{mutant.name}"]'
        (folder / "peer.toml").write_text(f'name = "{mutant.name}"\nlaunch = {launch}\n\n[tools.python]\nown = true\n', encoding="utf-8")
        built[mutant.name] = builder.build(manifests.load(folder))
    return built


async def hold(wanted: list[Case], specs: SpecSet, built: Mapping[str, Built]) -> Results:
    """Holds all cases in one pool, with the wire watched."""
    from harness.network.netns import Namespaces

    network, witness, found = Namespaces("for mutants"), Link(), dict[str, Result]()
    network.on_host, network.on_drop = witness.watch, witness.forget
    launcher = ProcessLauncher(network)
    pool = Pool(launcher, built, {}, lambda _: lambda _: None, lambda _: None)

    def on_trace(case: Case, trace: Trace) -> None:
        found[case.id] = judge(case, trace, specs.requirements)
        witness.keep(trace.wire.ticket)

    try:
        sides = [(("client", c.client), ("server", c.server), c.scenario.shares) for c in wanted]
        places = {(*side, shares) for client, server, shares in sides for side in (client, server)}
        await asyncio.gather(*(pool.get(*place) for place in places))
        await Scheduler(pool, specs.told(), JOBS, on_trace, witness).run(wanted)
    finally:
        await launcher.close()  # whether peers end by themselves is asked elsewhere, and would take longer
        network.close()
        await witness.close()
    return found


def shown(result: Result) -> str:
    findings = [f"{f.kind} {f.side} {f.requirement} ({f.level}): {f.says}: {f.expected} / {f.observed}" for f in result.findings]
    return "\n    ".join([f"{result.id}: {result.verdict} {result.reason if not findings else ''}", *findings])


def of_level(result: Result, level: str) -> list[Finding]:
    return [f for f in result.findings if f.level == level]


def tripped(mutant: Mutant, findings: list[Finding]) -> bool:
    """Whether the finding is there, and no other requirement or side beside it."""
    return {(f.requirement, f.side) for f in findings} == {(mutant.trips, mutant.blames)} and any(f.kind == mutant.kind for f in findings)


def row(mutant: Mutant) -> object:
    waits = [pytest.mark.xfail(strict=False, reason=f"needs: {mutant.needs}")] if mutant.needs else []
    return pytest.param(mutant, id=mutant.name, marks=waits)


@pytest.mark.parametrize("mutant", [row(m) for m in MUTANTS])
def test_a_mutant_trips_its_requirement_and_no_other(mutant: Mutant, specs: SpecSet, results: Results) -> None:
    tried = [results[mutant.case(s).id] for s in matching(specs.scenarios(), mutant.cases)]
    if not tried and mutant.needs == "conversation":
        pytest.skip("no spec holds the conversation that shows it")
    level = specs.requirements[mutant.trips].level
    verdict = FAIL if levels.of(level) == levels.MUST or mutant.kind != NONCONFORMANT else PASS
    said = "\n".join(shown(r) for r in tried)
    assert any(r.verdict == verdict and tripped(mutant, of_level(r, level)) for r in tried), said
    assert {f.requirement for r in tried for f in of_level(r, level)} == {mutant.trips}, said


@pytest.mark.parametrize("mutant", [pytest.param(m, id=m.name) for m in MUTANTS if m.right])
def test_a_mutant_is_right_in_everything_else(mutant: Mutant, specs: SpecSet, results: Results) -> None:
    wrong = [r for s in matching(specs.scenarios(), mutant.right) if (r := results[mutant.case(s).id]).verdict != PASS or r.findings]
    assert not wrong, "\n".join(shown(r) for r in wrong)
