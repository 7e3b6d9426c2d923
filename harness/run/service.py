"""A peer's long-lived service: which of its reports belong to which conversation.

Clients are told apart by their address only, and a port is soon used again: while one conversation waits for the last report, the next
one may already talk from there. What came is handed out in the order in which it is claimed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Any

from harness.model.trace import Address, Connection, Step
from harness.peer import contract

STREAM = "stream"
"""A service's step on a client's stream that is over, beside those of its datagrams."""
MAX_UNCLAIMED = 20_000


class Activity:
    """One conversation on a peer: the steps so far, and whether more may come. One may wait for it."""

    __slots__ = ("done", "fault", "steps", "waiter")

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.done = False
        self.fault = ""
        self.waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Tells whoever waits that something came."""
        if self.waiter and not self.waiter.done():
            self.waiter.set_result(None)

    def take(self, event: contract.Event) -> None:
        """More of it."""
        self.steps += event.steps
        if event.done:
            self.done = True
        self.wake()

    def connection(self) -> Connection:
        """The report so far, as evidence."""
        return Connection(tuple(self.steps), self.done)


class Datagrams(Activity):
    """One client's share of a UDP service's report: so many steps are ``wanted``; of these contents alone, if they are ``known``: others
    that asked from the same port before may not have claimed theirs. ``summed``: after them a step on the whole stream must come.
    """

    __slots__ = ("_missing", "_unsummed", "known")

    def __init__(self, wanted: int, known: frozenset[str] | None = None, *, summed: bool = False) -> None:
        super().__init__()
        self._missing = wanted
        self._unsummed = summed
        self.known = known

    def add(self, step: Step) -> None:
        """One of them."""
        self.steps.append(step)
        self._missing -= step.step != STREAM
        self._unsummed = self._unsummed and step.step != STREAM

    def takes(self, step: Step) -> bool:
        """Whether it may be one of them."""
        return self.known is None or step.digest in self.known

    @property
    def whole(self) -> bool:
        """Whether all that is wanted came."""
        return self._missing <= 0 and not self._unsummed


class Service(Activity):
    """A long-lived service: its own steps, and those of its connections (TCP) or of its clients (UDP)."""

    __slots__ = ("_arrived", "_connections", "_datagrams", "_expected", "_readers")

    def __init__(self) -> None:
        super().__init__()
        self._connections: dict[int, Activity] = {}
        self._arrived: dict[Address, deque[Activity]] = {}
        self._expected: dict[Address, deque[Activity]] = {}
        self._datagrams: dict[Address, list[Step]] = {}
        self._readers: dict[Address, deque[Datagrams]] = {}

    def local(self) -> Address | None:
        """Where it listens, once it does."""
        return next((s.local for s in reversed(self.steps) if s.step in ("listening", "bound") and s.local), None)

    def take(self, event: contract.Event) -> None:
        """Hands out what the service reports."""
        if event.conn is not None:
            self._connection(event, event.conn)
            return
        own = [step for step in event.steps if step.remote is None]
        for step in event.steps:
            if step.remote is not None:
                self._datagram(step, step.remote)
        if own or event.done:
            self.steps += own
            self.done = self.done or event.done
            self.wake()

    def waiting(self) -> Iterator[Activity]:
        """All that somebody may wait for."""
        yield from self._connections.values()
        for expected in self._expected.values():
            yield from expected
        for readers in self._readers.values():
            yield from readers

    # -- connections ------------------------------------------------------------------------------------------

    def _connection(self, event: contract.Event, number: int) -> None:
        activity = self._connections.get(number)
        if activity is None:
            activity = self._connections[number] = self._new_connection(event.steps[0].remote if event.steps else None)
        activity.take(event)
        if activity.done:
            del self._connections[number]

    def _new_connection(self, remote: Address | None) -> Activity:
        if remote is None:
            return Activity()
        if remote in self._expected:
            return _first(self._expected, remote)
        activity = Activity()
        self._arrived.setdefault(remote, deque()).append(activity)
        _bound(self._arrived)
        return activity

    def claim_connection(self, client: Address) -> Activity:
        """The oldest connection from ``client`` that nobody claimed, or the next that will come."""
        if client in self._arrived:
            return _first(self._arrived, client)
        activity = Activity()
        self._expected.setdefault(client, deque()).append(activity)
        return activity

    # -- datagrams --------------------------------------------------------------------------------------------

    def _datagram(self, step: Step, remote: Address) -> None:
        for reader in self._readers.get(remote, ()):
            if not reader.whole and reader.takes(step):
                reader.add(step)
                reader.wake()
                return
        self._datagrams.setdefault(remote, []).append(step)
        _bound(self._datagrams)

    def claim_datagrams(self, client: Address, wanted: int, known: frozenset[str] | None = None, *, summed: bool = False) -> Datagrams:
        """The first ``wanted`` reports of datagrams to and from ``client`` that nobody claimed; of contents that are ``known``, if any are."""
        reader = Datagrams(wanted, known, summed=summed)
        self._readers.setdefault(client, deque()).append(reader)
        came = deque(step for step in self._datagrams.pop(client, ()) if reader.takes(step))
        while came and not reader.whole:
            reader.add(came.popleft())
        if came:
            self._datagrams[client] = list(came)
        return reader

    # -- the end of a claim -----------------------------------------------------------------------------------

    def release(self, client: Address, activity: Activity, until: int = 0) -> None:
        """Ends a claim. Reports of more datagrams than were wanted belong to it too, if they are of a time up to ``until``."""
        if isinstance(activity, Datagrams):
            _remove(self._readers, client, activity)
            more = self._datagrams.pop(client, []) if client not in self._readers else []
            activity.steps += [step for step in more if step.t <= until and activity.takes(step)]
            if later := [step for step in more if step.t > until]:
                self._datagrams[client] = later
        else:
            _remove(self._expected, client, activity)


def _first(found: dict[Address, deque[Activity]], client: Address) -> Activity:
    many = found[client]
    activity = many.popleft()
    if not many:
        del found[client]
    return activity


def _remove(found: dict[Address, Any], client: Address, activity: Activity) -> None:
    many = found.get(client)
    if many and activity in many:
        many.remove(activity)
        if not many:
            del found[client]


def _bound(found: dict[Address, Any]) -> None:
    """Reports that nobody claims (a client that lied about its address) do not pile up."""
    while len(found) > MAX_UNCLAIMED:
        del found[next(iter(found))]
