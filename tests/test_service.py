"""Which reports of a service belong to which conversation, where clients follow each other on one port."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from harness.model.trace import Step
from harness.peer.contract import Event
from harness.run.service import Service

CLIENT, OTHER = ("198.18.0.2", 4000), ("198.18.0.2", 4001)


def datagrams(service: Service, *times: int) -> None:
    service.take(Event("steps", "s1", steps=tuple(Step("received", t=t, remote=CLIENT) for t in times)))


def connection(service: Service, number: int, t: int, *, done: bool = True) -> None:
    service.take(Event("steps", "s1", conn=number, steps=(Step("accepted", t=t, remote=CLIENT), Step("closed", t=t)), done=done))


def times(steps: list[Step]) -> list[int]:
    return [s.t for s in steps]


@given(st.lists(st.booleans(), max_size=8), st.integers(1, 3))
def test_who_claims_first_gets_what_came_first(late: list[bool], wanted: int) -> None:
    """Whether reports come before or after their claims, and however many conversations hang on one port."""
    service, readers, told, clock = Service(), [], 0, 0
    for held_back in late:
        readers.append(service.claim_datagrams(CLIENT, wanted))
        if not held_back:
            datagrams(service, *range(clock, clock + wanted))
            clock += wanted
            told += 1
    datagrams(service, *range(clock, len(readers) * wanted))
    assert [times(r.steps) for r in readers] == [list(range(n * wanted, (n + 1) * wanted)) for n in range(len(readers))]
    assert all(r.whole for r in readers)


def test_a_waiter_is_woken_though_the_next_conversation_waits_at_the_same_port() -> None:
    async def both() -> None:
        service, loop = Service(), asyncio.get_running_loop()
        readers = [service.claim_datagrams(CLIENT, 2) for _ in range(2)]
        for reader in readers:
            reader.waiter = loop.create_future()
        datagrams(service, 1, 2, 3, 4)
        await asyncio.wait_for(asyncio.gather(*(r.waiter for r in readers if r.waiter)), 1)

    asyncio.run(both())


def test_more_than_was_wanted_goes_to_him_who_was_there_then() -> None:
    service = Service()
    reader = service.claim_datagrams(CLIENT, 2)
    datagrams(service, 1, 2, 3, 9)
    service.release(CLIENT, reader, until=5)
    assert times(reader.steps) == [1, 2, 3]
    assert times(service.claim_datagrams(CLIENT, 1).steps) == [9]


def test_connections_of_one_port_one_after_the_other() -> None:
    service = Service()
    connection(service, 1, 10)
    connection(service, 2, 20)
    assert [times(service.claim_connection(CLIENT).steps)[0] for _ in range(2)] == [10, 20]
    waiting = service.claim_connection(CLIENT)
    connection(service, 3, 30)
    assert times(waiting.steps) == [30, 30]
    assert service.claim_connection(OTHER).steps == []


def test_a_claim_that_is_given_up_takes_nothing() -> None:
    service = Service()
    service.release(CLIENT, service.claim_connection(CLIENT))
    connection(service, 1, 10)
    assert times(service.claim_connection(CLIENT).steps) == [10, 10]
