"""Probes aimed at a server that somebody else started: whose resources nobody knows but for one path. Pure.

All that is asked of the site of the contract is asked of that path. The controls ask no more than any server can do: one for requests
without content, one for those with it, for probes that need the one or the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from harness.model.case import Scenario, Script
from harness.spec.compile import server_control

_PATHS = ("/probe", "/sentinel", "/mirror", "/chunked", "/empty")
_CONTROLS = {
    "plain": (
        "GET /probe HTTP/1.1\r\nHost: parley.example\r\n\r\n" * 2 + "HEAD /probe HTTP/1.1\r\nHost: parley.example\r\n\r\n",
        ("GET", "GET", "HEAD"),
    ),
    "content": (
        "POST /mirror HTTP/1.1\r\nHost: parley.example\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
        "POST /mirror HTTP/1.1\r\nHost: parley.example\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ("POST", "POST"),
    ),
}
"""Requests of a stranger's controls and their methods, without the sentinel."""
_PATIENCE = 3000


def aimed(scenarios: Iterable[Scenario], path: str, families: tuple[str, ...]) -> list[Scenario]:
    """The probes of servers among the scenarios, with their controls, aimed at ``path``."""
    controls = {kind: _aimed(server_control(kind, *control, patience=_PATIENCE), path) for kind, control in _CONTROLS.items()}
    return [
        msgspec.structs.replace(_aimed(s, path), control=controls["content" if "POST" in s.probe.methods else "plain"], families=families)
        for s in scenarios
        if s.probe and s.probe.of == "server"
    ]


def _aimed(scenario: Scenario, path: str) -> Scenario:
    assert scenario.client is not None
    return msgspec.structs.replace(scenario, client=_script(scenario.client, path))


def _script(script: Script, path: str) -> Script:
    return msgspec.structs.replace(script, steps=tuple(_step(step, path.encode()) for step in script.steps))


def _step(step: dict[str, Any], path: bytes) -> dict[str, Any]:
    if step["do"] != "send":
        return step
    octets = bytes.fromhex(step["payload"]["hex"])
    for name in _PATHS:
        octets = octets.replace(name.encode() + b" ", path + b" ").replace(name.encode() + b"?", path + b"?")
    return {**step, "payload": {"hex": octets.hex()}}
