"""The commands that hold a conversation, encoded once for each scenario: only id and address differ from case to case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.model.case import Scenario, Script
from harness.model.trace import Address
from harness.network.base import Host
from harness.peer import contract

_encoded: dict[tuple[int, str], tuple[Scenario, bytes]] = {}
"""By the scenario's identity, which holds as long as it is kept here."""


def client_command(scenario: Scenario, id_: str, asked: Address, more: Mapping[str, Any] | None = None) -> bytes:
    """What makes a client hold its side; ``more``: further members of a script's command."""
    if scenario.client:
        return script_command(scenario, scenario.client, id_, *asked, more)
    return _finish(_head(scenario, "ask", lambda: _ask_head(scenario)), id_, *asked)


def script_command(scenario: Scenario, script: Script, id_: str, address: str, port: int, more: Mapping[str, Any] | None = None) -> bytes:
    """What makes a peer go through a script; a server's steps once for each client."""
    head = _head(scenario, script.role, lambda: _script_head(scenario, script))
    return _finish(head + b"," + contract.encode(more)[1:-1] if more else head, id_, address, port)


def on_interface(host: Host, family: str) -> dict[str, Any]:
    """Where groups are joined on a host, and sent to from there."""
    return {"interface": host.interface, "local": host.addresses[family]}


def _head(scenario: Scenario, kind: str, make: Callable[[], dict[str, Any]]) -> bytes:
    known = _encoded.get((id(scenario), kind))
    if known is None:
        known = _encoded[id(scenario), kind] = (scenario, contract.encode(make())[:-1])
    return known[1]


def _finish(head: bytes, id_: str, address: str, port: int) -> bytes:
    return b'%b,"id":"%b","address":"%b","port":%d}\n' % (head, id_.encode(), address.encode(), port)


def _script_head(scenario: Scenario, script: Script) -> dict[str, Any]:
    head: dict[str, Any] = {
        "do": "script",
        "role": script.role,
        "transport": scenario.transport,
        "steps": script.steps,
        "reading": script.reading,
        "deadline": scenario.deadline,
    }
    if script.role == "server":
        head["steps"] = script.steps * scenario.clients
        if scenario.backlog is not None:
            head["backlog"] = scenario.backlog
        if scenario.joined:
            head["joined"] = True
    elif scenario.hops is not None:
        head["hops"] = scenario.hops
    if scenario.room is not None:
        head["room"] = scenario.room
    return head


def _ask_head(scenario: Scenario) -> dict[str, Any]:
    return {"do": "ask", "service": scenario.asks, **_asked(scenario), "deadline": scenario.deadline}


def _asked(scenario: Scenario) -> dict[str, Any]:
    """What is asked, in the members of its service."""
    if scenario.questions:
        return {"questions": [{"name": q.name, "type": q.type} for q in scenario.questions]}
    if scenario.messages:
        told = [d.message for d in scenario.messages]
        return {"messages": [{"from": m.sender, "recipients": m.recipients, "content": m.content.as_told()} for m in told]}
    if session := scenario.session:
        operations = [o.told for o in session.operations]
        return {"user": session.user, "password": session.password, "active": session.active, "operations": operations}
    if scenario.stream:
        return {"stream": scenario.stream.told}
    return {"requests": [e.request for e in scenario.exchanges]}
