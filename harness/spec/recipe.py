"""Payload recipes as a spec writes them, and as a value."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from harness.model.payload import MAX_OCTETS, PATTERNS
from harness.model.payload import Payload as Recipe
from harness.spec.words import Strict


class Payload(Strict):
    """A payload recipe: a pattern with seed and size, a text, or octets in hexadecimal."""

    pattern: Literal["every-octet", "constant", "text", "random"] | None = None
    seed: Annotated[int, Field(ge=0, le=0xFFFFFFFF)] = 0
    size: Annotated[int, Field(ge=0, le=MAX_OCTETS)] = 0
    text: str | None = None
    hex: Annotated[str, Field(pattern=r"^([0-9a-fA-F]{2})*$")] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Payload:
        kinds = [k for k in (self.pattern, self.text, self.hex) if k is not None]
        if len(kinds) != 1:
            raise ValueError(f"a payload is made by one of 'pattern' ({', '.join(PATTERNS)}), 'text' and 'hex'")
        return self


def payload(spec: Payload) -> Recipe:
    """The recipe as a value."""
    return Recipe(spec.pattern, spec.seed, spec.size, spec.text, spec.hex.lower() if spec.hex is not None else None)
