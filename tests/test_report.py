"""Reports: counts, the matrix as people see it, and files that other programs read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.errors import StorageError
from harness.model import levels
from harness.model.expectation import STALE, Expected, Trouble
from harness.model.result import CONTRACT, ERROR, FAIL, MISREPORT, NONCONFORMANT, PASS, UNSUPPORTED, Finding, Result
from harness.model.trace import Connection, Side, Step, Trace
from harness.report import console, journal, junit, ladder, repeats
from harness.report.summary import Summary, as_json


def result(verdict: str = PASS, client: str = "go", server: str = "c", family: str = "ipv4", reason: str = "", **more: object) -> Result:
    key = "rfc862-echo/tcp/one"
    return Result(f"{key}/client={client}/server={server}/{family}", verdict, key, client, server, family, "tcp", reason=reason, **more)  # type: ignore[arg-type]


def shown(work: object, width: int = 80) -> str:
    stream = io.StringIO()
    work(Console(file=stream, width=width, force_terminal=False))  # type: ignore[operator]
    return stream.getvalue()


@pytest.mark.parametrize(("verdicts", "code"), [([], 0), ([PASS], 0), ([PASS, UNSUPPORTED], 0), ([PASS, ERROR], 3), ([ERROR, FAIL], 1), ([FAIL], 1)])
def test_exit_codes(verdicts: list[str], code: int) -> None:
    summary = Summary()
    for verdict in verdicts:
        summary.add(result(verdict))
    assert summary.exit_code() == code


def test_the_matrix() -> None:
    summary = Summary()
    for r in (result(), result(), result(FAIL), result(family="ipv6"), result(UNSUPPORTED, client="c"), result(ERROR, server="go", client="c")):
        summary.add(r)
    text = shown(lambda c: console.matrix(c, summary))
    assert "v4 2 1 fail" in text
    assert "v4 1 uns" in text
    assert "v4 1 err" in text
    assert text.index("v4 1 uns") < text.index("v4 2 1 fail"), "clients stand in columns"
    assert all(len(line) <= 80 for line in text.splitlines())


def test_problems_name_the_case_and_the_reason_and_stop_at_some_point() -> None:
    many = [result(FAIL, client=f"p{n}", reason="server c: it [broke]") for n in range(40)]
    text = shown(lambda c: console.problems(c, [*many, result(UNSUPPORTED, reason="client go: no [such] thing")]))
    assert "client=p0/server=c/ipv4" in text
    assert "server c: it [broke]" in text, "what looks like markup is shown as it is"
    assert "28 more" in text
    assert "1 cases: client go: no [such] thing" in text


FINDING = Finding(NONCONFORMANT, "server", "it sent \x00 and \x1b[31m", "a", "b\ud800", "RFC862-tcp-same-octets", ("client step 1",))


def test_junit_is_xml_whatever_peers_say() -> None:
    text = junit.render(
        [result(), result(FAIL, reason="bad \x00\x1b", findings=(FINDING,)), result(ERROR, reason="x"), result(UNSUPPORTED, reason="<&>")]
    )
    root = ElementTree.fromstring(text)
    suite = root[0]
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    assert suite.findall("testcase")[3][0].get("message") == "<&>"


@given(st.text())
def test_junit_takes_any_text(reason: str) -> None:
    ElementTree.fromstring(junit.render([result(FAIL, reason=reason)]))


def test_results_json() -> None:
    found = json.loads(as_json({"seconds": 1.5}, [result(FAIL, reason="x")], Summary()))
    assert (found["seconds"], found["results"][0]["verdict"]) == (1.5, "fail")


TRACE = Trace(
    Side((Step("connecting", 10, remote=("198.18.0.1", 7)), Step("connected", 20, local=("198.18.0.2", 5)), Step("sent", 30, octets=5, digest="a"))),
    Side(connections=(Connection((Step("accepted", 15, remote=("198.18.0.2", 5)), Step("closed", 40))),), trouble="crashed", says="it died"),
)


def test_the_journal_keeps_all_but_repeated_passes(tmp_path: Path) -> None:
    kept = journal.Journal(tmp_path, {"x": 1})
    kept.add(result(), TRACE, "says")
    kept.add(result(attempt=2), TRACE, "says")
    kept.add(result(FAIL, attempt=3), TRACE, "says")
    kept.close()
    assert [e.trace is not None for e in journal.read(tmp_path)] == [True, False, True]


def test_a_journal_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    kept = journal.Journal(tmp_path, {})
    for _ in range(3):
        kept.add(result(), TRACE, "says")
    kept.close()
    kept.path.write_bytes(kept.path.read_bytes()[:-20])
    assert len(list(journal.read(tmp_path))) == 2


def test_no_journal(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="parley run"):
        list(journal.read(tmp_path))


def test_a_full_disk_ends_in_words() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    kept = journal.Journal.__new__(journal.Journal)
    import msgspec

    kept.path, kept._flushed, kept._encode, kept._file = Path("journal.jsonl"), 0.0, msgspec.json.Encoder().encode, open("/dev/full", "wb")  # noqa: SIM115, PTH123
    with pytest.raises(StorageError, match="what was written before is kept"):
        kept.add(result(), TRACE, "x")


def test_the_ladder_stands_both_sides_in_time() -> None:
    entry = journal.Entry(result(FAIL, reason="x", findings=(FINDING,), requires=("RFC862-tcp-same-octets",)), TRACE, "Every octet comes back.")
    text = shown(lambda c: ladder.show(c, entry))
    assert text.index("1 connecting") < text.index("1 accepted") < text.index("2 connected") < text.index("3 sent 5 octets") < text.index("2 closed")
    assert "it died" in text
    assert "client step 1" in text
    assert all(len(line) <= 80 for line in text.splitlines())


# -- levels ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("MUST", "MUST"), ("MUST*", "MUST"), ("MUST NOT", "MUST"), ("MUST NOT differ", "MUST"), ("MAY-then-MUST", "MUST"), ("derived", "MUST"),
        ("", "MUST"), ("SHOULD", "SHOULD"), ("SHOULD NOT", "SHOULD"), ("recommended", "SHOULD"), ("MAY", "MAY"),
    ],
)  # fmt: skip
def test_every_word_has_its_level(word: str, level: str) -> None:
    assert levels.of(word) == level


def broken(level: str, kind: str = NONCONFORMANT) -> Finding:
    return Finding(kind, "server", "wrong", requirement="RFC1-x", level=level, clause="7.1")


def test_what_fails_a_case() -> None:
    findings = [broken("MUST*"), broken("recommended"), broken("MAY"), broken("MAY", MISREPORT), broken("SHOULD", CONTRACT)]
    assert levels.failing(findings) == (findings[0], findings[3], findings[4])
    assert levels.failing(findings, strict=True) == (findings[0], findings[1], findings[3], findings[4])


def levelled() -> tuple[Summary, list[Result]]:
    results = [
        result(FAIL, findings=(broken("MUST"), broken("derived"), broken("SHOULD"))),
        result(PASS, findings=(broken("SHOULD NOT"), broken("recommended"))),
        result(PASS, findings=(broken("MAY"),)),
        result(PASS),
    ]
    summary = Summary()
    for r in results:
        summary.add(r)
    return summary, results


def test_levels_are_apart_in_every_output() -> None:
    summary, results = levelled()
    wanted = {"MUST": {"findings": 2, "cases": 1}, "SHOULD": {"findings": 3, "cases": 2}, "MAY": {"findings": 1, "cases": 1}}
    assert summary.levels() == wanted
    assert json.loads(as_json({}, results, summary))["levels"] == wanted
    assert "broken by level: MUST 2 in 1 case, SHOULD 3 in 2 cases, MAY 1 in 1 case" in shown(lambda c: console.closing(c, summary, results))
    suite = ElementTree.fromstring(junit.render(results))[0]
    found = {p.get("name"): p.get("value") for p in suite.findall("properties/property")}
    assert found == {f"{what}.{level}": str(n[what]) for level, n in wanted.items() for what in ("findings", "cases")}
    assert [p.get("name") for p in suite.findall("testcase")[1].iter("property")] == ["findings.SHOULD"]


def test_the_line_of_levels_is_there_when_nothing_is_broken() -> None:
    assert "broken by level: MUST 0, SHOULD 0, MAY 0" in shown(lambda c: console.closing(c, Summary(), []))


# -- expectations ---------------------------------------------------------------------------------------------

KNOWN = Expected("fails", "expectations.yaml:12", "its [stack] is old", "us")


def expecting() -> tuple[Summary, list[Result]]:
    flaky = Expected("flaky", "expectations.yaml:20", "now and then", "us")
    results = [
        result(FAIL, client="p1", reason="server c: wrong", findings=(broken("MUST"),), expected=KNOWN),
        result(PASS, client="p2", expected=Expected("fails", "expectations.yaml:12", "old", "us", met=False)),
        result(
            FAIL,
            client="p3",
            reason="server c: other",
            findings=(broken("MUST"),),
            expected=Expected("fails", "expectations.yaml:30", "old", "us", met=False),
        ),
        result(FAIL, client="p4", reason="late", findings=(broken("MUST"),), expected=flaky),
        result(PASS, client="p5", expected=flaky),
    ]
    summary = Summary()
    for r in results:
        summary.add(r)
    summary.troubles = [Trouble(STALE, "expectations.yaml:40", "no case fits 'x'", "Take it out.", ("a", "b", "c", "d"))]
    return summary, results


def test_expected_failures_are_counted_apart_everywhere() -> None:
    summary, results = expecting()
    counts = {"expected-failure": 1, "unexpected-pass": 1, "fail": 1, "flaky": 2}
    assert dict(summary.total) == counts
    assert summary.sentence() == "1 fail, 1 unexpected pass, 1 expected failure, 2 flaky, 1 of the flaky failed, 1 expectation to see to"
    found = json.loads(as_json({}, results, summary))
    assert found["counts"] == counts
    assert found["expectations"]["troubles"][0]["where"] == "expectations.yaml:40"
    assert found["results"][0]["expected"]["where"] == "expectations.yaml:12"


def test_the_console_names_what_was_expected_and_what_is_to_be_done() -> None:
    summary, results = expecting()
    text = " ".join(shown(lambda c: console.closing(c, summary, results)).split())
    assert "1 cases fail as expectations.yaml:12 says (fails): its [stack] is old" in text
    assert "expectations.yaml:30 expects another failure" in text
    assert "stale expectations.yaml:40: no case fits 'x'" in text
    assert "and 1 more Take it out." in text
    assert "client=p1" not in text, "what was expected is not told case by case"
    assert all(word in shown(lambda c: console.matrix(c, summary), 200) for word in ("exp", "upass", "flaky"))


def test_junit_skips_what_was_expected_and_fails_what_was_not() -> None:
    summary, results = expecting()
    root = ElementTree.fromstring(junit.render(results, summary.troubles))
    tags = [[child.tag for child in case if child.tag != "properties"] for case in root[0].findall("testcase")]
    assert tags == [["skipped"], ["failure"], ["failure"], ["skipped"], []]
    assert (root[0].get("failures"), root[0].get("skipped")) == ("2", "2")
    skipped = root[0].find("testcase/skipped")
    assert skipped is not None
    assert "its [stack] is old" in str(skipped.get("message"))
    assert "expectations.yaml:12" in str(skipped.get("message"))
    assert (root[1].get("name"), root[1].get("failures")) == ("expectations", "1")


def test_a_broken_should_that_is_expected_is_no_note_too() -> None:
    noted = result(PASS, reason="server c: odd", findings=(broken("SHOULD"),))
    assert "note" in shown(lambda c: console.problems(c, [noted]))
    assert "note" not in shown(lambda c: console.problems(c, [msgspec.structs.replace(noted, expected=KNOWN)]))


@pytest.mark.parametrize(("at", "code"), [([0, 3, 4], 0), ([1], 1), ([2], 1)])
def test_exit_codes_with_expectations(at: list[int], code: int) -> None:
    _, results = expecting()
    summary = Summary()
    for n in at:
        summary.add(results[n])
    assert summary.exit_code() == code


def test_the_ladder_tells_level_clause_and_expectation() -> None:
    entry = journal.Entry(result(FAIL, reason="x", findings=(broken("MUST*"),), expected=KNOWN), TRACE, "Says.")
    text = shown(lambda c: ladder.show(c, entry))
    assert "RFC1-x MUST* (7.1)" in text
    assert "expectations.yaml:12 expects it (fails): its [stack] is old" in " ".join(text.split())


# -- repeats --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "runs", "low", "high"),
    # the last one is an example of R. G. Newcombe's (Statistics in Medicine 17, 1998): 0.2553 to 0.3662
    [(0, 10, 0.0, 0.277533), (1, 10, 0.017876, 0.404150), (5, 10, 0.236593, 0.763407), (10, 10, 0.722467, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_wilsons_interval(failures: int, runs: int, low: float, high: float) -> None:
    assert repeats.wilson(failures, runs) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_what_was_seen(seen: tuple[int, int]) -> None:
    failures, runs = seen
    low, high = repeats.wilson(failures, runs)
    assert 0 <= low <= failures / runs <= high <= 1


def attempts(pattern: str, client: str = "go") -> list[Result]:
    """A case held once for each letter: p, f, e."""
    found = []
    for n, letter in enumerate(pattern, 1):
        one = result({"p": PASS, "f": FAIL, "e": ERROR}[letter], client=client, attempt=n)
        found.append(one if n == 1 else msgspec.structs.replace(one, id=f"{one.id}/run={n}"))
    return found


def test_repeats_are_counted_by_case() -> None:
    counted = repeats.count([*attempts("pppf"), *attempts("pppp", "a"), *attempts("ffff", "b"), *attempts("pe", "x"), *attempts("p", "y")])
    assert counted is not None
    assert [(r.case.split("client=")[1].split("/")[0], r.failures, r.runs, r.unstable) for r in counted.cases] == [
        ("go", 1, 4, True), ("b", 4, 4, False), ("a", 0, 4, False),
    ]  # fmt: skip
    assert (counted.total.runs, counted.total.failures) == (12, 5)
    assert repeats.count(attempts("p")) is None


def test_what_the_console_says_of_repeats() -> None:
    text = shown(lambda c: console.closing(c, Summary(), [*attempts("ppppf"), *attempts("fffff", "b")]))
    assert text.count("unstable") == 1
    assert "1 of 5 failed: 20 %, between 3.6 and 63 %" in text
    assert "10 repeats, 6 failed: rate 60 %, between 31 and 84 % (95 %)" in text
    assert "unstable" not in shown(lambda c: console.closing(c, Summary(), attempts("pp")))
    assert "repeats" not in shown(lambda c: console.closing(c, Summary(), attempts("p")))


def test_a_bound_is_never_rounded_down() -> None:
    counted = repeats.Repeats(repeats._repeated("", 91_360, 0), ())
    assert repeats.sentence(counted) == "91,360 repeats, 0 failed: rate below 0.0043 % (95 %)"
    assert counted.total.high * 100 <= 0.0043


def test_results_json_has_the_repeats() -> None:
    results = attempts("pf")
    found = json.loads(as_json({}, results, Summary()))["repeats"]
    assert (found["cases"][0]["failures"], found["cases"][0]["runs"], found["total"]["runs"]) == (1, 2, 2)
    assert json.loads(as_json({}, attempts("p"), Summary()))["repeats"] is None


def test_a_matrix_of_many_stacks_fits_the_terminal() -> None:
    summary = Summary()
    names = [f"language{n}:some-stack" for n in range(9)]
    for client in names:
        summary.add(result(client=client, server="c"))
        summary.add(result(FAIL, client=client, server="c", family="ipv6"))
    text = shown(lambda c: console.matrix(c, summary))
    assert all(len(line) <= 80 for line in text.splitlines())
    assert all(text.count(f" {name} ") == 1 for name in names), "each stands once, whole"


def test_probes_are_counted_by_the_stack_that_was_put_to_the_test() -> None:
    def probed(protocol: str, verdict: str = PASS, **who: str) -> Result:
        return msgspec.structs.replace(result(verdict, **who), protocol=protocol)

    summary = Summary()
    for other in ("c", "go"):
        summary.add(probed("http-server-probes", client=other, server="node"))
        summary.add(probed("http-client-probes", FAIL, client="node", server=other))
    summary.add(probed("http-client-probes", client="go", server="c"))
    lines = [line.split() for line in shown(lambda c: console.matrix(c, summary)).splitlines()]
    assert [line for line in lines if "node" in line] == [["│", "node", "│", "2", "│", "2", "fail", "│"]]
    assert [line for line in lines if "go" in line] == [["│", "go", "│", "-", "│", "1", "│"]]
