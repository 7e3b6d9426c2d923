"""What the words of all specs have in common: models that know no other words, and lists of which one alone may stand bare."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Strict(BaseModel):
    """A word's members: unknown ones are refused, and nothing is turned into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def listed(value: Any) -> Any:
    """One text or number, where a list of them may stand."""
    return [value] if isinstance(value, str | int) else value


def texts(value: Any) -> Any:
    """The same, and numbers as texts."""
    found = listed(value)
    return [str(one) for one in found] if isinstance(found, list) else value


def pattern(text: str) -> None:
    """Raises ``ValueError`` if the text is no regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"'{text}' is no regular expression: {error}") from None


Requires = Annotated[list[str], BeforeValidator(listed)]
Codes = Annotated[list[Annotated[str, Field(pattern=r"^[1-5][0-9x]{2}$")]], BeforeValidator(texts), Field(min_length=1)]
"""What a reply's code may be: digits, or ``x`` for any."""
Cuts = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
"""Where octets are parted into writes: offsets, in rising order."""
