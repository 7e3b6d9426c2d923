"""Expectations: what an entry excuses and what it does not, when it fails the run by itself, and how files are rewritten."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness import expecting
from harness.errors import SpecError, UsageError
from harness.model.expectation import EXPIRED, STALE, UNEXPECTED_PASS
from harness.model.result import CONTRACT, ERROR, EXPECTED_FAILURE, FAIL, FLAKY, MISREPORT, NONCONFORMANT, PASS, UNSUPPORTED, Finding, Result
from harness.pipeline import ROOT
from harness.plan.expectations import Book, Entry, plan_ids, propose
from harness.report.summary import Summary

Write = Callable[[str, str], Path]
DAY = datetime.date(2030, 1, 31)
SAME, CLOSES, SYNTAX = "RFC862-tcp-same-octets", "RFC862-tcp-until-client-closes", "RFC864-pattern-72-column-rotation"
KNOWN = {SAME, CLOSES, SYNTAX}
GOOD = """- cases: "rfc862-echo/tcp/*/server=c/*"
  requirement: RFC862-tcp-same-octets
  kind: fails
  reason: it drops octets
  link: https://example.org/1
  owner: network team
  expires: 2030-01-31
"""


def entries(text: str, write: Write, name: str = "e.yaml") -> list[Entry]:
    return expecting.load([write(name, text)], KNOWN)


def entry(write: Write, *, cases: str = "*", kind: str = "fails", requirement: str = "", expires: str = "2030-01-31", name: str = "e.yaml") -> Entry:
    cited = f"requirement: {requirement}, " if requirement else ""
    line = f'- {{cases: "{cases}", {cited}kind: {kind}, reason: known, owner: us, expires: {expires}}}\n'
    return entries(line, write, name)[0]


def finding(requirement: str = SAME, level: str = "MUST*", kind: str = NONCONFORMANT, side: str = "server") -> Finding:
    return Finding(kind, side, "it is wrong", "a", "b", requirement, level=level)


def result(
    verdict: str,
    *findings: Finding,
    key: str = "rfc862-echo/tcp/one/size=1",
    client: str = "go",
    server: str = "c",
    family: str = "ipv4",
    attempt: int = 1,
) -> Result:
    base = f"{key}/client={client}/server={server}/{family}"
    return Result(base + (f"/run={attempt}" if attempt > 1 else ""), verdict, key, client, server, family, "tcp", findings=findings, attempt=attempt)


def outcome(book: Book, r: Result) -> str:
    return book.mark(r).outcome


# -- files ----------------------------------------------------------------------------------------------------


def test_an_entry_is_read_with_its_place(write: Write) -> None:
    found = entries("# a comment\n\n" + GOOD, write)[0]
    assert (found.written.kind, found.expires, found.line) == ("fails", DAY, 3)
    assert found.where.endswith("e.yaml:3")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "[]\n"])
def test_a_file_may_be_empty(write: Write, text: str) -> None:
    assert entries(text, write) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "words"),
    [
        ("requirement:", "requirment:", 2, 3, "'requirment' is not known here; did you mean 'requirement'?"),
        ("  owner: network team\n", "", 1, 3, "'owner' is missing"),
        ("  reason: it drops octets\n", "  reason: ''\n", 4, 3, "'reason'"),
        ("kind: fails", "kind: fail", 3, 3, "'fails' or 'flaky'"),
        ("RFC862-tcp-same-octets", "RFC862-tcp-same-octet", 2, 3, "did you mean 'RFC862-tcp-same-octets'?"),
        ("2030-01-31", "2030-02-31", 7, 3, "there is no day 2030-02-31"),
        ("2030-01-31", "soon", 7, 3, "'expires'"),
        ("- cases", "cases", 1, 1, "list of entries"),
        (GOOD, "- just words\n", 1, 3, "an entry is a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(write: Write, old: str, new: str, line: int, column: int, words: str) -> None:
    text = GOOD.replace(old, new)
    if new == "cases":
        text = text.replace("\n  ", "\n")
    with pytest.raises(SpecError) as caught:
        entries(text, write)
    assert [(at, col, words in says) for _, at, col, says in caught.value.problems] == [(line, column, True)], caught.value


def test_all_problems_of_all_files_come_at_once(write: Write) -> None:
    with pytest.raises(SpecError) as caught:
        expecting.load([write("a.yaml", GOOD.replace("kind: fails", "kind: x")), write("b.yaml", GOOD.replace("owner", "onwer"))], KNOWN)
    assert {Path(p[0]).name for p in caught.value.problems} == {"a.yaml", "b.yaml"}


def test_the_projects_own_file_teaches_and_is_read() -> None:
    path = ROOT / expecting.NAME
    text = path.read_text()
    assert all(f"# {word}" in text for word in ("cases", "requirement", "kind", "reason", "link", "owner", "expires"))
    example = "".join(line.removeprefix("#").removeprefix("   ") + "\n" for line in text.splitlines() if line.startswith("#   "))
    from harness.pipeline import load_specs

    requirements = load_specs().requirements
    expecting.load([path], requirements)
    from harness.plan.expectations import parse
    from harness.spec import yamlpos

    problems: list[tuple[str, int, int, str]] = []
    assert len(parse(yamlpos.parse(path, example.encode()), requirements, problems)) == 1
    assert problems == []


def test_which_files_a_run_takes(write: Write, tmp_path: Path) -> None:
    own, other = write("expectations.yaml", ""), write("other.yaml", "")
    assert expecting.files(tmp_path, (), True) == [own]
    assert expecting.files(tmp_path, (other,), True) == [own, other]
    assert expecting.files(tmp_path, (other,), False) == [other]
    assert expecting.files(tmp_path, (own,), True) == [own], "a file is read once"
    assert expecting.files(tmp_path / "elsewhere", (), True) == []
    with pytest.raises(UsageError, match="there is no such file"):
        expecting.files(tmp_path, (tmp_path / "none.yaml",), True)
    assert expecting.files(tmp_path, (tmp_path / "none.yaml",), False, create=True) == [tmp_path / "none.yaml"]
    with pytest.raises(UsageError, match="no file to write"):
        expecting.files(tmp_path, (), False, create=True)


# -- what an entry means --------------------------------------------------------------------------------------


def test_a_failure_that_is_expected(write: Write) -> None:
    book = Book([entry(write)])
    assert outcome(book, result(FAIL, finding())) == EXPECTED_FAILURE
    assert outcome(Book(), result(FAIL, finding())) == FAIL


def test_a_pattern_speaks_of_whole_ids_and_of_repeats(write: Write) -> None:
    assert outcome(Book([entry(write, cases="rfc862-echo")]), result(FAIL, finding())) == FAIL, "a part of an id is not enough"
    book = Book([entry(write, cases="*/server=c/ipv4")])
    assert outcome(book, result(FAIL, finding(), attempt=7)) == EXPECTED_FAILURE
    assert outcome(book, result(FAIL, finding(), server="cc")) == FAIL
    assert outcome(book, result(FAIL, finding(), family="ipv6")) == FAIL


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ((finding(SAME),), EXPECTED_FAILURE),
        ((finding(CLOSES),), FAIL),
        ((finding(SAME), finding(CLOSES)), FAIL),
        ((finding(SAME), finding(SYNTAX, "recommended")), EXPECTED_FAILURE),
        ((finding(SAME, kind=CONTRACT),), FAIL),
        ((finding(SAME, kind=MISREPORT),), EXPECTED_FAILURE),
    ],
)
def test_every_finding_that_fails_the_case_must_cite_the_requirement(write: Write, findings: tuple[Finding, ...], expected: str) -> None:
    assert outcome(Book([entry(write, requirement=SAME)]), result(FAIL, *findings)) == expected


def test_strict_asks_for_the_broken_shoulds_too(write: Write) -> None:
    both = result(FAIL, finding(SAME), finding(SYNTAX, "recommended"))
    assert outcome(Book([entry(write, requirement=SAME)], strict=True), both) == FAIL
    assert outcome(Book([entry(write, requirement=SAME), entry(write, requirement=SYNTAX, name="f.yaml")], strict=True), both) == EXPECTED_FAILURE
    assert outcome(Book([entry(write, requirement=SYNTAX)], strict=True), result(FAIL, finding(SYNTAX, "recommended"))) == EXPECTED_FAILURE


def test_several_entries_cover_a_failure_together(write: Write) -> None:
    book = Book([entry(write, requirement=SAME), entry(write, requirement=CLOSES, name="f.yaml")])
    assert outcome(book, result(FAIL, finding(SAME), finding(CLOSES))) == EXPECTED_FAILURE


def test_an_unexpected_pass_fails_the_run(write: Write) -> None:
    book, summary = Book([entry(write)]), Summary()
    marked = book.mark(result(PASS))
    summary.add(marked)
    assert (marked.outcome, summary.exit_code()) == ("unexpected-pass", 1)
    (trouble,) = book.troubles([marked], [marked.id], DAY)
    assert (trouble.what, trouble.cases) == (UNEXPECTED_PASS, (marked.id,))
    assert trouble.where.endswith("e.yaml:1")
    assert "Take the entry out" in trouble.remedy


def test_a_pass_with_broken_shoulds_meets_an_entry_so_that_one_file_serves_strict_runs_too(write: Write) -> None:
    noted = result(PASS, finding(SYNTAX, "recommended"))
    for requirement, expected in (("", PASS), (SYNTAX, PASS), (SAME, "unexpected-pass")):
        book = Book([entry(write, requirement=requirement)])
        assert outcome(book, noted) == expected
        assert bool(book.troubles([noted], [noted.id], DAY)) == (expected != PASS)


def test_flaky_takes_both(write: Write) -> None:
    book = Book([entry(write, kind="flaky", requirement=SAME)])
    assert outcome(book, result(PASS)) == FLAKY
    assert book.mark(result(PASS)).expected == book.entries[0].mark(True)
    assert outcome(book, result(FAIL, finding(SAME))) == FLAKY
    assert outcome(book, result(FAIL, finding(CLOSES))) == FAIL
    assert book.troubles([result(PASS)], [result(PASS).id], DAY) == []


def test_a_case_that_fails_at_times_is_told_to_be_called_flaky(write: Write) -> None:
    several = [result(PASS), result(FAIL, finding(), attempt=2)]
    (trouble,) = Book([entry(write)]).troubles(several, [several[0].id], DAY)
    assert "flaky" in trouble.remedy


@pytest.mark.parametrize("verdict", [ERROR, UNSUPPORTED])
@pytest.mark.parametrize("kind", ["fails", "flaky"])
def test_errors_are_never_expected(write: Write, verdict: str, kind: str) -> None:
    book = Book([entry(write, kind=kind)])
    assert outcome(book, result(verdict)) == verdict
    assert book.mark(result(verdict)).expected is None
    assert msgspec.structs.replace(result(verdict), expected=book.entries[0].mark(True)).outcome == verdict
    assert book.troubles([result(verdict)], [result(verdict).id], DAY) == []


def test_a_stale_pattern_fails_the_run_whatever_was_selected(write: Write) -> None:
    book = Book([entry(write, cases="no/such/case"), entry(write, cases="*server=c/ipv4", name="f.yaml")])
    (trouble,) = book.troubles([], [result(PASS).id], DAY)
    assert trouble.what == STALE
    assert "e.yaml:1" in trouble.where
    summary = Summary()
    summary.troubles = [trouble]
    assert summary.exit_code() == 1


def test_breaches_outside_of_a_case_can_be_named() -> None:
    assert plan_ids(["case"], ["go"]) == ["case", "peer-contract/client-go", "peer-contract/server-go"]


@pytest.mark.parametrize(("today", "expired"), [(DAY, False), (DAY + datetime.timedelta(days=1), True)])
def test_an_entry_holds_through_its_last_day(write: Write, today: datetime.date, expired: bool) -> None:
    book, failed = Book([entry(write)]), result(FAIL, finding())
    assert [t.what for t in book.troubles([failed], [failed.id], today)] == ([EXPIRED] if expired else [])
    assert outcome(book, failed) == EXPECTED_FAILURE, "told once, by the entry"


# -- proposals ------------------------------------------------------------------------------------------------


def matrix(bad: Callable[[Result], bool], *findings: Finding) -> list[Result]:
    """Two sizes, two clients, two servers, two families; those that are bad fail."""
    made = [
        result(PASS, key=f"rfc862-echo/tcp/one/size={size}", client=client, server=server, family=family)
        for size in (1, 2) for client in ("a", "b") for server in ("a", "b") for family in ("ipv4", "ipv6")
    ]  # fmt: skip
    return [
        result(FAIL, *(findings or (finding(),)), key=r.scenario, client=r.client, server=r.server, family=r.family) if bad(r) else r for r in made
    ]


@pytest.mark.parametrize(
    ("bad", "side", "patterns"),
    [
        (lambda r: r.server == "b", "server", ["rfc862-echo/tcp/one/*/server=b/*"]),
        (lambda r: r.client == "b", "client", ["rfc862-echo/tcp/one/*client=b/server=*"]),
        (lambda r: (r.client, r.server) == ("a", "b"), "both", ["rfc862-echo/tcp/one/*client=a/server=b/*"]),
        (lambda r: r.server == "b" and "size=2" in r.id, "server", ["rfc862-echo/tcp/one/size=2/client=*/server=b/*"]),
        (lambda r: r.server == "b" and "size=2" in r.id and r.family == "ipv6", "server", ["rfc862-echo/tcp/one/size=2/client=*/server=b/ipv6"]),
        (
            lambda r: r.server == "b" and r.client == "a" and "size=2" in r.id and r.family == "ipv6",
            "server",
            ["rfc862-echo/tcp/one/size=2/client=a/server=b/ipv6"],
        ),
    ],
)
def test_a_proposal_is_as_wide_as_it_can_be_and_fits_no_pass(bad: Callable[[Result], bool], side: str, patterns: list[str]) -> None:
    results = matrix(bad, finding(side=side))
    found = propose(results, [r.id for r in results])
    assert [p.cases for p in found] == patterns
    assert all((p.kind, p.requirement) == ("fails", SAME) for p in found)


def test_a_proposal_does_not_speak_of_cases_that_were_not_held() -> None:
    results = matrix(lambda r: r.server == "b")
    held = [r for r in results if "size=1" in r.id]
    assert [p.cases for p in propose(held, [r.id for r in results])] == ["rfc862-echo/tcp/one/size=1/client=*/server=b/*"]


def test_what_fails_at_times_is_proposed_as_flaky() -> None:
    several = [result(PASS), result(FAIL, finding(), attempt=2)]
    (found,) = propose(several, [several[0].id, result(PASS, family="ipv6").id])
    assert (found.kind, found.cases) == ("flaky", "rfc862-echo/tcp/one/size=1/client=*/server=c/ipv4")


def test_a_broken_contract_is_proposed_without_a_requirement() -> None:
    broken = result(FAIL, finding(kind=CONTRACT))
    assert [p.requirement for p in propose([broken], [broken.id])] == [""]


# -- rewriting ------------------------------------------------------------------------------------------------

FILE = """# The head, which teaches.

# about one
- cases: one
  kind: fails
  reason: >
    words over
    lines
  owner: us   # a remark
  expires: 2030-01-31

# about two
- {cases: two, kind: flaky, reason: r, owner: o, expires: 2030-01-31}
# about three
- cases: three
  # within
  kind: fails
  reason: r
  owner: o
  expires: 2030-01-31
# the end
"""


def test_taking_out_keeps_every_other_line() -> None:
    assert expecting.edit(FILE, [4], []) == FILE.replace(FILE[FILE.index("- cases: one") : FILE.index("\n# about two")], "")
    assert expecting.edit(FILE, [13], []) == FILE.replace("- {cases: two, kind: flaky, reason: r, owner: o, expires: 2030-01-31}\n", "")
    assert expecting.edit(FILE, [15], []) == FILE[: FILE.index("- cases: three")] + "# the end\n"
    assert expecting.edit(FILE, [4, 13, 15], []).endswith("# the end\n[]\n")
    assert expecting.edit(FILE, [], []) == FILE


def test_adding_goes_to_the_end_and_replaces_an_empty_list() -> None:
    assert expecting.edit(FILE, [], [GOOD]) == FILE + "\n" + GOOD
    assert expecting.edit("# head\n[]\n", [], [GOOD]) == "# head\n\n" + GOOD
    assert expecting.edit("# head", [], [GOOD]) == "# head\n\n" + GOOD


def test_a_file_in_another_form_is_left_alone(write: Write) -> None:
    with pytest.raises(UsageError, match="cannot be rewritten"):
        expecting.edit("[{cases: one}]\n", [], [GOOD])


def test_an_update_from_failure_to_entry_and_back(write: Write, tmp_path: Path) -> None:
    path = write("expectations.yaml", "# head\n[]\n")
    results = matrix(lambda r: r.server == "b")
    plan = [r.id for r in results]
    said = expecting.apply(expecting.change(Book(), results, plan, False), path, DAY)
    assert len(said) == 1
    assert "added fails rfc862-echo/tcp/one/*/server=b/* (8 cases; server b)" in said[0]
    text = path.read_text()
    assert text.startswith("# head\n")
    assert 'owner: "TODO' in text
    assert "expires: 2030-05-01" in text
    book = Book(expecting.load([path], KNOWN))
    assert {book.mark(r).outcome for r in results} == {PASS, EXPECTED_FAILURE}
    assert book.troubles(results, plan, DAY) == []
    mended = matrix(lambda r: False)
    said = expecting.apply(expecting.change(book, mended, plan, False), path, DAY)
    assert "taken out" in said[0]
    assert path.read_text() == "# head\n\n[]\n"


def test_an_entry_that_is_too_wide_is_made_narrower_and_keeps_its_reason(write: Write) -> None:
    path = write("expectations.yaml", GOOD.replace("rfc862-echo/tcp/*/server=c/*", "rfc862-echo/tcp/*/server=b/*"))
    results = matrix(lambda r: r.server == "b" and r.family == "ipv6")
    plan = [r.id for r in results]
    wide = Book(expecting.load([path], KNOWN))
    expecting.apply(expecting.change(wide, [wide.mark(r) for r in results], plan, False), path, DAY)
    found = expecting.load([path], KNOWN)
    assert [(e.written.reason, e.written.owner, str(e.expires)) for e in found] == [("it drops octets", "network team", "2030-01-31")] * 2
    book = Book(found)
    assert book.troubles(results, plan, DAY) == []
    assert {book.mark(r).outcome for r in results} == {PASS, EXPECTED_FAILURE}


def test_stale_entries_leave_and_others_stay(write: Write) -> None:
    path = write("expectations.yaml", "# a\n" + GOOD + "# b\n" + GOOD.replace("rfc862-echo/tcp/*/server=c/*", "gone"))
    results = [result(FAIL, finding())]
    said = expecting.apply(expecting.change(Book(expecting.load([path], KNOWN)), results, [results[0].id], False), path, DAY)
    assert [s.split(": ")[1] for s in said] == ["taken out (gone)"]
    assert path.read_text() == "# a\n" + GOOD + "# b\n"


# -- versions -------------------------------------------------------------------------------------------------


def versioned(write: Write, when: str) -> Book:
    book = Book(entries(GOOD.replace("  kind:", f'  when: "{when}"\n  kind:'), write))
    book.know({"c": ["C11 (gcc 12.2.0)"], "go": ["Go 1.26.8 (gc)", "net/http 1.26.8"]})
    return book


@pytest.mark.parametrize(
    ("when", "speaks"), [("*gcc 12.*", True), ("net/http 1.26.*", True), ("gcc 12*", False), ("*gcc 13.*", False), ("net/http 1.25.*", False)]
)
def test_an_entry_may_hold_for_a_version_only(write: Write, when: str, speaks: bool) -> None:
    """With another one, its failure is not expected, and its pass is none that was not."""
    book = versioned(write, when)
    assert outcome(book, result(FAIL, finding())) == (EXPECTED_FAILURE if speaks else FAIL)
    assert outcome(book, result(PASS)) == (UNEXPECTED_PASS if speaks else PASS)
    assert bool(book.unmet([result(PASS)])) == speaks
    assert not book.stale(["rfc862-echo/tcp/one/size=1/client=go/server=c/ipv4"]), "it fits cases, whatever runs here"


def test_of_a_peer_that_said_nothing_no_version_holds(write: Write) -> None:
    book = versioned(write, "*")
    book.know({})
    assert outcome(book, result(FAIL, finding())) == FAIL
