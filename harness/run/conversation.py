"""One conversation: the commands that make it happen, and the waiting until both sides have told all.

Owns the order of things in a case. Knows nothing of scheduling, and does not look at what the reports say beyond
what it takes to know that they are complete.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec

from harness.model import transports
from harness.model.case import NOBODY, SPOKEN, Case, Scenario, Script
from harness.model.trace import Address, Connection, Side, Step, Trace, Wire
from harness.network.base import Host
from harness.peer import contract
from harness.run.commands import client_command, on_interface, script_command
from harness.run.crowd import pair
from harness.run.peer import LivePeer
from harness.run.service import Activity, Service
from harness.run.serving import SETTLE_SECONDS, NotServed, Told, ensure_service, why_not_served
from harness.run.waiting import wait_until
from harness.wire.clock import stepped, wall_ahead
from harness.wire.link import cuts
from harness.wire.messages import Ask

GRACE_SECONDS = 4.0
"""How much longer than a conversation's own deadline the harness waits for its report."""
LINGER_NANOSECONDS = 1_000_000
"""So long after its socket was closed, what comes from or for a port may still be of that conversation."""
STOP_SECONDS = 2.0
"""How long a conversation may take to tell its end after it was told to stop."""
NO_WIRE = Wire(absent="inside one machine there is no wire to watch")
NOT_KNOWN = Wire(absent="a resolver does not tell from which ports it asks")
NO_PROCESS = str(2**31 - 1)
"""A process id that no system gives out."""
NOT_YET_SECONDS = 0.5
"""How long a server's script may take to tell of a connection after its client, which tells of none, was done."""
DATAGRAM_SECONDS = 1.0
MORE_MICROSECONDS = 1000
"""So long after its client was done, a service may still report datagrams of a conversation that nobody expected."""
STAGGER_SECONDS = 0.01
"""Between the beginnings of several clients of one server: handshakes that end at once may together overrun a queue that had room for each."""
_SILENT_SERVICES = {"discard"}


async def hold(case: Case, client: LivePeer, server: LivePeer, told: Told) -> tuple[Trace, Ask | None]:
    """Holds the conversation; returns what both sides report, and what to ask the witness of the wire (None if nothing was sent).

    Whatever goes wrong is in the trace; only cancellation raises.
    """
    if case.scenario.control:
        return await _probe(case, client, server, told)
    port = 0
    for _ in range(case.scenario.times - 1):
        trace, ask = await _once(case, client, server, told, port)
        if ask is None or not _went_through(trace):
            return trace, ask
        port = trace.asked[1]
    return await _once(case, client, server, told, port)


async def _probe(case: Case, client: LivePeer, server: LivePeer, told: Told) -> tuple[Trace, Ask | None]:
    """The probe; before the first one of a peer, the control, whose accounts stand with each probe of it."""
    assert case.scenario.control is not None and case.scenario.probe is not None
    tested = server if case.scenario.probe.of == "server" else client
    control = tested.controls.get((case.scenario.control.key, case.family))
    if control is None:
        ordinary = msgspec.structs.replace(case, scenario=case.scenario.control)
        control = asyncio.ensure_future(_once(ordinary, client, server, told, 0))
        tested.controls[case.scenario.control.key, case.family] = control
    held, _ = await asyncio.shield(control)
    trace, ask = await _once(case, client, server, told, 0)
    return msgspec.structs.replace(trace, control=(held.client, held.server)), ask


def _went_through(trace: Trace) -> bool:
    """Whether nothing failed, as far as the reports tell."""
    sides = (trace.client, trace.server)
    return not any(side.trouble or any(s.step == "failed" for s in side.steps) for side in sides)


async def _once(case: Case, client: LivePeer, server: LivePeer, told: Told, port: int) -> tuple[Trace, Ask | None]:
    """Holds it once; ``port`` is where a server's script must listen, 0: anywhere."""
    since, ahead = time.time_ns(), wall_ahead()
    clock, began = since / 1e9, time.perf_counter()
    talk = _Talk(case, client, server, port)
    try:
        asked = await talk.serve(told)
    except NotServed as problem:
        trouble, says = (server.trouble, server.says) if server.trouble else _refusal(str(problem))
        side = Side(trouble=trouble, says=says, offset=server.offset)
        return Trace(Side(offset=client.offset), side, clock=clock, seconds=time.perf_counter() - began), None
    await talk.ask(asked)
    trace = await talk.trace(asked, clock)
    talk.leave()
    trace = msgspec.structs.replace(trace, seconds=time.perf_counter() - began, attached=server.silent)
    unseen = NO_WIRE if case.scenario.place == "machine" else NOT_KNOWN if case.scenario.questions else None
    if unseen is not None:
        return msgspec.structs.replace(trace, wire=unseen), None
    if not any(s.step in ("created", "connected", "bound", "connecting") for s in trace.client.steps):
        return trace, None
    step = stepped(ahead, wall_ahead(), int(trace.seconds * 1e9))
    return trace, msgspec.structs.replace(_question(case, trace, client.host, server.host, since), stepped=step)


def _question(case: Case, trace: Trace, client: Host, server: Host, since: int) -> Ask:
    """What the witness is asked about a case that was held."""
    transport = "tcp" if case.scenario.transport == "tcp" else "udp"
    clients = (trace.client, *(client for client, _ in trace.others))
    known = [s.local for side in clients for s in side.steps if s.local and (transport != "tcp" or s.step == "connected")]
    known = known[-1:] if transport != "tcp" else list(dict.fromkeys(known))
    endpoints = tuple(known) or ((client.addresses.get(case.family, ""), 0),)
    asked, answered = trace.client.account, trace.server.account
    return Ask(
        0, transport, endpoints, trace.asked, (client.number, server.number), since, _until(trace.client),
        client_cuts=cuts(_lengths(asked, "sent"), _lengths(answered, "received")),
        server_cuts=cuts(_lengths(answered, "sent"), _lengths(asked, "received")),
        shown=case.attempt == 1, alone=(bool(case.scenario.server) or case.scenario.service in NOBODY) and not trace.others,
        talk=case.scenario.talk,
    )  # fmt: skip


def _until(client: Side) -> int:
    """Until when its port was the client's, in nanoseconds since 1970: when it closed its socket, else now."""
    now = time.time_ns()
    if not client.steps or client.steps[-1].step != "closed":
        return now
    closed = (client.steps[-1].t + client.offset) * 1000 + wall_ahead()
    return min(now, closed + LINGER_NANOSECONDS)


def _lengths(steps: tuple[Step, ...], name: str) -> tuple[int, ...]:
    return tuple(s.octets or 0 for s in steps if s.step == name)


class _Talk:
    """The state of one conversation while it is held."""

    def __init__(self, case: Case, client: LivePeer, server: LivePeer, port: int) -> None:
        self._case = case
        self._port = port
        self._scenario = case.scenario
        self._client = client
        self._server = server
        self._callers = [_Caller(client, self._scenario, case.family) for _ in range(self._scenario.clients)]
        self._asking = self._callers[0].activity
        self._server_id = ""
        self._answering = Activity()
        self._claimed: list[tuple[Address, Activity]] = []

    # -- the server's side ------------------------------------------------------------------------------------

    async def serve(self, told: Told) -> Address:
        """Brings the server's side up; returns the address that the client is to be given."""
        if self._server.at:
            return self._server.at
        host = self._server.host
        if self._scenario.transport in transports.LOCAL:
            return await self._serve_locally(host)
        address = self._scenario.at or host.addresses.get(self._case.family)
        if address is None:
            raise NotServed(f"its host has no {self._case.family} address")
        if self._scenario.transport == "multicast":
            if not host.interface:
                raise NotServed("unsupported: there is no multicast on this network")
            address = host.group(self._case.family)
        if self._scenario.service in NOBODY:
            return self._unserved(address)
        if self._scenario.server:
            return await self._serve_script(address, self._scenario.server)
        self._server_id = await ensure_service(self._server, self._scenario, self._case.family, address, told)
        self._answering = self._server.activity(self._server_id)
        return self._local(address)

    async def _serve_locally(self, host: Host) -> Address:
        """A name of the machine that nothing has yet; a process takes signals under its own."""
        assert host.names is not None
        if self._scenario.transport == "signal":
            name = "" if self._scenario.server else NO_PROCESS
        else:
            name = host.names.new(self._scenario.transport, abstract=self._scenario.abstract)
        if self._scenario.server is None:
            return name, 0
        address, port = await self._serve_script(name, self._scenario.server)
        return (address or self._bound(), port)

    def _bound(self) -> str:
        return next(s.local[0] for s in reversed(self._answering.steps) if s.local)

    def _unserved(self, address: str) -> Address:
        """Where nobody answers: a closed port of the host, or an address that nobody has."""
        host, family = self._server.host, self._case.family
        if self._scenario.service == "nobody":
            return address, host.closed_port(family)
        if family not in host.nowhere:
            raise NotServed("unsupported: on this network there is no address where nobody is")
        return host.nowhere[family], host.closed_port(family)

    async def _serve_script(self, address: str, script: Script) -> Address:
        self._server_id = self._server.new_id("x")
        self._server.watch(self._server_id, self._answering)
        self._server.send(script_command(self._scenario, script, self._server_id, address, self._port, self._joining()))
        ready = "listening" if self._scenario.transport in transports.ACCEPTING else "bound"
        activity = self._answering
        await wait_until(
            activity, self._server, lambda: activity.done or any(s.step == ready for s in activity.steps), SETTLE_SECONDS * self._server.slower
        )
        return self._local(address)

    def _joining(self) -> dict[str, Any]:
        """What a server needs to know to join a group."""
        if self._scenario.transport != "multicast":
            return {}
        family = self._case.family
        told = on_interface(self._server.host, family)
        if self._scenario.source:
            client = self._client.host
            told["source"] = client.addresses[family] if self._scenario.source == "client" else client.nowhere[family]
        return told

    def _local(self, address: str) -> Address:
        local = next((s.local for s in reversed(self._answering.steps) if s.local), None)
        if local is None or not self._server.alive:
            raise NotServed(why_not_served(self._answering))
        return address, local[1]

    # -- the client's side ------------------------------------------------------------------------------------

    async def ask(self, asked: Address) -> None:
        """Lets the clients hold their side, and waits until they have said all or are out of time."""
        if len(self._callers) == 1:
            await self._callers[0].ask(asked)
        else:
            await asyncio.gather(*(caller.ask(asked, place * STAGGER_SECONDS) for place, caller in enumerate(self._callers)))
        if self._failed:  # a server that is no more refuses and resets before anybody knows that it is gone
            await _still_there(self._server)

    @property
    def _failed(self) -> bool:
        return any(s.step in ("failed", "reset") for caller in self._callers for s in caller.activity.steps)

    async def trace(self, asked: Address, clock: float) -> Trace:
        """All accounts, once they are complete or out of time."""
        server = await self._server_side()
        if len(self._callers) == 1:
            return Trace(self._callers[0].side(), server, asked, clock)
        assert self._scenario.server is not None
        first, *others = pair([caller.side() for caller in self._callers], server, len(self._scenario.server.steps))
        return Trace(*first, asked, clock, others=tuple(others))

    # -- the server's account ---------------------------------------------------------------------------------

    async def _server_side(self) -> Side:
        if self._scenario.service in NOBODY or self._server.silent or self._scenario.questions:
            return Side(offset=self._server.offset)
        if self._scenario.server:
            return await self._script_side()
        assert isinstance(self._answering, Service)
        if self._scenario.transport == "udp":
            return await self._datagram_side(self._answering)
        return await self._connection_side(self._answering)

    async def _script_side(self) -> Side:
        activity, silence = self._answering, ""
        if self._scenario.client and not any(s.step in ("connected", "sent") for caller in self._callers for s in caller.activity.steps):
            await _stop(self._server, self._server_id, activity)
        elif not await wait_until(activity, self._server, lambda: activity.done, self._patience()):
            silence = "it reported no end of the conversation"
            await _stop(self._server, self._server_id, activity)
        trouble, says = _trouble(self._server, activity, silence)
        return Side(tuple(activity.steps), (), trouble, says, self._server.offset)

    def _patience(self) -> float:
        """How long a server's script may go on after its client, in seconds. A stack that asks does not always tell whether it connected."""
        connected = any(s.step == "accepted" for s in self._answering.steps) or self._scenario.client is not None
        return self._scenario.deadline / 1000 + GRACE_SECONDS if connected else NOT_YET_SECONDS * self._server.slower

    async def _connection_side(self, service: Service) -> Side:
        locals_ = [s.local for s in self._asking.steps if s.step == "connected" and s.local]
        self._claimed = [(local, service.claim_connection(local)) for local in locals_]
        found: list[Connection] = []
        for _, activity in self._claimed:
            if not await wait_until(activity, self._server, lambda a=activity: a.done, SETTLE_SECONDS * self._server.slower):  # type: ignore[misc]
                await _still_there(self._server)
            if activity.steps:
                found.append(activity.connection())
        return self._service_side(tuple(found), len(found) == len(self._claimed) and all(c.done for c in found))

    async def _datagram_side(self, service: Service) -> Side:
        local = next((s.local for s in self._asking.steps if s.local), None)
        if local is None:
            return self._service_side((), whole=True)
        sent, came = (sum(s.step == name for s in self._asking.steps) for name in ("sent", "received"))
        expected = sent + max(self._answers(sent), came)  # what nobody asked for is told of, too, perhaps a moment later
        # resolvers do not tell from which ports they ask, so that nobody claims what the service tells of them
        resolvers = self._scenario.service == "dns"
        known = frozenset(s.digest for s in self._asking.steps if s.digest) if resolvers else None
        activity = service.claim_datagrams(local, expected, known, summed=self._scenario.stream is not None)
        try:
            if not await wait_until(activity, self._server, lambda: activity.whole, DATAGRAM_SECONDS * self._server.slower):
                await _still_there(self._server)
        finally:
            service.release(local, activity, self._asking.steps[-1].t + self._client.offset + MORE_MICROSECONDS - self._server.offset)
        return self._service_side((activity.connection(),) if activity.steps else (), activity.whole)

    def _answers(self, sent: int) -> int:
        """How many datagrams the service sends back."""
        if self._scenario.service in _SILENT_SERVICES:
            return 0
        if stream := self._scenario.stream:
            return len(stream.reports)
        script = self._scenario.client
        if script is None or self._scenario.service not in SPOKEN:
            return sent
        return sum(bool(check.responses or check.rule) for check in script.checks)

    def _service_side(self, connections: tuple[Connection, ...], whole: bool) -> Side:
        trouble, says = ("", "") if whole and not self._failed else (self._server.trouble, self._server.says)
        return Side((), connections, trouble, says, self._server.offset)

    def leave(self) -> None:
        """Lets go of the ids and addresses: what still comes for them is late."""
        for caller in self._callers:
            self._client.forget(caller.id)
        if self._scenario.server:
            self._server.forget(self._server_id)
        elif isinstance(self._answering, Service):
            for address, activity in self._claimed:
                self._answering.release(address, activity)


class _Caller:
    """One client's side of a conversation."""

    def __init__(self, peer: LivePeer, scenario: Scenario, family: str) -> None:
        self.id = peer.new_id("c")
        self.activity = Activity()
        self._peer = peer
        self._scenario = scenario
        self._more = on_interface(peer.host, family) if scenario.transport == "multicast" else {}
        self._silence = ""

    async def ask(self, asked: Address, after: float = 0) -> None:
        """Lets the client hold it (in so many seconds), and waits until it has said all or is out of time."""
        activity, peer = self.activity, self._peer
        if after:
            await asyncio.sleep(after)
        peer.watch(self.id, activity)
        peer.send(client_command(self._scenario, self.id, asked, self._more))
        seconds = self._scenario.deadline / 1000 + GRACE_SECONDS
        if await wait_until(activity, peer, lambda: activity.done, seconds) or not peer.alive:
            return
        self._silence = f"it reported no end of the conversation within {seconds:.0f} s"
        await _stop(peer, self.id, activity)

    def side(self) -> Side:
        """Its account."""
        trouble, says = _trouble(self._peer, self.activity, self._silence)
        return Side(tuple(self.activity.steps), (), trouble, says, self._peer.offset)


async def _stop(peer: LivePeer, id_: str, activity: Activity) -> None:
    """Ends a conversation that does not end by itself; what it then tells may come after the answer to a flush."""
    peer.send(contract.command("stop", id=id_))
    if not await wait_until(activity, peer, lambda: activity.done, STOP_SECONDS * peer.slower):
        await _still_there(peer)


async def _still_there(peer: LivePeer) -> None:
    """Lets a peer tell all that happened; one that does not answer is given up."""
    if peer.alive and not await peer.flush() and peer.alive:
        peer.hang()


def _trouble(peer: LivePeer, activity: Activity, silence: str) -> tuple[str, str]:
    if activity.fault:
        return _refusal(activity.fault)
    if activity.done:
        return "", ""
    if peer.trouble:
        return peer.trouble, peer.says
    return ("silent", silence) if silence else ("", "")


def _refusal(fault: str) -> tuple[str, str]:
    kind, _, says = fault.partition(": ")
    return ("declined", says) if kind == "unsupported" else ("refused-command", fault)
