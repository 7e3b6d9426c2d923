"""Tapes are judged as real conversations are: the right ones without a remark, and each mutant trips its one requirement."""

from __future__ import annotations

import pytest

from harness.judge.rules import CHECKS, WIRE_RULES
from harness.model import levels
from harness.model.result import FAIL, NONCONFORMANT, PASS, Result
from tests import catalogue, tapes
from tests.catalogue import Mutant
from tests.tapes import MUTANTS, RIGHT, judged

ROWS = catalogue.rows("tape", Mutant)
each_mutant = catalogue.each(ROWS)


def shown(result: Result) -> str:
    return "\n    ".join([result.verdict, *(f"{f.kind} {f.side} {f.requirement} ({f.level}): {f.says}" for f in result.findings)])


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_tape_passes_without_a_remark(name: str) -> None:
    result = judged(RIGHT[name](), strict=True)
    assert (result.verdict, result.findings) == (PASS, ()), shown(result)


def test_every_tape_is_in_the_catalogue_and_the_other_way_round() -> None:
    assert sorted(row.name for row in ROWS) == sorted(MUTANTS)


def test_no_name_stands_twice_in_the_catalogue() -> None:
    names = [row["name"] for row in catalogue.ALL]
    assert sorted(set(names)) == sorted(names)


@each_mutant
def test_a_mutant_trips_its_requirement_and_no_other_of_its_level(row: Mutant) -> None:
    level = tapes.specs().requirements[row.trips].level
    result = judged(MUTANTS[row.name]())
    found = [f for f in result.findings if f.level == level]
    assert {(f.requirement, f.side) for f in found} == {(row.trips, row.blames)}, shown(result)
    assert row.kind in {f.kind for f in found}, shown(result)
    heavy = levels.of(level) == levels.MUST or row.kind != NONCONFORMANT
    assert result.verdict == (FAIL if heavy else PASS), shown(result)
    assert judged(MUTANTS[row.name](), strict=True).verdict == FAIL


@each_mutant
def test_nobody_else_is_blamed(row: Mutant) -> None:
    """Not even at another level: one thing is broken, and one side broke it."""
    result = judged(MUTANTS[row.name]())
    assert {f.side for f in result.findings} == {row.blames}, shown(result)


def test_without_the_wire_a_tape_whose_reports_are_right_passes() -> None:
    """What only the frames tell cannot be known without them."""
    right = [(tape.client, tape.server) for tape in (make() for make in RIGHT.values())]
    unknown = [name for name, make in MUTANTS.items() if (make().client, make().server) in right]
    assert len(unknown) > len(MUTANTS) // 2
    assert {judged(MUTANTS[name](), seen=tapes.UNSEEN).verdict for name in unknown} == {PASS}


def test_every_requirement_that_a_rule_looks_at_has_a_mutant() -> None:
    assert not CHECKS.keys() - {row["trips"] for row in catalogue.ALL}


def test_every_wire_rule_that_the_specs_ask_for_has_a_mutant() -> None:
    asked = {(check.rule, id_) for s in tapes.scenarios().values() for check in s.wire for id_ in check.requires or s.requires}
    assert {rule for rule, _ in asked} <= WIRE_RULES.keys()
    assert not {id_ for _, id_ in asked} - {row["trips"] for row in catalogue.ALL}


RULED = [
    # (rule, the side that it looks at, its count, a tape that keeps it, one that breaks it)
    ("rfc9293-syn-refused", "server", 1, "refused", "closed-port-does-not-answer-the-syn"),
    ("rfc9293-syn-refused", "server", 1, "refused", "echo"),
    ("rfc9293-syn-sent", "client", 3, "black_hole", "client-sends-its-syn-once"),
    ("rfc9293-reset", "client", 1, "abort", "client-aborts-with-a-fin"),
    ("rfc9293-reset", "server", 1, "unread", "server-closes-unread-octets-with-a-fin"),
    ("rfc9293-fin", "client", 1, "both_close", "abort"),
    ("rfc9293-fin", "server", 1, "both_close", "server-resets-where-both-close"),
    ("rfc9293-segments", "client", 48, "writes", "client-merges-its-writes"),
    ("rfc9293-window-probed", "client", 1, "window", "client-does-not-probe-a-closed-window"),
    ("rfc9293-window-probed", "client", 1, "window", "echo"),
    ("rfc1122-port-unreachable", "server", 1, "unreachable", "closed-port-sends-no-icmp-error"),
    ("udp-silent", "server", 1, "unreachable", "echo_udp"),
    ("udp-datagrams", "client", 1, "echo_udp", "echo"),
    ("udp-datagrams", "server", 1, "echo_udp", "unreachable"),
]


@pytest.mark.parametrize(("rule", "by", "count", "right", "wrong"), RULED)
def test_a_wire_rule_by_itself(rule: str, by: str, count: int, right: str, wrong: str) -> None:
    """Whatever the reports say."""
    made = RIGHT | MUTANTS
    assert WIRE_RULES[rule](tapes.wire(made[right]()), by, count) is None
    assert WIRE_RULES[rule](tapes.wire(made[wrong]()), by, count)


def test_every_wire_rule_is_looked_at() -> None:
    assert {rule for rule, *_ in RULED} == WIRE_RULES.keys() - {"rfc1112-hops"}  # no tape goes to a group: tests/test_judge_files.py


@pytest.mark.parametrize("name", RIGHT)
def test_tapes_are_in_order(name: str) -> None:
    """Frames and steps stand in the order of time."""
    tape = RIGHT[name]()
    for times in ([p.t for p in tape.line], [s.t for s in tape.client], [s.t for s in tape.server]):
        assert times == sorted(times)
