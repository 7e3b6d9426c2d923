"""Reports: counts, the matrix as people see it, and files that other programs read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harness.errors import StorageError
from harness.model.result import ERROR, FAIL, NONCONFORMANT, PASS, UNSUPPORTED, Finding, Result
from harness.model.trace import Connection, Side, Step, Trace
from harness.report import console, journal, junit, ladder
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
    assert suite[3][0].get("message") == "<&>"


@given(st.text())
def test_junit_takes_any_text(reason: str) -> None:
    ElementTree.fromstring(junit.render([result(FAIL, reason=reason)]))


def test_results_json() -> None:
    found = json.loads(as_json({"seconds": 1.5}, [result(FAIL, reason="x")]))
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
