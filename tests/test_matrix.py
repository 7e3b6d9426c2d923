"""Planning: which cases there are, what they are called, and what selects them."""

from __future__ import annotations

import re
import shlex

import msgspec
import pytest

from harness.errors import UsageError
from harness.model.case import FAMILIES, Case
from harness.pipeline import load_specs
from harness.plan.matrix import Abilities, Selection, cases
from tests.conftest import echo, echo_udp

ALL = Abilities(frozenset({"serve echo/tcp", "serve echo/udp", "script client/tcp", "script client/udp"}), frozenset({"ipv4", "ipv6"}))
PEERS = {"a": ALL, "b": ALL, "c": ALL}
SCENARIOS = [echo(1), echo(2), echo_udp()]


def ids(wanted: Selection | None = None) -> list[str]:
    return [c.id for c in cases(SCENARIOS, PEERS, wanted or Selection())]


def test_every_ordered_pair_holds_everything_in_both_families() -> None:
    made = cases(SCENARIOS, PEERS, Selection())
    assert len(made) == 3 * 9 * 2 == len({c.id for c in made})
    assert {(c.client, c.server) for c in made} == {(x, y) for x in "abc" for y in "abc"}


def test_ids_are_stable_and_need_no_quotes_in_a_shell() -> None:
    for id_ in [*ids(), *(c.id for c in cases(load_specs().scenarios(), PEERS, Selection()))]:
        assert shlex.quote(id_) == id_ or set(id_) <= set("/=,:@%+._-") | set(re.findall(r"\w", id_))
        assert not set(id_) & set(" \t\n'\"\\$&|;<>()[]{}*?!#~`^")
    assert ids()[0] == "t/echo/size=1/client=a/server=a/ipv4"


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Selection(servers=("a",)), 18),
        (Selection(servers=("a",), clients=("b", "c")), 12),
        (Selection(specs=("t/echo",)), 36),
        (Selection(specs=("t/echo/size=1.yaml",)), 18),
        (Selection(specs=("t/*/size=1",)), 18),
        (Selection(patterns=("client=a",)), 18),
        (Selection(patterns=("*size=2*ipv6",)), 9),
        (Selection(patterns=("size=1/", "size=2/")), 36),
        (Selection(families=("ipv6",)), 27),
        (Selection(repeat=3), 162),
    ],
)
def test_selection(wanted: Selection, count: int) -> None:
    assert len(set(ids(wanted))) == count


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Selection(servers=("aa",)), "did you mean 'a'"),
        (Selection(clients=("zzz",)), "known are: a, b, c"),
        (Selection(specs=("t/ecko",)), "did you mean 't/echo'"),
        (Selection(patterns=("nothing-like-this",)), "selects none of 54 cases"),
    ],
)
def test_what_selects_nothing_is_refused(wanted: Selection, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        ids(wanted)
    assert caught.value.exit_code == 2


def test_what_a_peer_lacks_is_said_with_its_reason() -> None:
    less = Abilities(ALL.can - {"serve echo/udp"}, frozenset({"ipv4"}), {"serve echo/udp": "no library"})
    made = {(c.scenario.transport, c.client, c.server, c.family): c.unsupported for c in cases(SCENARIOS, {"a": ALL, "b": less}, Selection())}
    assert made["tcp", "a", "b", "ipv4"] == ""
    assert made["tcp", "a", "b", "ipv6"] == "server b: it does not declare ipv6"
    assert made["udp", "a", "b", "ipv4"] == "server b: it does not declare 'serve echo/udp': no library"
    assert made["udp", "b", "a", "ipv4"] == ""


def test_what_cannot_be_asked_is_not_ruled_out() -> None:
    assert not any(c.unsupported for c in cases(SCENARIOS, {"a": Abilities(known=False)}, Selection()))


def test_repeats_have_ids_of_their_own() -> None:
    case = Case(echo(1), "a", "b", "ipv4")
    assert msgspec.structs.replace(case, attempt=2).id == case.id + "/run=2"


def http(*offers: str) -> Abilities:
    return Abilities(frozenset(offers), frozenset(FAMILIES), offers=frozenset(offers))


SERVE, ASK = "serve http/tcp", "ask http/tcp"
FULL = Abilities(ALL.can | {SERVE, ASK}, ALL.families)
EXCHANGE = "rfc9110-semantics/methods/get"


def test_who_is_there_for_some_abilities_stands_nowhere_else() -> None:
    """A variant is not `unsupported` in echo: it is not meant for it."""
    peers = {"a": FULL, "a:x": http(SERVE), "curl": http(ASK)}
    made = cases(load_specs().scenarios(), peers, Selection(specs=("rfc862-echo/tcp", "rfc1122-udp", EXCHANGE)))
    assert {(c.client, c.server) for c in made if not c.scenario.speaks_http} == {("a", "a")}
    assert {(c.client, c.server) for c in made if c.scenario.speaks_http} == {("a", "a"), ("a", "a:x"), ("curl", "a")}


def test_those_meet_each_other_if_asked_for() -> None:
    peers = {"a": FULL, "a:x": http(SERVE), "curl": http(ASK)}
    everything = {(c.client, c.server) for c in cases(load_specs().scenarios(), peers, Selection(specs=(EXCHANGE,), all_pairs=True))}
    assert everything == {("a", "a"), ("a", "a:x"), ("curl", "a"), ("curl", "a:x")}
    named = cases(load_specs().scenarios(), peers, Selection(servers=("a:x",), clients=("curl",), specs=(EXCHANGE,)))
    assert {(c.client, c.server) for c in named} == {("curl", "a:x")}


def test_a_pair_that_holds_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="hold no conversation"):
        cases(load_specs().scenarios(), {"a": FULL, "a:x": http(SERVE)}, Selection(clients=("a:x",)))


def test_who_is_there_for_some_abilities_takes_turns_with_the_others() -> None:
    """One of the full peers for each scenario, each of them sometime; all of them for one that is named."""
    scenarios = [s for s in load_specs().scenarios() if s.exchanges and s.service == "http"]
    peers = {"a": FULL, "b": FULL, "c": FULL, "a:x": http(SERVE)}
    made = [c for c in cases(scenarios, peers, Selection(families=("ipv4",))) if c.server == "a:x"]
    assert len(made) == len(scenarios)
    assert {c.client for c in made} == {"a", "b", "c"}
    named = [c for c in cases(scenarios, peers, Selection(families=("ipv4",), servers=("a:x",))) if c.server == "a:x"]
    assert len(named) == 3 * len(scenarios)
    only = cases(scenarios, peers, Selection(families=("ipv4",), clients=("b",), servers=("a", "a:x")))
    assert {c.client for c in only} == {"b"} and len(only) == 2 * len(scenarios)


def test_what_puts_one_side_to_the_test_is_carried_by_one_who_can() -> None:
    scenarios = [s for s in load_specs().scenarios() if s.key.startswith("rfc5321-smtp/server")]
    knows = Abilities(ALL.can | {"serve smtp/tcp", "ask smtp/tcp"}, ALL.families)
    made = cases(scenarios, {"a": knows, "b": ALL, "c": knows}, Selection())
    assert {(c.server, c.unsupported == "") for c in made} == {("a", True), ("b", False), ("c", True)}
    assert {c.client for c in made} == {"a", "c"}, "b does not know what a reply is"
    assert len(made) == 3 * len(scenarios), "each server, with one client"
    alone = cases(scenarios, {"b": ALL, "c": knows}, Selection(clients=("b",), servers=("c",)))
    assert all("neither of 'ask smtp/tcp' and 'serve smtp/tcp'" in c.unsupported for c in alone)


def test_cases_of_one_machine_have_no_family_and_are_held_by_every_pair() -> None:
    scenarios = [
        s for s in load_specs().scenarios() if s.key.startswith("posix-pipes/fifo/both-ways/size=1/") or s.key == "posix-pipes/fifo/both-ways/size=1"
    ]
    can = Abilities(frozenset({"script client/fifo", "script server/fifo"}), frozenset({"ipv4"}))
    assert sorted(c.id for c in cases(scenarios, {"a": can, "b": can}, Selection())) == [
        f"posix-pipes/fifo/both-ways/size=1/client={c}/server={s}/local" for c in "ab" for s in "ab"
    ]
    with pytest.raises(UsageError, match="hold no conversation"):
        cases(scenarios, {"a": can}, Selection(families=("ipv4",)))


def test_cases_that_wait_come_early_and_none_is_lost() -> None:
    peers = {"a": FULL, "b": FULL}
    scenarios = load_specs().scenarios()
    made = cases(scenarios, peers, Selection())
    assert len({c.id for c in made}) == len(made) == len({c.id for c in cases(scenarios[::-1], peers, Selection())})
    slow = [at for at, c in enumerate(made) if c.scenario.waits >= 300 or c.scenario.probe]
    quick = [at for at, c in enumerate(made) if not (c.scenario.waits >= 300 or c.scenario.probe)]
    assert slow and max(slow) < max(quick)


def test_cases_that_are_known_to_fail_come_first_of_those_that_wait() -> None:
    """They may wait for what does not come, and nobody knows how long."""
    peers = {"a": FULL, "b": FULL}
    scenarios = load_specs().scenarios()
    known = {c.id for c in cases(scenarios, peers, Selection())[-3:]}
    made = cases(scenarios, peers, Selection(), doubtful=known.__contains__)
    waits = [at for at, c in enumerate(made) if c.scenario.waits >= 300 or c.scenario.probe]
    assert max(at for at, c in enumerate(made) if c.id in known) < min(waits)
    assert len({c.id for c in made}) == len(made)
