"""Servers that keep no contract, whose resources nobody knows but for one path: a program that a manifest starts, or one that somebody else
started. They take the probes of servers, and nothing else. Pure.

All that is asked of the site of the contract is asked of that path. The controls ask no more than any server can do: one for requests
without content, one for those with it, for probes that need the one or the other.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from harness.model.case import FAMILIES, Case, Scenario, Script
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


class Stranger(msgspec.Struct, frozen=True):
    """``path`` answers with 200 there; ``families``: where it can be reached."""

    path: str
    families: tuple[str, ...] = FAMILIES


def aim(cases: Iterable[Case], strangers: Mapping[str, Stranger]) -> list[Case]:
    """The cases without those that a stranger cannot hold as server, its probes aimed at what it has."""
    if not strangers:
        return list(cases)
    made: dict[tuple[str, str], Scenario] = {}
    return [aimed for case in cases if (aimed := _case(case, strangers.get(case.server), made))]


def _case(case: Case, stranger: Stranger | None, made: dict[tuple[str, str], Scenario]) -> Case | None:
    if stranger is None:
        return case
    if case.scenario.probe is None or case.scenario.probe.known_site or case.family not in stranger.families:
        return None
    key = (case.scenario.key, stranger.path)
    if key not in made:
        made[key] = _probe(case.scenario, stranger.path)
    return msgspec.structs.replace(case, scenario=made[key])


def _probe(scenario: Scenario, path: str) -> Scenario:
    assert scenario.probe is not None
    control = "content" if "POST" in scenario.probe.methods else "plain"
    return msgspec.structs.replace(_aimed(scenario, path), control=_control(control, path))


@functools.cache
def _control(kind: str, path: str) -> Scenario:
    """One value for all probes: what it costs to send is kept by identity."""
    return _aimed(server_control(kind, *_CONTROLS[kind]), path)


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
