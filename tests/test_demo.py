"""The guided tour: its stops are real cases, told in both languages; the ladder says what passes besides octets."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from harness.demo import guide
from harness.errors import UsageError
from harness.model.result import FAIL, PASS, UNSUPPORTED, Result
from harness.model.trace import Side, Step, Trace
from harness.pipeline import load_peers, load_specs
from harness.plan import matrix
from harness.report.journal import Entry
from tests.test_cli import parley

MECHANISMS = {"tcp", "udp", "http", "smtp", "dns", "loopback-tcp", "unix", "fifo", "shared-memory", "message-queue", "signal"}


def test_every_stop_is_a_case_and_every_mechanism_has_one() -> None:
    scenarios = load_specs().scenarios()
    peers = {name: matrix.Abilities(known=False) for name, m in load_peers().items() if not m.offers}
    known = {case.id: case for case in matrix.cases(scenarios, peers, matrix.Selection(), every_prober=True)}
    assert not [stop.case for stop in guide.stops() if stop.case not in known]
    assert {known[stop.case].scenario.mechanism for stop in guide.stops()} >= MECHANISMS
    assert {peer for stop in guide.stops() for peer in stop.peers} == set(peers), "every peer has a part in it"


def test_each_is_told_in_both_languages() -> None:
    for stop in guide.stops():
        assert len(stop.says.en) > 100 and len(stop.says.es) > 100 and stop.says.en != stop.says.es
        assert stop.title.en != stop.title.es


def test_a_stop_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'queues'"):
        guide.stops(["qeues"])


def step(name: str, **members: object) -> Step:
    return msgspec.convert({"step": name, **members}, Step)


def told(verdict: str = PASS, *client: Step, language: guide.Language = "en", stop: str = "tcp") -> tuple[bool, str]:
    chosen = guide.stops([stop])
    name, server = chosen[0].peers
    result = Result(chosen[0].case, verdict, "s", name, server, "ipv4", "tcp", reason="why it is so")
    trace = Trace(Side(client), Side((step("created", t=1), step("bound", t=2, local=["/tmp/x", 0]), step("closed", t=9))))
    console = Console(file=io.StringIO(), width=80)
    well = guide.tell(console, chosen, {chosen[0].case: Entry(result, trace, "says")}, language, lambda: None)
    assert isinstance(console.file, io.StringIO)
    return well, console.file.getvalue()


def test_the_seven_steps_name_who_took_them() -> None:
    well, text = told(PASS, step("created", t=1), step("connected", t=3), step("sent", t=4, octets=1, digest=""), step("closed", t=9))
    assert well
    assert "6 send and receive   client: 3 sent" in text
    assert "2 bind               server: 2 bound" in text
    assert "Los siete pasos" in told(PASS, step("created"), language="es")[1]


def test_what_goes_wrong_is_said() -> None:
    well, text = told(FAIL, step("created"))
    assert not well and "was not as the standard" in text
    well, text = told(UNSUPPORTED)
    assert well and "why it is so" in text


def test_the_ladder_tells_what_passes_besides_octets() -> None:
    _, text = told(
        PASS, step("received", signal="USR2", value=-1, pid=7), step("received", octets=1, digest="", priority=3, descriptor={"octets": 5, "digest": ""}),
        step("mail", octets=3, digest="", status=250, **{"from": "a@x"}, recipients=["b@y"]), step("answer", records=[["198.18.0.1"], [10, "m"], ["c"], ["d"]]),
    )  # fmt: skip
    for words in ("USR2 value -1 from process 7", "priority 3", "holds 5 octets", "from <a@x> to b@y", "198.18.0.1, 10 m, c and 1 more"):
        assert words in " ".join(text.split()), words
    assert "/tmp/x port" not in text


def test_a_wrong_stop_is_a_usage_error(tmp_path: Path) -> None:
    done = parley("demo", "nowhere", cwd=tmp_path)
    assert done.returncode == 2 and "there is no such stop" in done.stderr


@pytest.mark.interop
@pytest.mark.parametrize("language", guide.LANGUAGES)
def test_the_tour_for_real(tmp_path: Path, language: guide.Language) -> None:
    done = parley("demo", "--launcher", "process", "--lang", language, cwd=tmp_path, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    for stop in guide.stops():
        assert stop.title.words(language) in done.stdout
    assert not list(tmp_path.iterdir()), "it leaves nothing"
