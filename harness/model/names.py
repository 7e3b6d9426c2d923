"""What is asked of a name server, and what must come of it (RFC 1035). Frozen values."""

from __future__ import annotations

import msgspec

Data = tuple[str | int, ...]
"""A record's data, as the contract lists it (``peers/dns.md``)."""


class Question(msgspec.Struct, frozen=True):
    """A question to a resolver, and its answer: records in any order; ``rcode``: held against where the resolver shows it, empty: not."""

    name: str
    type: str
    records: tuple[Data, ...]
    rcode: str = ""
    requires: tuple[str, ...] = ()


class Response(msgspec.Struct, frozen=True):
    """What the response to a query must be. ``query``: its octets; ``answers``: (type, data) of every record, None: not looked at;
    ``authority``: types there; ``aa``, ``tc``: flags, None: not looked at. ``silent``: there must be none.
    """

    query: str
    rcode: tuple[int, ...] = (0,)
    aa: bool | None = None
    tc: bool | None = None
    answers: tuple[tuple[str, Data], ...] | None = None
    authority: tuple[str, ...] | None = None
    silent: bool = False
    bare: bool = False
    requires: tuple[str, ...] = ()
