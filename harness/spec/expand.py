"""Parameters: what stands under ``with`` becomes one binding for each combination of its alternatives.

Pure: plain values in, plain values out.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

from harness.model.case import safe
from harness.suggest import did_you_mean

MAX_BINDINGS = 4096
_REFERENCE = re.compile(r"\$([A-Za-z][A-Za-z0-9_-]*)(?:\.([A-Za-z][A-Za-z0-9_-]*))?\Z")
Binding = tuple[str, dict[str, Any]]
"""The part of the case id that tells this combination from the others, and the value of each parameter."""


class ReferenceProblem(Exception):
    """A ``$name`` that stands for nothing: ``path`` is where, from the root of the value."""

    def __init__(self, path: tuple[str | int, ...], says: str) -> None:
        super().__init__(says)
        self.path = path


def bindings(parameters: dict[str, Any]) -> list[Binding]:
    """All combinations. A list holds alternatives; a mapping has alternatives in each of its fields. An alternative
    that is a mapping is called by its field ``name``, if it has one.

    Raises ``ValueError`` when there are more than 4096 or a list is empty.
    """
    choices = [list(_alternatives(name, value)) for name, value in parameters.items()]
    for name, found in zip(parameters, choices, strict=True):
        if not found:
            raise ValueError(f"parameter '{name}' has an empty list: it would make no case at all")
    if math.prod(len(c) for c in choices) > MAX_BINDINGS:
        raise ValueError(f"these parameters make more than {MAX_BINDINGS} combinations")
    return [
        (",".join(label for label, _ in combination if label), dict(zip(parameters, (v for _, v in combination), strict=True)))
        for combination in itertools.product(*choices)
    ]


def _alternatives(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for one in value:
            yield f"{safe(name)}={_label(one)}", one
    elif isinstance(value, dict):
        fields = [list(_alternatives(k, v)) if isinstance(v, list) else [("", v)] for k, v in value.items()]
        for combination in itertools.product(*fields):
            label = ",".join(part for part, _ in combination if part)
            yield label, dict(zip(value, (v for _, v in combination), strict=True))
    else:
        yield "", value


def _label(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(_label(v) for v in value)
    if isinstance(value, dict):
        return _label(value["name"]) if "name" in value else "+".join(_label(v) for v in value.values())
    return safe(str(value).strip()) or "empty"


def substitute(value: Any, binding: dict[str, Any], path: tuple[str | int, ...] = ()) -> Any:
    """The value with every ``$name`` and ``$name.field`` replaced; ``$$`` at the start of a text stands for ``$``."""
    if isinstance(value, dict):
        return {k: substitute(v, binding, (*path, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [substitute(v, binding, (*path, i)) for i, v in enumerate(value)]
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    return value[1:] if value.startswith("$$") else _look_up(value, binding, path)


def origin(written: Any, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Where a value at ``path`` was written: below ``with``, if a reference brought it there."""
    for at, part in enumerate((*path, None)):
        reference = _REFERENCE.match(written) if isinstance(written, str) else None
        if reference:
            return ("with", *(g for g in reference.groups() if g), *path[at:])
        try:
            written = written[part]
        except (KeyError, IndexError, TypeError):
            break
    return path


def _look_up(text: str, binding: dict[str, Any], path: tuple[str | int, ...]) -> Any:
    match = _REFERENCE.match(text)
    if not match:
        raise ReferenceProblem(path, f"'{text}' is no reference: it is $name or $name.field ($$ stands for a dollar sign)")
    name, field = match.groups()
    if name not in binding:
        raise ReferenceProblem(path, f"'${name}' is not a parameter of this conversation{did_you_mean(name, binding)}")
    held = binding[name]
    if field is None:
        return held
    if not isinstance(held, dict) or field not in held:
        known = held if isinstance(held, dict) else ()
        raise ReferenceProblem(path, f"parameter '{name}' has no field '{field}'{did_you_mean(field, known)}")
    return held[field]
