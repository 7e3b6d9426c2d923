"""The JSON Schema of spec files, for editors: the model's own, with references allowed wherever a value is."""

from __future__ import annotations

import json
from typing import Any

from harness.spec import model

_REFERENCE = {"type": "string", "pattern": r"^\$[A-Za-z]"}
_NAMES: list[dict[str, Any]] = [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
_CODE: dict[str, Any] = {"type": ["integer", "string"], "pattern": "^[1-5][0-9x]{2}$"}
_PROBING = ("ServerProbe", "ClientProbe", "Outcome")
_BARE = ["connect", "accept", "half-close", "close", "reset", "join", "leave"]


def schema() -> dict[str, Any]:
    """The schema as a value."""
    definitions: dict[str, Any] = {}
    for kind in (model.Head, model.Conversation):
        made = kind.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= made.pop("$defs", {})
        definitions[kind.__name__] = made
    for kind_name, definition in definitions.items():
        for name, held in definition.get("properties", {}).items():
            words = _of_probes(name) if kind_name in _PROBING else _shorthands(name)
            definition["properties"][name] = {"anyOf": [held, _REFERENCE, *words]}
    definitions["Step"] = {"anyOf": [definitions["Step"], {"enum": _BARE}]}
    definitions["Conversation"]["properties"]["with"] = {"type": "object"}
    head = definitions.pop("Head")
    head["properties"]["conversations"] = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Conversation"}}
    head["required"] = [*head["required"], "conversations"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Parley spec", **head, "$defs": definitions}


def _shorthands(name: str) -> list[dict[str, Any]]:
    """What the loader also takes: fields as a mapping, a payload or a word in place of arguments."""
    taken: dict[str, list[dict[str, Any]]] = {
        "fields": [{"type": "object"}],
        "requires": [{"type": "string"}],
        "send": [{"$ref": "#/$defs/Payload"}],
        "expect": [{"enum": ["end", "reset"]}],
        "fails": [{"type": "string"}],
        "wait": [{"type": "integer"}],
        "signals": _NAMES,
        "say": [{"type": "string"}],
        "to": [{"type": "string"}],
        "reply": [_CODE, {"type": "array", "items": _CODE}],
        "replies": [{"type": "array", "items": {"type": "array", "items": _CODE}}],
        "status": [_CODE, {"type": "array", "items": _CODE}],
        "refused": [{"type": "object", "additionalProperties": _CODE}],
        "data": [{"type": ["string", "integer"]}],
        "records": [{"type": "array", "items": {"type": ["string", "array"]}}],
        "rcode": [{"type": "string"}],
        "answers": [{"type": "array"}],
        "dialogue": [{"type": "array"}],
        "block": _NAMES,
        "unblock": _NAMES,
    }
    return taken.get(name, [])


def _of_probes(name: str) -> list[dict[str, Any]]:
    """The same in probes: octets as a text or a list of pieces, one outcome in place of a list, statuses as numbers."""
    octets: list[dict[str, Any]] = [{"type": "string"}, {"type": "array", "items": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/Piece"}]}}]
    taken: dict[str, list[dict[str, Any]]] = {
        "send": octets,
        "answer": octets,
        "allow": [{"$ref": "#/$defs/Outcome"}],
        "status": [{"type": ["integer", "string", "array"]}],
        "answers": [{"type": "array"}],
        "body": [{"type": "string"}],
        "interim": [{"type": "integer"}],
        "cuts": [{"type": "array"}],
    }
    return taken.get(name, [])


def text() -> str:
    """The schema as it stands in ``specs/spec.schema.json``."""
    return json.dumps(schema(), indent=1) + "\n"
