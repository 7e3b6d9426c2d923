"""The words of a spec file, and what each may hold. Unknown words are refused.

Owns the shape only: parameters are filled in before (``expand``), meaning is given after (``compile``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from harness.model.payload import MAX_OCTETS
from harness.model.transports import LOCAL, NETWORKED
from harness.spec.files import File, Operation
from harness.spec.media import Stream
from harness.spec.names import Asked, Question, Zone
from harness.spec.probes import Reply, ServerProbe
from harness.spec.recipe import Payload
from harness.spec.talk import Delivery, Message, Turn
from harness.spec.words import Cuts, Requires, Strict, listed, pattern

Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Family = Literal["ipv4", "ipv6"]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
Header = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]


def _pairs(value: Any) -> Any:
    """Fields as a mapping (a list of values repeats the field) or as a list of pairs: always a list of pairs."""
    if not isinstance(value, dict):
        return value
    return [(name, one) for name, held in value.items() for one in (held if isinstance(held, list) else [held])]


Standard = Annotated[int, Field(ge=1)] | Literal["POSIX", "LINUX"]
"""An RFC's number, POSIX (IEEE Std 1003.1-2017), or what Linux has besides."""
Failure = Literal["refused", "reset", "timeout", "unreachable", "ended", "missing", "full", "empty", "too-large"]
Signal = Annotated[str, Field(pattern=r"^[A-Z0-9]+(\+[0-9]+)?$")]
Signals = Annotated[list[Signal], BeforeValidator(listed), Field(min_length=1)]
Failures = Annotated[list[Failure], BeforeValidator(listed)]
Fields = Annotated[list[tuple[Header, str]], BeforeValidator(_pairs)]


class Send(Strict):
    """What is sent, and cut how: ``writes`` are the sizes of the single writes, the last one repeating; ``cuts`` the offsets between them;
    ``gap`` is how many milliseconds the peer stalls between two. On one machine also: ``descriptor``, a descriptor that holds this goes
    with it; ``priority`` of a message, ``now``: without waiting; a ``signal`` instead of a payload, with a ``value`` or without.
    """

    payload: Payload | None = None
    descriptor: Payload | None = None
    priority: Annotated[int, Field(ge=0, le=31)] | None = None
    now: bool = False
    signal: Signal | None = None
    value: Annotated[int, Field(ge=-(2**31), le=2**31 - 1)] | None = None
    writes: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] | None = None
    cuts: Cuts | None = None
    gap: Milliseconds = 0
    within: Milliseconds | None = None
    count: Annotated[int, Field(ge=1, le=10_000)] = 1
    fails: Failures = []
    requires: Requires = []

    @model_validator(mode="after")
    def _one_way_to_cut(self) -> Send:
        if (self.payload is None) == (self.signal is None):
            raise ValueError("what is sent is a 'payload', or on one machine a 'signal'")
        if self.writes and self.cuts:
            raise ValueError("'writes' and 'cuts' exclude each other")
        if self.cuts and self.cuts != sorted(set(self.cuts)):
            raise ValueError("'cuts' are offsets in rising order")
        return self


class Expect(Strict):
    """What must be seen next. ``octets`` or ``datagrams``: exactly these; ``matches``: a content rule; ``line``: a line that
    this regular expression describes to its end;
    ``then: end``: the other side's FIN after it; ``nothing``: silence for so many milliseconds; ``fails``: reading must fail so. On one
    machine also: ``records``, as datagrams; with them a ``descriptor`` that holds this, a ``priority``; ``signals`` in the order in which
    they are delivered, with their ``values``; ``now``: without waiting.
    """

    octets: Payload | None = None
    datagrams: Payload | None = None
    records: Payload | None = None
    descriptor: Payload | None = None
    priority: Annotated[int, Field(ge=0, le=31)] | None = None
    signals: Signals | None = None
    values: Annotated[list[int], Field(min_length=1)] | None = None
    now: bool = False
    count: Annotated[int, Field(ge=1, le=10_000)] = 1
    order: Literal["kept", "any"] = "kept"
    matches: str | None = None
    line: str | None = None
    size: Annotated[int, Field(ge=0, le=MAX_OCTETS)] | None = None
    then: Literal["end"] | None = None
    nothing: Milliseconds | None = None
    fails: Failures = []
    within: Milliseconds | None = None
    requires: Requires = []

    @model_validator(mode="after")
    def _something(self) -> Expect:
        said = [w for w in ("octets", "datagrams", "records", "signals", "line", "matches", "nothing") if getattr(self, w) is not None]
        if len(said) > 1:
            raise ValueError(f"'{said[0]}' and '{said[1]}' exclude each other")
        if self.fails and (said or self.then):
            raise ValueError(f"'fails' and '{(*said, 'then')[0]}' exclude each other")
        if not said and not self.then and not self.fails:
            raise ValueError(
                "say what is expected: 'octets', 'datagrams', 'records', 'signals', 'line', 'matches', 'nothing', 'fails' or 'then: end'"
            )
        if self.line is not None:
            pattern(self.line)
        if self.values and len(self.values) != len(self.signals or ()):
            raise ValueError("there are as many 'values' as 'signals'")
        if self.nothing is not None and self.then:
            raise ValueError("'nothing' and 'then' exclude each other")
        return self


class Wait(Strict):
    """A pause, in milliseconds; or until the queue that this side receives from holds so many ``messages``."""

    ms: Milliseconds | None = None
    messages: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _for_something(self) -> Wait:
        if (self.ms is None) == (self.messages is None):
            raise ValueError("'wait' has milliseconds, or 'messages'")
        return self


class Plain(Strict):
    """The arguments of a step that needs none."""

    within: Milliseconds | None = None


class Accept(Plain):
    """``credentials``: the other process must be who it says it is, by what the system tells of it."""

    credentials: bool = False


class Masked(Plain):
    """The signals that are held back, or no longer."""

    signals: Signals


class Connect(Accept):
    """``fails``: no connection may come about, for one of these reasons."""

    fails: Failures = []
    requires: Requires = []


def _send(value: Any) -> Any:
    return {"payload": value} if isinstance(value, dict) and value.keys() & {"pattern", "text", "hex"} else value


def _expect(value: Any) -> Any:
    return {"then": "end"} if value == "end" else {"fails": ["reset"]} if value == "reset" else value


def _masked(value: Any) -> Any:
    return {"signals": value} if isinstance(value, str | list) else value


def _wait(value: Any) -> Any:
    return {"ms": value} if isinstance(value, int) and not isinstance(value, bool) else value


class Step(Strict):
    """One step of a script: exactly one of these words. Those without arguments are written bare: ``- connect``."""

    connect: Connect | None = None
    accept: Accept | None = None
    send: Annotated[Send, BeforeValidator(_send)] | None = None
    expect: Annotated[Expect, BeforeValidator(_expect)] | None = None
    half_close: Plain | None = Field(default=None, alias="half-close")
    close: Plain | None = None
    reset: Plain | None = None
    wait: Annotated[Wait, BeforeValidator(_wait)] | None = None
    block: Annotated[Masked, BeforeValidator(_masked)] | None = None
    unblock: Annotated[Masked, BeforeValidator(_masked)] | None = None
    join: Plain | None = None
    leave: Plain | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {value: {}} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Step:
        if len(self.model_fields_set) != 1:
            raise ValueError("a step is exactly one of: " + ", ".join(STEP_WORDS))
        return self


STEP_WORDS = tuple(field.alias or name for name, field in Step.model_fields.items())


class Resource(Strict):
    """One resource of the http service's site (``peers/README.md``, http)."""

    path: Annotated[str, Field(pattern=r"^/[!-~]*$")]
    method: str
    status: Annotated[int, Field(ge=200, le=599)]
    fields: Fields = []
    body: Payload | Literal["request"] | None = None
    coding: Literal["length", "chunked"] = "length"
    etag: str | None = None


class Request(Strict):
    """One HTTP request; the target is in origin-form and percent-encoded."""

    method: Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
    target: Annotated[str, Field(pattern=r"^(/[!-~]*|\*)$")]
    fields: Fields = []
    body: Payload | None = None
    coding: Literal["length", "chunked"] = "length"


class Answer(Strict):
    """The response that must come. A body that is not stated is not looked at, but both sides must agree on it."""

    status: Annotated[int, Field(ge=100, le=599)]
    fields: Fields = []
    present: list[Header] = []
    absent: list[Header] = []
    body: Payload | Literal["same", "none"] | None = None
    requires: Requires = []


class Exchange(Strict):
    """A request and its response."""

    request: Request
    expect: Answer


class ClientProbe(Reply):
    """A request that a client is to make, and what it gets for it."""

    request: Request


class Seen(Strict):
    """What the wire must show: a wire rule, the side that it looks at, and how often."""

    rule: str
    by: Literal["client", "server"]
    count: Annotated[int, Field(ge=1)] = 1
    requires: Requires = []


class Room(Strict):
    """How much there is room for: octets of each ring, or messages of each queue and octets of a message."""

    octets: Annotated[int, Field(ge=1, le=MAX_OCTETS)] | None = None
    messages: Annotated[int, Field(ge=1, le=10)] | None = None
    size: Annotated[int, Field(ge=1, le=8192)] | None = None


CLIENTS = {
    "client": "a script", "exchange": "HTTP requests", "mail": "SMTP", "operations": "FTP", "stream": "RTP", "dialogue": "commands and replies",
    "questions": "DNS", "queries": "DNS", "probe": "HTTP", "probe_client": "HTTP",
}  # fmt: skip
"""What the client's side of a conversation may be."""


class Conversation(Strict):
    """One conversation, parameters filled in."""

    id: Id
    says: Annotated[str, Field(min_length=1)]
    requires: Annotated[Requires, Field(min_length=1)]
    families: Annotated[list[Family], Field(min_length=1)] = ["ipv4", "ipv6"]
    client: Annotated[list[Step], Field(min_length=1)] | None = None
    server: Annotated[list[Step], Field(min_length=1)] | None = None
    exchange: Annotated[list[Exchange], Field(min_length=1)] | None = None
    mail: Annotated[list[Delivery], Field(min_length=1)] | None = None
    stream: Stream | None = None
    questions: Annotated[list[Question], Field(min_length=1)] | None = None
    queries: Annotated[list[Asked], Field(min_length=1)] | None = None
    cuts: Cuts | None = None
    operations: Annotated[list[Operation], Field(min_length=1)] | None = None
    active: bool = False
    login: tuple[str, str] | None = None
    dialogue: Annotated[list[Turn], Field(min_length=1)] | None = None
    arrives: list[Message] | None = None
    probe: ServerProbe | None = None
    probe_client: ClientProbe | None = Field(default=None, alias="probe-client")
    why: str = ""
    disputed: str = ""
    wire: list[Seen] = []
    connections: Annotated[int, Field(ge=1)] | None = None
    times: Annotated[int, Field(ge=1, le=10)] = 1
    clients: Annotated[int, Field(ge=1, le=32)] = 1
    backlog: Annotated[int, Field(ge=1, le=65_535)] | None = None
    room: Room | None = None
    joined: bool = False
    abstract: bool = False
    source: Literal["client", "other"] | None = None
    hops: Annotated[int, Field(ge=1, le=255)] | None = None
    at: Annotated[str, Field(pattern=r"^127(\.(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})){3}$")] | None = None
    reading: Literal["eager", "lazy"] = "eager"
    deadline: Annotated[int, Field(ge=100, le=600_000)] | None = None

    @model_validator(mode="after")
    def _one_client(self) -> Conversation:
        if sum(getattr(self, w) is not None for w in CLIENTS) != 1:
            words = ", ".join(f"'{type(self).model_fields[w].alias or w}' ({what})" for w, what in CLIENTS.items())
            raise ValueError(f"a conversation has exactly one of {words}")
        if (self.active or self.login) and self.operations is None:
            raise ValueError("'active' and 'login' belong to 'operations'")
        if self.cuts and self.queries is None:
            raise ValueError("'cuts' of a conversation are those of its queries over TCP")
        if self.arrives is not None and self.dialogue is None:
            raise ValueError("'arrives' is what a dialogue leaves at the server")
        if (self.why or self.disputed) and not (self.probe or self.probe_client):
            raise ValueError("'why' and 'disputed' belong to probes")
        return self


class Head(Strict):
    """A spec file without its conversations. ``place``: two hosts and a wire, or one machine, as what is no network's always is."""

    rfc: Standard
    section: Annotated[str, Field(min_length=1)]
    says: str = ""
    transport: Literal[*NETWORKED, *LOCAL]  # type: ignore[valid-type]
    place: Literal["wire", "machine"] = "wire"
    service: Literal["echo", "discard", "chargen", "qotd", "daytime", "time", "http", "smtp", "ftp", "dns", "rtp", "script", "nobody", "black-hole"]
    site: list[Resource] = []
    zone: Zone | None = None
    files: list[File] = []


class Requirement(Strict):
    """One normative statement: its RFC and clause, whom it binds, and how it can be seen. ``label``: its RFC's own name for it, or
    names (RFC 9293: MUST-13, SHLD-3); ``unchecked``: why it cannot be checked at all.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z]+[0-9]*(-[A-Za-z0-9.*]+)+$")]
    clause: str
    level: str
    role: str
    seen: Literal["behaviour", "wire", "both"]
    says: str
    label: Annotated[str, Field(pattern=r"^(MUST|SHLD|MAY|REC)-[0-9]+(, (MUST|SHLD|MAY|REC)-[0-9]+)*$")] = ""
    unchecked: str = ""


class RequirementFile(Strict):
    """All requirements of one RFC."""

    rfc: Standard
    title: str
    requirements: list[Requirement]
