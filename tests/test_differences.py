"""Where peers take the same octets differently."""

from __future__ import annotations

import io
import json

from rich.console import Console

from harness.model.result import FAIL, PASS, Result
from harness.report import differences


def result(scenario: str, peer: str, observed: str, verdict: str = PASS, side: str = "server") -> tuple[Result, str]:
    client, server = (peer, "x") if side == "client" else ("x", peer)
    return Result(f"{scenario}/{peer}", verdict, scenario, client, server, "ipv4", f"http-{side}-probes", observed=observed), "what it is about"


RESULTS = [
    result("a", "one", "400, close"), result("a", "two", "400, close"), result("a", "three", "200, sentinel, close", FAIL),
    result("b", "one", "200"), result("b", "two", "200"), result("b", "three", "200"),
    result("c", "one", "failed", side="client"), result("c", "two", "200", side="client"),
]  # fmt: skip


def test_peers_that_do_the_same_stand_together_and_who_breaks_the_standard_is_named() -> None:
    first, *others = differences.of(RESULTS)
    assert (first.scenario, first.failing) == ("a", ("three",))
    assert first.clusters == (("400, close", ("one", "two")), ("200, sentinel, close", ("three",)))
    assert [(d.scenario, d.side, d.united) for d in others] == [("b", "server", True), ("c", "client", False)]


def test_how_far_each_two_agree() -> None:
    found = differences.agreements(differences.of(RESULTS))
    assert [(a.side, a.peers, a.same, a.probes) for a in found] == [
        ("server", ("one", "two"), 2, 2), ("server", ("one", "three"), 1, 2), ("server", ("three", "two"), 1, 2), ("client", ("one", "two"), 0, 1),
    ]  # fmt: skip


def test_it_is_shown_in_eighty_columns() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    differences.show(console, differences.of(RESULTS))
    text = console.export_text()
    assert "1 of 2 probes divide them" in text
    assert max(map(len, text.splitlines())) <= 80


def test_json_has_the_united_ones_too() -> None:
    assert [d["scenario"] for d in json.loads(differences.as_json(differences.of(RESULTS), "runs/x"))["probes"]] == ["a", "b", "c"]


def test_results_that_are_no_probes_are_left_out() -> None:
    assert differences.of([(Result("i", PASS, "s", "c", "s", "ipv4", "tcp"), "")]) == []


def test_a_reset_behind_an_answer_divides_nobody() -> None:
    told = [
        result("a", "one", "400, close"),
        result("a", "two", "400, reset"),
        result("b", "one", "no answer, close"),
        result("b", "two", "no answer, reset"),
    ]
    assert {d.scenario: d.united for d in differences.of(told)} == {"a": True, "b": False}
