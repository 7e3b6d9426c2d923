"""RFC 9110, HTTP semantics: what every exchange must show of it on the wire."""

from __future__ import annotations

import re
from collections.abc import Iterable

from harness.judge.rules.base import Always, Shown
from harness.model.http import Message
from harness.model.wire import Address, Wire

_DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3][0-9] (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} [0-2][0-9]:[0-5][0-9]:[0-6][0-9] GMT"
)
_TAG = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_DATES = ("date", "last-modified", "expires")
_MUST_HAVE = {
    401: ("WWW-Authenticate", "RFC9110-15.5.2-401-challenge"),
    405: ("Allow", "RFC9110-15.5.6-405-allow"),
    426: ("Upgrade", "RFC9110-15.5.22-426-upgrade"),
}
CHECKS = {
    "RFC9110-2.5-version-not-above": "the version of every response",
    "RFC9110-5.6.7-imf-date-sent": "every date that a server sends",
    "RFC9110-6.6.1-date-sent": "Date in every response of classes 2, 3 and 4",
    "RFC9110-8.6-no-cl-in-1xx-204": "Content-Length in responses without content",
    "RFC9110-8.8.3-etag-quoted": "the form of every ETag",
    "RFC9110-9.3.8-trace-no-content": "content in every TRACE",
    "RFC9110-10.1.1-expect-needs-content": "100-continue in requests without content",
    "RFC9110-14.4-content-range-206": "Content-Range in every 206 of a single part",
    "RFC9110-15.2-no-1xx-to-10": "1xx before the answers to requests of version 1.0",
    **{requirement: f"{name} in every {status}" for status, (name, requirement) in _MUST_HAVE.items()},
}


def _shown(message: Message, says: str, expected: str, observed: str, requirement: str, side: str = "server") -> Shown:
    return Shown(side, f"the {side}'s {message.line[:60]!r} {says}", expected, observed, requirement)


def _responses(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in wire.flows:
        for m in flow.responses:
            if m.complete:
                yield from _response(m)


def _response(m: Message) -> Iterable[Shown]:
    if not re.fullmatch(r"HTTP/1\.[01]", m.version) and m.status:
        yield _shown(m, "is of a version that is not spoken here", "HTTP/1.1", m.version or "none", "RFC9110-2.5-version-not-above")
    if 200 <= m.status < 500 and m.field("date") is None:
        yield _shown(m, "has no Date", "Date", "none", "RFC9110-6.6.1-date-sent")
    for name in _DATES:
        value = m.field(name)
        if value is not None and not _DATE.fullmatch(value) and not (name == "expires" and value in ("0", "-1")):
            yield _shown(m, f"has a date in another form in {name}", "an IMF-fixdate", repr(value), "RFC9110-5.6.7-imf-date-sent")
    if (100 <= m.status < 200 or m.status == 204) and m.field("content-length") is not None:
        yield _shown(m, "has a length and no content", "no Content-Length", repr(m.field("content-length")), "RFC9110-8.6-no-cl-in-1xx-204")
    tag = m.field("etag")
    if tag is not None and not _TAG.fullmatch(tag):
        yield _shown(m, "has an ETag that is no entity-tag", "a quoted text", repr(tag), "RFC9110-8.8.3-etag-quoted")
    name, requirement = _MUST_HAVE.get(m.status, ("", ""))
    if name and m.field(name) is None:
        yield _shown(m, f"has no {name}", name, "none", requirement)
    if m.status == 206 and m.field("content-range") is None and not (m.field("content-type") or "").lower().startswith("multipart/"):
        yield _shown(m, "has no Content-Range", "Content-Range", "none", "RFC9110-14.4-content-range-206")


def _requests(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in wire.flows:
        for m in flow.requests:
            if m.method == "TRACE" and m.framing != "none":
                yield _shown(m, "has content", "none", f"{m.octets:,} octets", "RFC9110-9.3.8-trace-no-content", "client")
            if "100-continue" in m.values("expect") and m.framing == "none" and m.complete:
                yield _shown(
                    m, "expects 100-continue and has no content", "no Expect", "100-continue", "RFC9110-10.1.1-expect-needs-content", "client"
                )


def _interim(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in wire.flows:
        if flow.requests and flow.requests[0].version == "HTTP/1.0" and flow.responses and 100 <= flow.responses[0].status < 200:
            yield _shown(flow.responses[0], "answers a request of version 1.0", "no 1xx", "a 1xx", "RFC9110-15.2-no-1xx-to-10")


ALWAYS: tuple[Always, ...] = (_responses, _requests, _interim)
