"""Coverage: what counts as a check, a mutant, a pass; what is named as lacking; how it is shown."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from harness.coverage import gather, mutants, render, rows
from harness.coverage.mutants import Mutant
from harness.coverage.rows import Held, Known, Row
from harness.errors import SpecError, UsageError
from harness.judge.rules import ALWAYS_CHECKS, CHECKS
from harness.model.case import Answer, Check, Exchange, Scenario, Script, WireCheck
from harness.model.result import FAIL, NONCONFORMANT, PASS, UNSUPPORTED, Finding, Result
from harness.pipeline import ROOT, load_specs
from harness.report.journal import Journal
from harness.spec.model import Requirement

Write = Callable[[str, str], Path]


def record(name: str, role: str = "server", **more: str) -> Requirement:
    return Requirement(id=f"RFC862-{name}", clause="The Clause", level="MUST*", role=role, seen="both", says=f"says {name}", **more)


def scenario(*requires: str, key: str = "rfc862-echo/tcp/one/size=1", checks: tuple[Check, ...] = ()) -> Scenario:
    return Scenario(key, "Says.", tuple(f"RFC862-{r}" for r in requires), "tcp", "echo", client=Script("client", (), checks))


def known(*records: Requirement, scenarios: tuple[Scenario, ...] = (), **more: object) -> Known:
    members: dict[str, object] = {"rules": {}, "always": (), "mutants": (), **more}
    return Known({862: ("Echo", records)}, scenarios, **members)  # type: ignore[arg-type]


def result(
    verdict: str, *findings: Finding, client: str = "a", server: str = "b", key: str = "rfc862-echo/tcp/one/size=1", reason: str = ""
) -> Result:
    return Result(f"{key}/client={client}/server={server}/ipv4", verdict, key, client, server, "ipv4", "tcp", findings=findings, reason=reason)


def row(*args: object, held: tuple[Held, ...] = (), **more: object) -> Row:
    return rows.rows(known(*args, **more), held, ())[0]  # type: ignore[arg-type]


def wrong(name: str, side: str) -> Finding:
    return Finding(NONCONFORMANT, side, "wrong", requirement=f"RFC862-{name}")


# -- what counts ----------------------------------------------------------------------------------------------


def test_all_places_that_cite_count() -> None:
    wire = WireCheck("rule", "client", 1, ("w",))
    made = scenario("x", checks=(Check(0, requires=("c",)),))
    assert rows.cited(msgspec.structs.replace(made, wire=(wire,), server=Script("server", (), (Check(0, requires=("s",)),)))) == {
        "RFC862-x",
        "c",
        "s",
        "w",
    }
    exchange = Exchange({}, None, Answer(200, requires=("e",)))
    assert rows.cited(msgspec.structs.replace(made, client=None, exchanges=(exchange,))) == {"RFC862-x", "e"}


def test_a_conversation_counts_once_however_many_scenarios_it_makes() -> None:
    found = row(record("x"), scenarios=(scenario("x"), scenario("x", key="rfc862-echo/tcp/one/size=2"), scenario("y")))
    assert (found.conversations, found.checked) == (("rfc862-echo/tcp/one",), True)


def test_a_rule_is_a_check() -> None:
    assert row(record("x"), rules={"RFC862-x": "the octets"}).checked
    assert not row(record("x"), rules={"RFC862-y": "the octets"}).checked


def test_a_mutant_that_nothing_catches_yet_does_not_count() -> None:
    made = (Mutant(name="m", says="x", trips=["RFC862-x"]), Mutant(name="n", says="x", trips=["RFC862-x"], needs="wire"))
    found = row(record("x"), mutants=made)
    assert (found.mutants, found.pending) == (("m",), ("n",))


@pytest.mark.parametrize(
    ("checked", "mutant", "reason", "lacks"),
    [
        (True, True, "", ""),
        (True, False, "", "mutant"),
        (False, True, "", "check"),
        (False, False, "", "check and no mutant"),
        (False, False, "why", ""),
    ],
)
def test_what_a_row_lacks(checked: bool, mutant: bool, reason: str, lacks: str) -> None:
    found = row(
        record("x", unchecked=reason),
        scenarios=(scenario("x"),) if checked else (),
        mutants=(Mutant(name="m", says="x", trips=["RFC862-x"]),) if mutant else (),
    )
    assert found.lacks == lacks
    assert bool(rows.lacking([found], ())) == bool(lacks)


def test_only_the_basic_rfcs_are_asked_for_unless_others_are_named() -> None:
    other = msgspec.structs.replace(row(record("x")), rfc=959)
    assert rows.lacking([other], ()) == []
    assert rows.lacking([other], (959,)) == [other]
    assert rows.lacking([other], (862,)) == []


def test_totals() -> None:
    found = rows.rows(
        known(
            record("x"),
            record("y", unchecked="why"),
            record("z"),
            scenarios=(scenario("x"),),
            mutants=(Mutant(name="m", says="", trips=["RFC862-x"]),),
        ),
        (),
        (),
    )
    (total,) = rows.totals(found, {862: "Echo"})
    assert (total.requirements, total.check, total.mutant, total.reason, total.neither) == (3, 1, 1, 1, 1)


# -- how peers stand ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "results", "peers"),
    [
        ("server", [result(PASS)], {"b": "pass"}),
        ("client", [result(PASS)], {"a": "pass"}),
        ("host", [result(PASS)], {"a": "pass", "b": "pass"}),
        ("proxy", [result(PASS)], {}),
        ("server", [result(PASS, key="other/x/y")], {"b": "not seen"}),
        ("server", [result(PASS), result(FAIL, wrong("x", "server"))], {"b": "fail"}),
        ("server", [result(PASS, wrong("x", "server"))], {"b": "fail"}),
        ("server", [result(FAIL, wrong("x", "client"))], {"b": "not seen"}),
        ("server", [result(FAIL, wrong("x", "both"))], {"b": "fail"}),
        ("server", [result(FAIL, wrong("y", "server"))], {"b": "not seen"}),
        ("server", [result(UNSUPPORTED, reason="server b: no")], {"b": "unsupported"}),
        ("server", [result(UNSUPPORTED, reason="client a: no")], {"b": "not seen"}),
        ("server", [result(UNSUPPORTED, reason="server b: no"), result(PASS)], {"b": "pass"}),
        ("server", [result("error", reason="x")], {"b": "not seen"}),
    ],
)
def test_how_a_peer_stands(role: str, results: list[Result], peers: dict[str, str]) -> None:
    assert row(record("x", role), scenarios=(scenario("x"),), held=tuple(Held(r) for r in results)).peers == peers


def test_a_rule_on_every_conversation_holds_only_where_the_wire_was_seen() -> None:
    always: dict[str, object] = {"rules": {"RFC862-x": "frames"}, "always": {"RFC862-x"}}
    assert row(record("x"), held=(Held(result(PASS)),), **always).peers == {"b": "not seen"}
    assert row(record("x"), held=(Held(result(PASS), flows=True),), **always).peers == {"b": "not seen"}
    assert row(record("x"), held=(Held(result(PASS), datagrams=True),), **always).peers == {"b": "pass"}


# -- the catalogue of mutants ---------------------------------------------------------------------------------

CATALOGUE = """mutants:
  - name: m
    says: It drops one.
    trips: RFC862-x
    blames: server
"""


def test_the_catalogue(write: Write, tmp_path: Path) -> None:
    assert [m.trips for m in mutants.load(write("c.yaml", CATALOGUE), {"RFC862-x"})] == [["RFC862-x"]]
    assert mutants.load(tmp_path / "none.yaml", ()) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "words"),
    [
        ("RFC862-x", "RFC862-z", 4, 5, "there is no requirement 'RFC862-z'; did you mean 'RFC862-x'?"),
        ("    trips: RFC862-x\n", "", 2, 5, "'trips' is missing"),
        ("mutants:", "mutant:", 1, 1, "the list 'mutants'"),
    ],
)
def test_what_is_wrong_with_the_catalogue_has_its_place(write: Write, old: str, new: str, line: int, column: int, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        mutants.load(write("c.yaml", CATALOGUE.replace(old, new)), {"RFC862-x"})
    (problem,) = caught.value.problems
    assert (problem[1], problem[2], words in problem[3]) == (line, column, True), problem


# -- the project's own ----------------------------------------------------------------------------------------


def test_what_rules_and_mutants_name_is_there() -> None:
    records = load_specs().requirements
    assert CHECKS.keys() <= records.keys()
    assert CHECKS.keys() >= ALWAYS_CHECKS
    gather.known(())  # the catalogue cites only what is there


def test_every_requirement_that_a_content_rule_cites_is_in_its_checks() -> None:
    records = load_specs().requirements
    for path in sorted((ROOT / "harness/judge/rules").glob("rfc*.py")):
        text = path.read_text()
        assert {i for i in records if f'"{i}"' in text} <= CHECKS.keys(), path


def test_an_rfc_without_records() -> None:
    with pytest.raises(UsageError, match="--rfc 826"):
        gather.known((), (826,))


# -- showing --------------------------------------------------------------------------------------------------


def shown(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "harness.cli", "coverage", *args]
    return subprocess.run(argv, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"}, capture_output=True, text=True, check=False)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "runs" / "latest"
    folder.mkdir(parents=True)
    key = "rfc868-time/tcp/four-octets-then-close"
    journal = Journal(folder, {})
    journal.add(result(PASS, key=key), None, "")
    journal.add(result(FAIL, Finding(NONCONFORMANT, "server", "x", requirement="RFC868-value-epoch-1900"), key=key, server="z"), None, "")
    journal.close()
    return folder


def test_the_table_fits_80_columns_and_the_latest_run_is_taken(tmp_path: Path, run: Path) -> None:
    done = shown("--all", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    block = done.stdout.split("RFC868-value-epoch-1900")[1].split("\n\n")[0]
    assert "fail        z" in block
    assert "pass        b" in block
    assert "Echo Protocol" in done.stdout


def test_totals_only_unless_all_is_asked_for(tmp_path: Path) -> None:
    done = shown("--rfc", "868", cwd=tmp_path)
    assert "Time Protocol" in done.stdout
    assert "Echo" not in done.stdout
    assert "RFC868-value" not in done.stdout


def test_json_and_markdown_have_every_requirement(tmp_path: Path, run: Path) -> None:
    found = json.loads(shown("--rfc", "868", "--format", "json", cwd=tmp_path).stdout)
    by_id = {r["id"]: r for r in found["requirements"]}
    assert by_id["RFC868-value-epoch-1900"]["peers"] == {"b": "pass", "z": "fail"}
    assert by_id["RFC868-value-no-time-no-answer"]["unchecked"]
    assert {"id", "clause", "level", "role", "conversations", "mutants"} <= by_id["RFC868-value-epoch-1900"].keys()
    assert found["totals"][0]["requirements"] == len(by_id) == 5
    text = shown("--rfc", "868", "--format", "markdown", cwd=tmp_path).stdout
    assert all(f"| {i} |" in text for i in by_id)
    assert "b pass, z fail" in text
    columns = {line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("| RFC868")}
    assert columns == {8}


def test_a_run_that_is_not_there(tmp_path: Path) -> None:
    assert shown("--run", "nowhere", cwd=tmp_path).returncode == 3
    assert shown("--rfc", "826", cwd=tmp_path).returncode == 2


def test_check_names_what_is_lacking(tmp_path: Path) -> None:
    records = [r for r in rows.rows(gather.known((), (9112,)), (), (9112,)) if r.lacks]
    done = shown("--check", "--rfc", "9112", cwd=tmp_path)
    assert done.returncode == (1 if records else 0)
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [r.id for r in records]


def test_brackets_are_no_markup() -> None:
    stream = io.StringIO()
    one = Row(862, "RFC862-x", "[bold]", "MUST", "server", "[red] words", conversations=("a/b/[c]",))
    console = Console(file=stream, width=80)
    render.details(console, [one])
    render.table(console, [rows.Total(862, "[red]x", 1, 1, 1, 0, 0)])
    assert all(words in stream.getvalue() for words in ("[bold]", "[red] words", "a/b/[c]", "[red]x"))


def test_a_bar_in_a_text_makes_no_column() -> None:
    assert render._line("a|b", "MUST*", 1) == "| a\\|b | MUST\\* | 1 |"
