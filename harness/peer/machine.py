"""A platform's machine of its own: what starts it, and what each of its cards and ports needs.

Owns what a platform file may say of a machine. Does not start it.
"""

from __future__ import annotations

from pydantic import Field

from harness.peer.parts import Argv, Strict


class Machine(Strict):
    """``command`` starts it, with ``{packed}`` for the archive of the peers' files; its standard output is the console. For each host that it
    has, ``card`` is added to the command, with ``{number}``, ``{mac}`` and ``{tap}``; for each place of a peer, ``port``, with ``{number}`` and
    ``{serial}``. ``{tap}`` and ``{serial}`` are file descriptors that it inherits. ``hosts``: so many a machine has, empty: as many as a run needs;
    where it is given, as many machines are started as the run needs, and no two peers share one. ``announces``: whether its ports say when they
    are ready, and start what they are told to; else each starts its one peer by itself.
    """

    command: Argv
    card: Argv
    port: Argv
    hosts: int | None = Field(default=None, ge=1)
    announces: bool = True
    boot_seconds: float = Field(default=30.0, alias="boot-seconds", gt=0, le=600)
