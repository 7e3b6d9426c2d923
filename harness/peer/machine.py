"""A platform's machine of its own: what starts it, and what each host of it needs.

Owns what a platform file may say of a machine. Does not start it.
"""

from __future__ import annotations

from pydantic import Field

from harness.peer.parts import Argv, Strict


class Machine(Strict):
    """``command`` starts it."""

    command: Argv
    host: list[str] = []
    hosts: int = Field(default=0, ge=0)
    boot_seconds: float = Field(default=10.0, alias="boot-seconds", gt=0)
