"""The contract's JSON Schema, applied: which line breaks it, and where."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

PATH = Path(__file__).resolve().parents[2] / "peers" / "contract.schema.json"


@cache
def _validator(kind: str) -> Draft202012Validator:
    schema = json.loads(PATH.read_text(encoding="utf-8"))
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]})


def problem(kind: str, value: Any) -> str:
    """What is wrong with a ``command`` or an ``event``; empty if nothing is.

    Of a line with several steps, the first bad step is told, held against the rules for its own kind.
    """
    error = best_match(_validator(kind).iter_errors(value))
    if error is None:
        return ""
    if kind == "event" and isinstance(value, dict) and value.get("event") == "steps" and isinstance(value.get("steps"), list):
        for number, step in enumerate(value["steps"]):
            inner = best_match(_validator("step").iter_errors(step))
            if inner is not None:
                name = step.get("step") if isinstance(step, dict) else step
                return f"step {number + 1} ({name!r}): {_words(inner)}"
    return _words(error)


def _words(error: Any) -> str:
    where = "/".join(str(p) for p in error.absolute_path)
    return (f"{where}: " if where else "") + str(error.message)[:300]
