"""Probes in specs: their words, and what becomes of them.

Octets are written as text, each character from U+0000 to U+00FF one octet, or as a list of pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from harness.model import case as m
from harness.model import probe as p
from harness.model.payload import Payload
from harness.spec.words import Strict

KEEP = 65_536
PATIENCE, SHORT_PATIENCE = 5_000, 700
"""Milliseconds for the last answers to come: where the connection may stay open, silence must not take long."""
AWAIT = 3_000
HEAD_END = b"\r\n\r\n"
CONTROL_REQUESTS = (
    "GET /probe HTTP/1.1\r\nHost: parley.example\r\n\r\n"
    "GET /nowhere HTTP/1.1\r\nHost: parley.example\r\n\r\n"
    "POST /mirror HTTP/1.1\r\nHost: parley.example\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
    "POST /mirror HTTP/1.1\r\nHost: parley.example\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    "HEAD /probe HTTP/1.1\r\nHost: parley.example\r\n\r\n"
)
CONTROL_METHODS = ("GET", "GET", "POST", "POST", "HEAD")
CONTROL_RESPONSE = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 8\r\n\r\ncontrol\n"
Milliseconds = Annotated[int, Field(ge=0, le=60_000)]


class Piece(Strict):
    """A part of what is sent: ``text`` (octets as characters), ``hex`` or a ``constant`` octet ``times`` over; or ``wait``: milliseconds, or
    ``await``: until the head of an answer came.
    """

    text: str | None = None
    hex: Annotated[str, Field(pattern=r"^([0-9a-fA-F]{2})*$")] | None = None
    constant: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    times: Annotated[int, Field(ge=1, le=300_000)] = 1
    wait: Milliseconds | None = None
    answer: Literal["response"] | None = Field(default=None, alias="await")

    @model_validator(mode="after")
    def _one(self) -> Piece:
        if sum(getattr(self, w) is not None for w in ("text", "hex", "constant", "wait", "answer")) != 1:
            raise ValueError("a piece is exactly one of 'text', 'hex', 'constant' (with 'times'), 'wait', 'await'")
        if any(ord(c) > 255 for c in self.text or self.constant or ""):
            raise ValueError("each character stands for one octet: none may be above U+00FF (write other octets as \\xHH)")
        return self

    def octets(self) -> bytes:
        """What it sends."""
        if self.hex is not None:
            return bytes.fromhex(self.hex)
        return (self.text or "").encode("latin-1") + (self.constant or "").encode("latin-1") * self.times


def _pieces(value: Any) -> Any:
    parts = value if isinstance(value, list) else [value]
    return [{"text": part} if isinstance(part, str) else part for part in parts]


Pieces = Annotated[list[Piece], Field(min_length=1), BeforeValidator(_pieces)]
_Status = Annotated[str, Field(pattern=r"^([1-5][0-9]{2}|[1-5]xx|served|none)$")]


def _statuses(value: Any) -> Any:
    parts = value if isinstance(value, list) else [value]
    return [str(part) if isinstance(part, int) and not isinstance(part, bool) else part for part in parts]


def _sequence(value: Any) -> Any:
    return [_statuses(part) for part in value] if isinstance(value, list) else value


class Body(Strict):
    """Content as text or hexadecimal octets."""

    text: str | None = None
    hex: str | None = None


class Outcome(Strict):
    """Something that may come of a probe: ``status`` is of one answer, ``answers`` of several in their order."""

    status: Annotated[list[_Status], BeforeValidator(_statuses)] | None = None
    answers: Annotated[list[list[_Status]], BeforeValidator(_sequence)] | None = None
    body: Annotated[Body, BeforeValidator(lambda v: {"text": v} if isinstance(v, str) else v)] | None = None
    interim: Annotated[list[int], BeforeValidator(lambda v: v if isinstance(v, list) else [v])] | None = None
    fields: dict[str, str] = {}
    present: list[str] = []
    framing: list[Literal["none", "length", "chunked", "close"]] = []
    complete: bool | None = None
    fails: bool = False
    then: Literal["close", "sentinel", "open", "any"] = "any"

    @model_validator(mode="after")
    def _one(self) -> Outcome:
        if self.status is not None and self.answers is not None:
            raise ValueError("'status' is of one answer, 'answers' of several: say one of them")
        return self

    def value(self) -> p.Outcome:
        """As run and judge share it."""
        answers = None if self.answers is None else tuple(tuple(one) for one in self.answers)
        if self.status is not None:
            answers = () if self.status == [p.NONE] else (tuple(self.status),)
        return p.Outcome(
            answers=answers,
            body=None if self.body is None else Payload(text=self.body.text, hex=self.body.hex),
            interim=None if self.interim is None else tuple(self.interim),
            fields=tuple(self.fields.items()),
            present=tuple(self.present),
            framing=tuple(self.framing),
            complete=self.complete,
            fails=self.fails,
            then=self.then,
        )


Allow = Annotated[list[Outcome], Field(min_length=1), BeforeValidator(lambda v: v if isinstance(v, list) else [v])]


class ServerProbe(Strict):
    """Octets for a server. The sentinel, an ordinary request that ends the connection, follows in the same breath. ``cuts``: offsets at which
    the octets are chopped, or ``each``: at every one; ``gap``: milliseconds between. ``known-site``: what is allowed
    speaks of resources that only the contract's site has (or has not).
    """

    send: Pieces
    cuts: list[Annotated[int, Field(ge=1)]] | Literal["each"] | None = None
    gap: Milliseconds = 0
    half_close: bool = Field(default=False, alias="half-close")
    methods: list[str] | None = None
    sentinel: bool = True
    patience: Milliseconds | None = None
    known_site: bool = Field(default=False, alias="known-site")
    allow: Allow


class Reply(Strict):
    """The octets that answer a client's request. ``then``: what the server does after them."""

    answer: Pieces
    cuts: list[Annotated[int, Field(ge=1)]] | Literal["each"] | None = None
    gap: Milliseconds = 0
    then: Literal["close", "open", "reset"] = "open"
    allow: Allow


def server_scripts(spec: ServerProbe) -> tuple[m.Script, p.Probe]:
    """The prober's steps, and the probe."""
    allow = tuple(outcome.value() for outcome in spec.allow)
    sentinel = sentinel_request() if spec.sentinel else b""
    steps: list[dict[str, Any]] = [{"do": "connect"}, *_sends(spec.send, sentinel, spec.cuts, spec.gap)]
    if spec.half_close:
        steps.append({"do": "half-close"})
    still = any((o.then in (p.OPEN, p.ANY) and (o.answers in (None, ()))) or o.then == p.OPEN for o in allow)
    patience = spec.patience or (SHORT_PATIENCE if still else PATIENCE)
    steps.append({"do": "receive", "until": "end", "within": patience, "keep": KEEP})
    first = _text(spec.send).lstrip(b"\r\n").split(b" ", 1)[0]
    methods = spec.methods if spec.methods is not None else [first.decode("latin-1")]
    return m.Script("client", tuple(steps)), p.Probe("server", allow, tuple(methods), spec.sentinel, known_site=spec.known_site)


def client_script(spec: Reply, method: str) -> tuple[m.Script, p.Probe]:
    """The steps of the server that answers, and the probe."""
    steps: list[dict[str, Any]] = [{"do": "accept"}, {"do": "receive", "through": HEAD_END.hex(), "keep": KEEP}]
    steps += _sends(spec.answer, b"", spec.cuts, spec.gap)
    if spec.then == "reset":
        steps += [{"do": "wait", "ms": 50}, {"do": "reset"}]
    elif spec.then == "close":
        steps += [{"do": "half-close"}, {"do": "receive", "until": "end"}, {"do": "close"}]
    else:
        steps += [{"do": "receive", "until": "end"}, {"do": "close"}]
    allow = tuple(outcome.value() for outcome in spec.allow)
    return m.Script("server", tuple(steps)), p.Probe("client", allow, (method,), sentinel=False)


def _text(pieces: Iterable[Piece]) -> bytes:
    return b"".join(piece.octets() for piece in pieces)


def _sends(pieces: Sequence[Piece], tail: bytes, cuts: Sequence[int] | str | None, gap: int) -> Iterable[dict[str, Any]]:
    """The steps that send all pieces; those that follow each other without a pause go out in one."""
    held = b""
    for piece in pieces:
        if piece.wait is None and piece.answer is None:
            held += piece.octets()
            continue
        if held:
            yield _send(held, cuts, gap)
            held = b""
        if piece.wait is not None:
            yield {"do": "wait", "ms": piece.wait}
        else:
            yield {"do": "receive", "through": HEAD_END.hex(), "within": AWAIT, "keep": KEEP}
    if held + tail:
        yield _send(held + tail, cuts, gap)


def _send(octets: bytes, cuts: Sequence[int] | str | None, gap: int) -> dict[str, Any]:
    step: dict[str, Any] = {"do": "send", "payload": {"hex": octets.hex()}}
    if cuts == "each":
        step["writes"] = [1]
    elif cuts:
        step["writes"] = sizes([c for c in cuts if isinstance(c, int)], len(octets))
    return {**step, "gap": gap} if gap else step


def sizes(cuts: Sequence[int], length: int) -> list[int]:
    """The sizes of the pieces between offsets, up to ``length`` octets."""
    places = [0, *(cut for cut in cuts if cut < length), length]
    return [b - a for a, b in pairwise(places)] or [1]


def sentinel_request() -> bytes:
    """An ordinary request, whose response shows that the server found its beginning."""
    return f"GET {p.SENTINEL_PATH} HTTP/1.1\r\nHost: parley.example\r\nConnection: close\r\n\r\n".encode()
