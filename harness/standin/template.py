"""Command lines and files with holes: ``{name}`` stands for a value. Knows no program."""

from __future__ import annotations

import re
from collections.abc import Mapping


def filled(text: str, known: Mapping[str, str]) -> str:
    """The text with every hole filled for which there is a value."""
    return re.sub(r"\{([a-z]+)\}", lambda hole: known.get(hole[1], hole[0]), text)


def place(address: str, port: int) -> dict[str, str]:
    """What stands for an address and a port; ``host`` is the address as a URL has it (RFC 3986 section 3.2.2)."""
    return {"address": address, "host": f"[{address}]" if ":" in address else address, "port": str(port)}
