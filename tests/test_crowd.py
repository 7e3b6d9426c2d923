"""Several clients at one server's script: each one's part of the server's account is found, and each one is judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.judge.judge import judge
from harness.judge.rules import RULES, WIRE_RULES
from harness.model.case import Case, Scenario
from harness.model.payload import Payload, sha256
from harness.model.result import FAIL, PASS
from harness.model.trace import Side, Step, Trace
from harness.pipeline import ROOT
from harness.run.crowd import pair
from harness.spec import load

SERVED = ("198.18.0.1", 5000)
OCTETS = Payload(pattern="every-octet", size=10).octets()
SPEC = """
rfc: 862
section: Crowd
transport: tcp
service: script
conversations:
  - id: crowd
    says: Each is served.
    requires: RFC862-tcp-same-octets
    clients: 3
    backlog: 1
    client:
      - connect
      - expect: {octets: {pattern: every-octet, size: 10}, then: end}
    server:
      - accept
      - send: {pattern: every-octet, size: 10}
      - close
"""


def told(name: str, octets: bytes = OCTETS, **members: Any) -> Step:
    return Step(name, octets=len(octets), digest=sha256(octets), **members)


def client(port: int, octets: bytes = OCTETS) -> Side:
    local = ("198.18.0.2", port)
    return Side((Step("created"), Step("connected", local=local, remote=SERVED), told("received", octets), Step("end"), Step("closed")))


def served(port: int) -> tuple[Step, ...]:
    return (Step("accepted", local=SERVED, remote=("198.18.0.2", port)), told("sent"), Step("closed"))


BEFORE = (Step("created"), Step("bound", local=SERVED), Step("listening", local=SERVED))


@pytest.fixture
def crowd(tmp_path: Path) -> Scenario:
    path = tmp_path / "crowd.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return load.load([path], RULES, [ROOT / "specs"], WIRE_RULES).scenarios()[0]


def verdict(crowd: Scenario, clients: list[Side], server: tuple[Step, ...]) -> tuple[str, str]:
    first, *others = pair(clients, Side(BEFORE + server), 3)
    result = judge(Case(crowd, "go", "c", "ipv4"), Trace(*first, SERVED, others=tuple(others)), {})
    return result.verdict, result.reason


def test_each_client_finds_its_part_whatever_the_order(crowd: Scenario) -> None:
    assert verdict(crowd, [client(1), client(2), client(3)], served(2) + served(3) + served(1)) == (PASS, "")


def test_steps_are_counted_from_zero_in_each_part() -> None:
    failed = Step("failed", at=4, error="reset")
    _, (_, second) = pair([client(1), client(2)], Side(BEFORE + served(1) + (served(2)[0], failed)), 3)
    assert second.steps == (*BEFORE, served(2)[0], Step("failed", at=1, error="reset"))


@pytest.mark.parametrize(
    ("clients", "server", "blamed"),
    [
        ([client(1), client(2, OCTETS[:-1] + b"x"), client(3)], served(1) + served(2) + served(3), "go and c"),
        ([client(1), client(2), client(3)], served(1) + served(2), "server c"),
        ([client(1), client(2), client(3)], served(1) + served(2) + served(9), "go and c"),
    ],
    ids=["one-gets-other-octets", "one-is-not-accepted", "one-comes-from-elsewhere"],
)
def test_one_of_them_is_enough_to_fail(crowd: Scenario, clients: list[Side], server: tuple[Step, ...], blamed: str) -> None:
    found, reason = verdict(crowd, clients, server)
    assert found == FAIL
    assert " of 3)" in reason, reason
    assert reason.startswith(blamed), reason
