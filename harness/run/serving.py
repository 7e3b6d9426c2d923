"""The services of a peer: started when a conversation first needs them, with what all of them are told, and then shared by all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from harness.model.case import Scenario
from harness.peer import contract
from harness.run.peer import LivePeer
from harness.run.service import Activity, Service
from harness.run.waiting import wait_until

SETTLE_SECONDS = 6.0
"""How long a server may take to report its beginning, or the end of a connection after the client reported it."""
Told = Mapping[str, Mapping[str, Any]]
"""By service: members of its ``serve`` that are the same for all peers, such as the site of http."""
BOTH_TRANSPORTS = frozenset({"dns"})
"""Services that are reached over UDP and TCP under one port."""


class NotServed(Exception):
    """The server's side could not be brought up."""


async def ensure_service(peer: LivePeer, scenario: Scenario, family: str, address: str, told: Told) -> str:
    """The id of the peer's service, started on first use. Raises ``NotServed``."""
    if scenario.service in BOTH_TRANSPORTS:
        port = peer.ports.setdefault((scenario.service, address), peer.host.port(scenario.service) or peer.host.closed_port(family))
        for transport in ("udp", "tcp"):
            if transport != scenario.transport:
                await _ensure(peer, scenario.service, transport, address, port, told)
    else:
        port = peer.host.port(scenario.service)
    return await _ensure(peer, scenario.service, scenario.transport, address, port, told)


async def _ensure(peer: LivePeer, service: str, transport: str, address: str, port: int, told: Told) -> str:
    key = (service, transport, address)
    starting = peer.services.get(key)
    if starting is None:
        starting = peer.services[key] = asyncio.ensure_future(_start(peer, service, transport, address, port, told))
    problem = starting.result() if starting.done() else await asyncio.shield(starting)
    if problem.startswith("!"):
        raise NotServed(problem[1:])
    return problem


async def _start(peer: LivePeer, name: str, transport: str, address: str, port: int, told: Told) -> str:
    """Starts it and returns its id, or ``!`` and why it could not."""
    id_ = peer.new_id("s")
    service = Service()
    peer.watch(id_, service)
    peer.send(contract.command("serve", id=id_, service=name, transport=transport, address=address, port=port, **told.get(name, {})))
    ready = "listening" if transport == "tcp" else "bound"
    await wait_until(service, peer, lambda: service.done or any(s.step == ready for s in service.steps), SETTLE_SECONDS * peer.slower)
    if service.done or service.local() is None:
        return "!" + why_not_served(service)
    return id_


def why_not_served(activity: Activity) -> str:
    """What a service or a server's script tells of its failure to begin."""
    if activity.fault:
        return activity.fault
    failed = next((s for s in activity.steps if s.step == "failed"), None)
    if failed:
        return f"{failed.error}: {failed.says}"
    return "it did not report in time that it listens"
