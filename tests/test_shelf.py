"""The shelf: frames of one conversation end up together however they come, are handed out once, and do not stay for ever."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.wire import shelf as shelves
from harness.wire.shelf import Shelf, Shelved
from tests import frames
from tests.frames import ACK, CLIENT, CLIENT6, RST, SERVER, SERVER6, SYN, conversation, fragments_of
from tests.test_observe import any_frame

HOSTS = {"client": 1, "server": 2}
FAMILIES = pytest.mark.parametrize(("client", "server"), [(CLIENT, SERVER), (CLIENT6, SERVER6)], ids=["ipv4", "ipv6"])
ELSEWHERE = ("198.18.0.1", 5001)
LATEST = 1 << 62
SECOND = 1_000_000_000


def filed(*taken: Shelved) -> Shelf:
    shelf = Shelf()
    for nanoseconds, host, left, frame in taken:
        shelf.put(host, nanoseconds, left, frame)
    return shelf


def leaving(talk: list[tuple[int, str, bytes]]) -> list[Shelved]:
    return [(nanoseconds, HOSTS[by], True, frame) for nanoseconds, by, frame in talk]


def crossing(*datagrams: tuple[str, bytes], step: int = 1000) -> list[Shelved]:
    """Frames that leave one host and arrive at the other."""
    other = {1: 2, 2: 1}
    return [
        (step * i + (0 if left else step // 2), HOSTS[by] if left else other[HOSTS[by]], left, frame)
        for i, (by, frame) in enumerate(datagrams, 1)
        for left in (True, False)
    ]


def accounts(shelf: Shelf) -> int:
    """What the shelf's octets must be."""
    return sum(len(f[3]) for bundles in (shelf._tcp, shelf._udp) for b in bundles.values() for f in b.frames)


# -- connections ----------------------------------------------------------------------------------------------


@FAMILIES
def test_a_connection_is_taken_once(client: frames.Endpoint, server: frames.Endpoint) -> None:
    talk = leaving(conversation(client, server, b"question", b"answer"))
    shelf = filed(*talk)
    bundle = shelf.stream(client, server)
    assert bundle is not None and bundle.ended() and bundle is shelf.stream(server, client)
    assert shelf.octets == sum(len(f[3]) for f in talk)
    assert shelf.take_stream(client, server, 0) == talk
    assert shelf.take_stream(client, server, 0) == []
    assert shelf.octets == 0


@FAMILIES
@pytest.mark.parametrize("first", ["client", "server"])
def test_hosts_are_drained_one_after_the_other(client: frames.Endpoint, server: frames.Endpoint, first: str) -> None:
    talk = leaving(conversation(client, server, b"question", b"answer"))
    shelf = filed(*sorted(talk, key=lambda f: f[1] != HOSTS[first]))
    assert shelf.take_stream(client, server, 0) == talk


def refusal() -> tuple[Shelved, Shelved]:
    syn, rst = frames.tcp(seq=1, flags=SYN), frames.tcp(SERVER, CLIENT, 0, 2, RST | ACK, 0)
    return (1000, 1, True, syn), (2000, 2, True, rst)


def test_a_reset_that_is_filed_before_the_syn_it_answers() -> None:
    syn, rst = refusal()
    assert filed(rst, syn).take_stream(CLIENT, SERVER, 0) == [syn, rst]
    assert filed(syn, rst).take_stream(CLIENT, SERVER, 0) == [syn, rst]


@pytest.mark.parametrize("old", [leaving(conversation(client_octets=b"old")), list(refusal())], ids=["closed", "reset"])
def test_a_pair_of_endpoints_is_used_again(old: list[Shelved]) -> None:
    new = leaving(conversation(client_octets=b"new", client_isn=7, start_ns=9 * SECOND))
    shelf = filed(*old, *new)
    assert shelf.octets == accounts(shelf)
    assert shelf.take_stream(CLIENT, SERVER, 0) == new


def test_a_syn_that_is_sent_again_begins_nothing_new() -> None:
    talk = leaving(conversation(client_octets=b"x"))
    again = [(talk[0][0] + 1, *talk[0][1:]), *talk[1:]]
    assert filed(talk[0], *again).take_stream(CLIENT, SERVER, 0) == [talk[0], *again]


def test_what_was_there_before_is_not_part_of_it() -> None:
    talk = leaving(conversation(client_octets=b"x"))
    shelf = filed(*talk)
    assert shelf.take_stream(CLIENT, SERVER, talk[4][0]) == talk[4:]
    assert shelf.octets == 0


@pytest.mark.parametrize("count", range(1, 8))
def test_when_a_connection_looks_closed(count: int) -> None:
    """Once a FIN left on each side: frames four and six of seven."""
    bundle = filed(*leaving(conversation())[:count]).stream(CLIENT, SERVER)
    assert bundle is not None and bundle.ended() == (count >= 6)


def test_connections_do_not_mix() -> None:
    one, two = leaving(conversation(client_octets=b"1")), leaving(conversation(ELSEWHERE, client_octets=b"2"))
    shelf = filed(*sorted(one + two))
    assert shelf.take_stream(ELSEWHERE, SERVER, 0) == two
    assert shelf.take_stream(CLIENT, SERVER, 0) == one


# -- attempts -------------------------------------------------------------------------------------------------


def test_attempts_are_those_that_nobody_answered() -> None:
    refused = [(t, host, left, frame) for t, host, left, frame in refusal()]
    through = leaving(conversation(ELSEWHERE))
    to_others = leaving(conversation(("198.18.0.1", 5002), ("198.18.0.2", 9)))[:1]
    of_others = leaving(conversation(("198.18.0.9", 5003)))[:1]
    shelf = filed(*refused, *through, *to_others, *of_others)
    assert shelf.attempts(CLIENT[0], SERVER, 0, established=False) == [CLIENT]
    assert sorted(shelf.attempts(CLIENT[0], SERVER, 0, established=True)) == [CLIENT, ELSEWHERE]
    assert shelf.attempts(CLIENT[0], SERVER, 5000, established=False) == []
    assert shelf.attempts(CLIENT[0], ("198.18.0.3", 7), 0, established=True) == []


@FAMILIES
@pytest.mark.parametrize("swapped", [False, True], ids=["low to high", "high to low"])
def test_attempts_in_either_direction(client: frames.Endpoint, server: frames.Endpoint, swapped: bool) -> None:
    """Keys put the lower endpoint first, whoever asks."""
    near, far = (server, client) if swapped else (client, server)
    assert filed(*leaving(conversation(near, far))[:1]).attempts(near[0], far, 0, established=False) == [near]


# -- datagrams ------------------------------------------------------------------------------------------------


def whole(client: frames.Endpoint, server: frames.Endpoint) -> list[Shelved]:
    """A question and its answer in fragments, an empty datagram, and an error."""
    question, answer = bytes(range(256)) * 20, bytes(range(255, -1, -1)) * 20
    size = 1480 if client == CLIENT else 1448
    lost = frames.udp(client, (server[0], 9), b"anybody there?")
    return crossing(
        *(("client", f) for f in fragments_of(frames.udp(client, server, question), size, 3)),
        *(("server", f) for f in fragments_of(frames.udp(server, client, answer), size, 4)),
        ("client", frames.udp(client, server)),
        ("client", lost),
        ("server", frames.icmp_unreachable(lost)),
    )


@FAMILIES
def test_datagrams_errors_and_fragments_are_taken_once(client: frames.Endpoint, server: frames.Endpoint) -> None:
    talk = whole(client, server)
    shelf = filed(*talk)
    assert shelf.octets == sum(len(f[3]) for f in talk)
    assert shelf.take_datagrams(client, 0, LATEST) == talk
    assert shelf.take_datagrams(client, 0, LATEST) == []
    assert (shelf.octets, shelf._by_endpoint) == (0, {})


@FAMILIES
@pytest.mark.parametrize("seed", range(20))
def test_in_whatever_order_hosts_are_drained(client: frames.Endpoint, server: frames.Endpoint, seed: int) -> None:
    """Each host's frames come in their order; how hosts take turns is chance."""
    chance = random.Random(seed)
    talk, stream = whole(client, server), leaving(conversation(client, server, b"question" * 300, b"answer" * 300))
    queues = [[f for f in sorted(talk + stream) if f[1] == host] for host in (1, 2)]
    mixed = []
    while any(queues):
        queue = chance.choice([q for q in queues if q])
        mixed.append(queue.pop(0))
    shelf = filed(*mixed)
    assert shelf.take_datagrams(client, 0, LATEST) == talk
    assert shelf.take_stream(client, server, 0) == stream
    assert shelf.octets == 0


@settings(max_examples=100, deadline=None)
@given(st.permutations(whole(CLIENT, SERVER)))
def test_in_any_order_at_all(mixed: list[Shelved]) -> None:
    """Fragments may even overtake each other."""
    shelf = filed(*mixed)
    assert shelf.take_datagrams(CLIENT, 0, LATEST) == sorted(mixed)
    assert shelf.octets == 0


def test_a_port_that_is_used_again() -> None:
    first, second = crossing(("client", frames.udp(data=b"1"))), [(t + SECOND, *rest) for t, *rest in crossing(("client", frames.udp(data=b"2")))]
    shelf = filed(*first, *second)  # type: ignore[arg-type]
    assert shelf.take_datagrams(CLIENT, 0, SECOND) == first
    assert shelf.octets == accounts(shelf)
    assert shelf.take_datagrams(CLIENT, SECOND, LATEST) == second
    assert (shelf.octets, shelf._by_endpoint) == (0, {})


def test_what_came_before_stays_for_him_who_asks_later() -> None:
    first, second = crossing(("client", frames.udp(data=b"1"))), crossing(("client", frames.udp(data=b"2")), step=SECOND)
    shelf = filed(*first, *second)
    assert shelf.take_datagrams(CLIENT, SECOND, LATEST) == second
    assert shelf.take_datagrams(CLIENT, 0, SECOND) == first
    assert shelf.octets == 0


def test_an_error_without_a_datagram_is_found_too() -> None:
    error = (5, 2, True, frames.icmp_unreachable(frames.udp(data=b"x"), octets=28))
    assert filed(error).take_datagrams(CLIENT, 0, LATEST) == [error]


def test_options_and_tags_change_nothing() -> None:
    """What is not of the two usual forms is decoded, and filed with the rest."""
    odd = [(1, 1, True, frames.tcp(flags=SYN, options=bytes(4), vlans=(7,))), (2, 2, True, frames.tcp(SERVER, CLIENT, flags=SYN | ACK))]
    assert filed(*odd).take_stream(CLIENT, SERVER, 0) == odd


# -- room -----------------------------------------------------------------------------------------------------


def test_what_nobody_asks_for_goes_when_it_is_old() -> None:
    talk, late = leaving(conversation()), leaving(conversation(ELSEWHERE, start_ns=30 * SECOND))
    shelf = filed(*talk, *late, *whole(CLIENT, SERVER))
    shelf.tidy(61 * SECOND)
    assert shelf.stream(CLIENT, SERVER) is not None
    shelf.tidy(62 * SECOND)
    assert shelf.stream(CLIENT, SERVER) is None and shelf.take_datagrams(CLIENT, 0, LATEST) == []
    assert shelf.take_stream(ELSEWHERE, SERVER, 0) == late
    assert (shelf.octets, shelf.let_go, shelf._by_endpoint) == (0, 0, {})


def test_the_oldest_goes_where_there_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    talks = [leaving(conversation(("198.18.0.1", 5000 + n), client_octets=bytes(500))) for n in range(5)]
    size = sum(len(f[3]) for f in talks[0])
    monkeypatch.setattr(shelves, "MAX_OCTETS", 3 * size)
    shelf = filed(*(f for talk in talks for f in talk))
    shelf.tidy(2 * SECOND)
    assert (shelf.octets, shelf.let_go) == (3 * size, 2)
    assert [shelf.stream(("198.18.0.1", 5000 + n), SERVER) is None for n in range(5)] == [True, True, False, False, False]


def test_datagrams_go_too_where_there_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = filed(*whole(CLIENT, SERVER))
    monkeypatch.setattr(shelves, "MAX_OCTETS", 0)
    shelf.tidy(1)
    assert (shelf.octets, shelf._by_endpoint, bool(shelf.let_go)) == (0, {}, True)


def test_a_frame_may_end_anywhere() -> None:
    """Also within the fixed places by which the usual forms are told."""
    for *_, frame in [*whole(CLIENT, SERVER), *whole(CLIENT6, SERVER6), *leaving(conversation())]:
        shelf = Shelf()
        for length in range(min(len(frame), 100) + 1):
            shelf.put(1, length, True, frame[:length])
            assert shelf.octets == accounts(shelf)


ends = st.sampled_from([CLIENT, SERVER, CLIENT6, SERVER6, ELSEWHERE])
sure = st.sampled_from([f for *_, f in [*whole(CLIENT, SERVER), *whole(CLIENT6, SERVER6), *leaving(conversation()), *refusal()]])
times = st.integers(0, 200) | st.integers(0, 100 * SECOND)
puts = st.tuples(st.just("put"), st.integers(1, 3), times, st.booleans(), any_frame | sure)
asks = st.tuples(st.just("stream"), ends, ends, times) | st.tuples(st.just("datagrams"), ends, times, times) | st.tuples(st.just("tidy"), times)


@settings(max_examples=400, deadline=None)
@given(st.lists(puts | puts | puts | asks, max_size=40), st.sampled_from([shelves.MAX_OCTETS, 2000, 0]))
def test_whatever_comes_the_shelf_knows_what_it_holds(doings: list[tuple], most: int) -> None:
    shelf = Shelf()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shelves, "MAX_OCTETS", most)
        for what, *arguments in doings:
            if what == "put":
                shelf.put(*arguments)
            elif what == "stream":
                taken = shelf.take_stream(*arguments)
                assert taken == sorted(taken)
            elif what == "datagrams":
                taken = shelf.take_datagrams(*arguments)
                assert taken == sorted(taken)
            else:
                shelf.tidy(*arguments)
                assert shelf.octets <= most
            assert shelf.octets == accounts(shelf) >= 0
            assert {key for keys in shelf._by_endpoint.values() for key in keys} == shelf._udp.keys()
