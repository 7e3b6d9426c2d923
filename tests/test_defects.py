"""Each defect gets exactly its verdict: kind, guilty side, and nobody else's."""

from __future__ import annotations

import pytest

from harness.model.case import Case
from harness.model.result import CONTRACT, DISAGREE, ERROR, FAIL, MISREPORT, NONCONFORMANT, PASS, UNSUPPORTED
from tests import miniatures as m
from tests.conftest import Stage, echo, echo_udp


async def test_right_peers_pass(stage: Stage) -> None:
    cases = [Case(s, "right", "right", f) for s in (echo(0), echo(1), echo(100_000), echo_udp(), echo_udp(10, 24)) for f in ("ipv4", "ipv6")]
    results = await stage.hold(*cases)
    assert {r.verdict for r in results.values()} == {PASS}
    assert not [f for r in results.values() for f in r.findings]


async def test_a_slow_peer_passes(stage: Stage) -> None:
    stage.kinds["bad"] = m.Slow
    assert (await stage.one("bad", "right", echo(deadline=2000))).verdict == PASS


@pytest.mark.parametrize(
    ("kind", "size"),
    [(m.WrongOctet, 100), (m.WrongPast64K, 70_000), (m.Drops, 100), (m.Doubles, 100), (m.StopsAtNul, 300), (m.NeverCloses, 100)],
)
async def test_a_server_that_breaks_the_standard(stage: Stage, kind: type[m.Right], size: int) -> None:
    stage.kinds["bad"] = kind
    result = await stage.one("right", "bad", echo(size))
    assert result.verdict == FAIL
    assert {(f.kind, f.side) for f in result.findings} == {(NONCONFORMANT, "server")}
    assert "server bad" in result.reason


async def test_an_error_past_64k_does_not_show_before(stage: Stage) -> None:
    stage.kinds["bad"] = m.WrongPast64K
    assert (await stage.one("right", "bad", echo(65_536))).verdict == PASS


async def test_a_server_that_loses_datagrams(stage: Stage) -> None:
    stage.kinds["bad"] = m.LosesDatagrams
    result = await stage.one("right", "bad", echo_udp(10, 8))
    assert (result.verdict, result.findings[0].side) == (FAIL, "server")


@pytest.mark.parametrize("kind", [m.LiesAboutSent, m.LiesAboutReceived])
async def test_a_lying_server_makes_the_reports_disagree(stage: Stage, kind: type[m.Right]) -> None:
    stage.kinds["bad"] = kind
    result = await stage.one("right", "bad")
    assert result.verdict == FAIL
    assert {(f.kind, f.side) for f in result.findings} == {(DISAGREE, "both")}


async def test_a_client_that_makes_digests_up(stage: Stage) -> None:
    stage.kinds["bad"] = m.LiesAboutDigest
    result = await stage.one("bad", "right")
    assert (result.verdict, result.findings[0].kind, result.findings[0].side) == (FAIL, MISREPORT, "client")


async def test_a_client_that_sends_less_than_it_says(stage: Stage) -> None:
    stage.kinds["bad"] = m.SendsLess
    result = await stage.one("bad", "right")
    assert result.verdict == FAIL


async def test_a_client_that_reports_success_without_doing_anything(stage: Stage) -> None:
    stage.kinds["bad"] = m.ReportsNothing
    result = await stage.one("bad", "right")
    assert (result.verdict, result.findings[0].kind, result.findings[0].side) == (FAIL, CONTRACT, "client")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (m.Crashes, "crashed"), (m.Hangs, "silent"), (m.Forgets, "silent"), (m.Floods, "without a newline"),
        (m.SpeaksGarbage, "Segmentation fault"), (m.InvalidUtf8, "no event"), (m.Refuses, "I would rather not"),
    ],
)  # fmt: skip
async def test_a_client_that_breaks_off_fails_with_that_reason(stage: Stage, kind: type[m.Right], words: str) -> None:
    stage.kinds["bad"] = kind
    result = await stage.one("bad", "right", echo(13))
    assert result.verdict == FAIL
    assert [(f.kind, f.side) for f in result.findings] == [(CONTRACT, "client")]
    assert words in result.reason


async def test_what_a_peer_declines_is_unsupported(stage: Stage) -> None:
    stage.kinds["bad"] = m.Declines
    result = await stage.one("bad", "right")
    assert (result.verdict, result.reason) == (UNSUPPORTED, "client bad: my stack has no such thing")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (m.NeverGreets, "did not say hello"), (m.WrongVersion, "contract 7"), (m.TalksFirst, "Server ready!"),
        (m.EndsAtOnce, "ended by itself (status 1)"),
    ],
)  # fmt: skip
async def test_a_peer_without_a_handshake_fails_its_own_cases_only(stage: Stage, kind: type[m.Right], words: str) -> None:
    stage.kinds["bad"] = kind
    results = await stage.hold(Case(echo(), "bad", "right", "ipv4"), Case(echo(), "right", "bad", "ipv4"), Case(echo(), "right", "right", "ipv4"))
    verdicts = {(r.client, r.server): r for r in results.values()}
    assert verdicts["right", "right"].verdict == PASS
    for pair, side in ((("bad", "right"), "client"), (("right", "bad"), "server")):
        assert verdicts[pair].verdict == FAIL
        assert [f.side for f in verdicts[pair].findings] == [side]
        assert words in verdicts[pair].reason


async def test_a_crash_costs_no_other_case_its_verdict(stage: Stage) -> None:
    """The peer dies over one conversation while others are in flight: they are held again, and only the guilty one fails."""
    stage.kinds["bad"] = m.Crashes
    cases = [Case(echo(size), "bad", "right", family) for size in (*range(8, 18), 200) for family in ("ipv4", "ipv6")]
    cases += [Case(echo(size), "right", "right", "ipv4") for size in range(8, 18)]
    results = await stage.hold(*cases, jobs=16)
    failed = {id_ for id_, r in results.items() if r.verdict != PASS}
    assert failed == {c.id for c in cases if "size=13" in c.id and c.client == "bad"}
    assert all("signal 11" in results[id_].reason for id_ in failed)


async def test_a_peer_that_never_stays_up_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.run import pool

    monkeypatch.setattr(pool, "MAX_STARTS", 3)
    stage.kinds["bad"] = m.Crashes
    cases = [Case(echo(13, name=f"t/echo/{n}"), "bad", "right", "ipv4") for n in range(9)]
    results = await stage.hold(*cases, jobs=1)
    assert {r.verdict for r in results.values()} == {FAIL}
    assert sum("not started again" in r.reason for r in results.values()) == 6


async def test_events_for_a_foreign_conversation_are_noted_against_the_peer(stage: Stage) -> None:
    stage.kinds["bad"] = m.ForeignEvents
    assert (await stage.one("bad", "right")).verdict == PASS
    assert stage.pool is not None
    incidents = [i for p in stage.pool.living() for i in p.incidents]
    assert any("'x999'" in i for i in incidents)


async def test_a_peer_that_cannot_be_started_is_an_error_not_a_failure(stage: Stage) -> None:
    stage.kinds["bad"] = m.Right
    case = Case(echo(), "bad", "right", "ipv4")
    results: dict[str, object] = {}
    from harness.judge.judge import judge
    from harness.launch.fake import FakeLauncher
    from harness.peer.build import Built
    from harness.peer.manifest import Manifest
    from harness.run.pool import Pool
    from harness.run.scheduler import Scheduler

    built = {n: Built(Manifest(name=n, launch=["-"]), (), None) for n in ("bad", "right")}
    launcher = FakeLauncher({"right": m.Right.of(stage.world)})
    pool = Pool(launcher, built, {"bad": "its build ended with status 1"}, lambda _: lambda _: None, lambda _: None)
    await Scheduler(pool, {}, 2, lambda c, t: results.update({c.id: judge(c, t, {})})).run([case])
    await launcher.close()
    result = results[case.id]
    assert (result.verdict, "its build ended" in result.reason) == (ERROR, True)  # type: ignore[attr-defined]


async def test_a_server_that_is_gone_before_anybody_knows_costs_no_verdict(stage: Stage) -> None:
    """Clients are refused at once, the news that the server died comes later: their cases are held again."""
    stage.kinds["bad"] = m.DiesQuietly
    cases = [Case(echo(size), "right", "bad", "ipv4") for size in range(1, 30)]
    results = await stage.hold(*cases, jobs=8)
    assert {r.verdict for r in results.values()} == {PASS}, [r.reason for r in results.values() if r.verdict != PASS]
    assert stage.pool is not None
    assert [p.place for p in stage.pool.ended] == ["server-bad"]
