"""The words of conversations with a name server (RFC 1035): zones, questions to resolvers, and queries made octet by octet.

Owns their shape, and how a query becomes octets.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from harness.model import case as m
from harness.model import names
from harness.spec.probes import sizes
from harness.spec.words import Requires, Strict, listed

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "ANY": 255}
RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}
KEEP_MESSAGE = 65_535
MAX_NAME = 255

Text = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Data = Annotated[list[str | int], Field(min_length=1)]
Octets = Annotated[str, Field(pattern=r"^([0-9a-fA-F]{2})*$")]


def _records(value: Any) -> Any:
    """Records whose data is one text may be written as that text."""
    return [listed(one) for one in value] if isinstance(value, list) else value


class Record(Strict):
    """One record of the zone; the name is written in full, without the last dot."""

    name: Text
    type: Annotated[str, Field(pattern=r"^[A-Z]+$")]
    ttl: Annotated[int, Field(ge=0)] = 300
    data: Annotated[Data, BeforeValidator(listed)]


class Zone(Strict):
    """What every name server of a run is told: all specs share one origin, and their records are put together."""

    origin: Text
    records: list[Record]


class Question(Strict):
    """A question for a resolver, and what it must find."""

    name: Text
    type: Annotated[str, Field(pattern=r"^(A|AAAA|CNAME|MX|NS|PTR|SOA|SRV|TXT)$")]
    records: Annotated[list[Data], BeforeValidator(_records)] = []
    rcode: str = ""
    requires: Requires = []

    @model_validator(mode="after")
    def _known(self) -> Question:
        if self.rcode and self.rcode not in RCODES:
            raise ValueError(f"'rcode' is one of {', '.join(RCODES)}")
        return self


class Query(Strict):
    """A query: its parts, or the octets of it. ``more``: octets behind the question; ``count``: what the header says of questions."""

    id: Annotated[int, Field(ge=0, le=0xFFFF)] = 0x1234
    name: str | None = None
    type: str | int = "A"
    class_: Annotated[int, Field(ge=0, le=0xFFFF, alias="class")] = 1
    opcode: Annotated[int, Field(ge=0, le=15)] = 0
    rd: bool = False
    count: Annotated[int, Field(ge=0, le=0xFFFF)] = 1
    more: Octets = ""
    hex: Octets | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Query:
        if (self.name is None) == (self.hex is None):
            raise ValueError("a query has a 'name', or is given in 'hex'")
        if isinstance(self.type, str) and self.type not in TYPES:
            raise ValueError(f"'type' is a number, or one of {', '.join(TYPES)}")
        return self


class Responded(Strict):
    """What the response must be; its id and its question are always held against the query's."""

    rcode: Annotated[list[str], BeforeValidator(listed), Field(min_length=1)] = ["NOERROR"]
    aa: bool | None = None
    tc: bool | None = None
    answers: list[tuple[str, Annotated[Data, BeforeValidator(listed)]]] | None = None
    authority: list[str] | None = None
    requires: Requires = []

    @model_validator(mode="after")
    def _known(self) -> Responded:
        if unknown := [r for r in self.rcode if r not in RCODES]:
            raise ValueError(f"'{unknown[0]}' is no rcode: they are {', '.join(RCODES)}")
        return self


class Asked(Strict):
    """A query and its response; ``silence``: there must be none, for so many milliseconds."""

    query: Query
    expect: Responded | None = None
    silence: Annotated[int, Field(ge=1, le=60_000)] | None = None

    @model_validator(mode="after")
    def _either(self) -> Asked:
        if (self.expect is None) == (self.silence is None):
            raise ValueError("say what comes: 'expect' or 'silence'")
        return self


def zone(spec: Zone) -> dict[str, Any]:
    """As the contract's ``serve`` takes it."""
    return {"origin": spec.origin, "records": [[r.name, r.type, r.ttl, list(r.data)] for r in spec.records]}


def question(spec: Question) -> names.Question:
    """As a value."""
    return names.Question(spec.name, spec.type, tuple(map(tuple, spec.records)), spec.rcode, tuple(spec.requires))


def octets(query: Query) -> bytes:
    """The query as it is sent (RFC 1035 4.1)."""
    if query.hex is not None:
        return bytes.fromhex(query.hex)
    flags = query.opcode << 11 | query.rd << 8
    head = b"".join(n.to_bytes(2, "big") for n in (query.id, flags, query.count, 0, 0, 0))
    labels = [label.encode() for label in (query.name or "").split(".") if label]
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    kind = query.type if isinstance(query.type, int) else TYPES[query.type]
    return head + name + kind.to_bytes(2, "big") + query.class_.to_bytes(2, "big") + bytes.fromhex(query.more)


def _response(asked: Asked) -> names.Response:
    query = octets(asked.query).hex()
    if asked.expect is None:
        return names.Response(query, silent=True)
    reply = asked.expect
    answers = tuple((kind, tuple(data)) for kind, data in reply.answers) if reply.answers is not None else None
    authority = tuple(reply.authority) if reply.authority is not None else None
    codes = tuple(RCODES[r] for r in reply.rcode)
    return names.Response(query, codes, reply.aa, reply.tc, answers, authority, requires=tuple(reply.requires), bare=asked.query.hex is not None)


def script(queries: list[Asked], transport: str, cuts: list[int]) -> m.Script:
    """A client's script: over UDP one query after the other, over TCP all of them at once, then the end."""
    return _datagrams(queries) if transport == "udp" else _stream(queries, cuts)


def _datagrams(queries: list[Asked]) -> m.Script:
    steps: list[dict[str, Any]] = [{"do": "connect"}]
    checks: list[m.Check] = []
    for asked in queries:
        response = _response(asked)
        steps.append({"do": "send", "payload": {"hex": response.query}})
        if response.silent:
            checks.append(m.Check(len(steps), quiet=True, requires=response.requires))
            steps.append({"do": "receive", "quiet": asked.silence})
        else:
            checks.append(m.Check(len(steps), responses=(response,), requires=response.requires))
            steps.append({"do": "receive", "count": 1, "keep": KEEP_MESSAGE})
    return m.Script("client", tuple(steps), tuple(checks))


def _stream(queries: list[Asked], cuts: list[int]) -> m.Script:
    responses = tuple(_response(asked) for asked in queries)
    framed = b"".join(len(one).to_bytes(2, "big") + one for one in (bytes.fromhex(r.query) for r in responses))
    send: dict[str, Any] = {"do": "send", "payload": {"hex": framed.hex()}}
    if cuts:
        send |= {"writes": sizes(cuts, len(framed)), "gap": 10}
    receive = {"do": "receive", "until": "end", "keep": 4 * KEEP_MESSAGE}
    check = m.Check(3, responses=tuple(r for r in responses if not r.silent), end=True, requires=responses[0].requires)
    return m.Script("client", ({"do": "connect"}, send, {"do": "half-close"}, receive), (check,))
