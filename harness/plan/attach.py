"""Probes aimed at a server that somebody else started: whose resources nobody knows but for one path. Pure.

All that is asked of the site of the contract is asked of that path. The controls ask no more than any server can do: one for requests
without content, one for those with it, for probes that need the one or the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from harness.model.case import Scenario, Script
from harness.model.probe import Probe
from harness.spec import probes

_PATHS = ("/probe", "/sentinel", "/mirror", "/chunked", "/empty")
CONTROL_METHODS = {"plain": ("GET", "GET", "HEAD"), "content": ("POST", "POST")}
"""Of a stranger's controls, without the sentinel's."""
_REQUESTS = {
    "plain": "GET /probe HTTP/1.1\r\nHost: parley.example\r\n\r\n" * 2 + "HEAD /probe HTTP/1.1\r\nHost: parley.example\r\n\r\n",
    "content": "POST /mirror HTTP/1.1\r\nHost: parley.example\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
    "POST /mirror HTTP/1.1\r\nHost: parley.example\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
}


def aimed(scenarios: Iterable[Scenario], path: str, families: tuple[str, ...]) -> list[Scenario]:
    """The probes of servers among the scenarios, with their controls, aimed at ``path``."""
    controls = {kind: _control(kind, path) for kind in _REQUESTS}
    found = []
    for s in scenarios:
        if s.probe and s.probe.of == "server" and s.client:
            control = controls["content" if "POST" in s.probe.methods else "plain"]
            found.append(msgspec.structs.replace(s, client=_script(s.client, path), control=control, families=families))
    return found


def _control(kind: str, path: str) -> Scenario:
    spec = probes.ServerProbe.model_validate({"send": _REQUESTS[kind], "methods": list(CONTROL_METHODS[kind]), "allow": {}, "patience": 3000})
    script, probe = probes.server_scripts(spec)
    return Scenario(
        key=f"control/{kind}", says="Ordinary requests are understood.", requires=("",), transport="tcp", service="http",
        client=_script(script, path), probe=Probe("server", probe.allow, probe.methods),
    )  # fmt: skip


def _script(script: Script, path: str) -> Script:
    return msgspec.structs.replace(script, steps=tuple(_step(step, path.encode()) for step in script.steps))


def _step(step: dict[str, Any], path: bytes) -> dict[str, Any]:
    if step["do"] != "send":
        return step
    octets = bytes.fromhex(step["payload"]["hex"])
    for name in _PATHS:
        octets = octets.replace(name.encode() + b" ", path + b" ").replace(name.encode() + b"?", path + b"?")
    return {**step, "payload": {"hex": octets.hex()}}
