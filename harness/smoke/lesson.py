"""What is wrong with an event, in words that a newcomer can act on: held against the one shape that it claims to have.

Owns the choice of that shape from ``contract.schema.json``. What is valid is decided by ``harness.peer.schema`` alone.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from harness.peer.schema import PATH, problem

_MOST = 3


def lesson(event: Any) -> str:
    """What is wrong with an event; empty if nothing is."""
    says = problem("event", event)
    if not says:
        return ""
    if not isinstance(event, dict):
        return "it is no object"
    if event.get("event") not in _shapes("event"):
        return f'"event" is {event.get("event")!r}; there are {", ".join(map(repr, _shapes("event")))}'
    return "; ".join([*_steps(event), *_misses("event", event["event"], event)][:_MOST]) or says


def _steps(event: dict[str, Any]) -> list[str]:
    steps = event.get("steps")
    found = []
    for number, step in enumerate(steps if isinstance(steps, list) else (), 1):
        if not isinstance(step, dict) or step.get("step") not in _shapes("step"):
            found.append(f"step {number} is none of {', '.join(_shapes('step'))}")
        else:
            found += [f"step {number} ('{step['step']}'): {miss}" for miss in _misses("step", step["step"], step)]
    return found


def _misses(kind: str, name: str, value: dict[str, Any]) -> list[str]:
    errors = [e for e in _shapes(kind)[name].iter_errors(value) if not (kind == "event" and e.absolute_path and e.absolute_path[0] == "steps")]
    return ["/".join(str(p) for p in e.absolute_path) + (": " if e.absolute_path else "") + e.message[:200] for e in errors]


@cache
def _shapes(kind: str) -> dict[str, Draft202012Validator]:
    definitions = json.loads(PATH.read_text(encoding="utf-8"))["$defs"]
    shapes = {shape["properties"][kind]["const"]: shape for shape in definitions[kind]["oneOf"]}
    return {name: Draft202012Validator({**shape, "$defs": definitions}) for name, shape in shapes.items()}
