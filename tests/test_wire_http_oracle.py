"""The reader of HTTP/1.1 beside h11, which knows nothing of it: the same messages where they are right, and no silence where h11 refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.http import Message
from harness.wire import http

h11 = pytest.importorskip("h11", reason="h11, an oracle, is not installed")

TOKENS = st.text("abcXYZ0189-_!#$%&'*+.^`|~", min_size=1, max_size=10).map(str.encode)
VALUES = st.binary(max_size=16).map(lambda value: bytes(c for c in value if c == 9 or 32 <= c != 127).strip(b" \t"))
FIELDS = st.lists(st.tuples(TOKENS.map(b"x-".__add__), VALUES), max_size=6)
TARGETS = st.text("abcXYZ0189-._~!$&'()*+,;=:@/?", max_size=20).map(lambda text: b"/" + text.encode()) | st.just(b"http://a/b?c=%20")
METHODS = st.sampled_from([b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"HEAD"]) | TOKENS
REASONS = VALUES
SPACES = st.sampled_from([b"", b" ", b"\t", b"  "])
WHOLE = settings(max_examples=200, deadline=None)
MUTATED = settings(max_examples=800, deadline=None)


@st.composite
def section(draw: st.DrawFn, *lines: bytes) -> bytes:
    """Field lines and the blank line, those given among them."""
    found = [name + b":" + draw(SPACES) + value + draw(SPACES) for name, value in draw(FIELDS)]
    for line in lines:
        found.insert(draw(st.integers(0, len(found))), line)
    return b"".join(line + b"\r\n" for line in found) + b"\r\n"


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> bytes:
    octets = b""
    while body:
        size = draw(st.integers(1, len(body)))
        extension = draw(st.sampled_from([b"", b";a", b";a=b", b';a="b c";d']))
        octets += b"%s%x%s\r\n" % (b"0" * draw(st.integers(0, 2)), size, extension) + body[:size] + b"\r\n"
        body = body[size:]
    return octets + b"0\r\n" + draw(section())


@st.composite
def framed(draw: st.DrawFn, start_line: bytes, framings: list[str], *lines: bytes) -> bytes:
    body, framing = draw(st.binary(max_size=60)), draw(st.sampled_from(framings))
    if framing == "chunked":
        return start_line + b"\r\n" + draw(section(b"Transfer-Encoding: Chunked", *lines)) + draw(chunked(body))
    if framing == "length":
        return start_line + b"\r\n" + draw(section(b"Content-Length: %d" % len(body), *lines)) + body
    return start_line + b"\r\n" + draw(section(*lines)) + (body if framing == "close" else b"")


@st.composite
def request(draw: st.DrawFn) -> bytes:
    version = draw(st.sampled_from([b"1.1", b"1.1", b"1.0"]))
    framings = ["none", "length", "chunked"] if version == b"1.1" else ["none", "length"]
    return draw(framed(b"%s %s HTTP/%s" % (draw(METHODS), draw(TARGETS), version), framings, b"Host: a"))


@st.composite
def response(draw: st.DrawFn) -> tuple[bytes, str]:
    """A response, and the method of the request that it answers."""
    method = draw(st.sampled_from(["GET", "POST", "HEAD"]))
    status = draw(st.sampled_from([100, 103, 200, 204, 304, 404, 500, 599]))
    framings = ["length", "chunked", "close"]
    if method == "HEAD" or status < 200 or status in (204, 304):
        framings = ["none"]
    return draw(framed(b"HTTP/1.1 %d %s" % (status, draw(REASONS)), framings)), method


@st.composite
def mutation(draw: st.DrawFn, octets: bytes) -> bytes:
    """One to three changes, most of them of what a grammar is about."""
    changed = bytearray(octets)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(changed)))
        piece = st.sampled_from([b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b";", b",", b'"', b"\0", b"\x7f", b"\xff", b"0", b"g", b"/", b"%"])
        changed[at : at + draw(st.integers(0, 3))] = draw(piece | st.binary(max_size=2))
    return bytes(changed)


def fields_of(headers: Any) -> list[tuple[str, str]]:
    raw = [(str(name, "latin-1"), str(value, "latin-1")) for name, value in (headers.raw_items() if hasattr(headers, "raw_items") else headers)]
    return [(name, value.lower() if name.lower() == "transfer-encoding" else value) for name, value in raw]


def drain(connection: Any, octets: bytes) -> tuple[Any, bytes, Any]:
    """The first event of octets that a whole stream consists of, the content after it, and the event that ends it."""
    connection.receive_data(octets)
    connection.receive_data(b"")
    first, content = connection.next_event(), b""
    if isinstance(first, h11.InformationalResponse):
        return first, b"", None
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if not isinstance(event, h11.Data):
            raise h11.RemoteProtocolError(f"it ends with {event}")
        content += event.data
    return first, content, event


def request_by_h11(octets: bytes) -> dict[str, Any]:
    first, content, last = drain(h11.Connection(h11.SERVER), octets)
    if not isinstance(first, h11.Request):
        raise h11.RemoteProtocolError(f"it begins with {first}")
    said = {"method": str(first.method, "ascii"), "target": str(first.target, "ascii"), "version": f"HTTP/{first.http_version.decode()}"}
    return {**said, "fields": fields_of(first.headers), "content": content, "trailers": fields_of(last.headers)}


def response_by_h11(octets: bytes, method: str) -> dict[str, Any]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    first, content, last = drain(connection, octets)
    if not isinstance(first, (h11.Response, h11.InformationalResponse)):
        raise h11.RemoteProtocolError(f"it begins with {first}")
    said = {"status": first.status_code, "reason": str(first.reason, "latin-1"), "version": f"HTTP/{first.http_version.decode()}"}
    trailers = fields_of(last.headers) if last else []
    return {**said, "fields": fields_of(first.headers), "content": content, "trailers": trailers}


def ours(octets: bytes, message: Message) -> dict[str, Any]:
    said: dict[str, Any] = {"method": message.method, "target": message.target} if message.method else {}
    if message.status:
        said = {"status": message.status, "reason": message.reason}
    fields = [(name, value.lower() if name.lower() == "transfer-encoding" else value) for name, value in message.fields]
    said |= {"version": message.version, "fields": fields, "trailers": list(message.trailers)}
    return {**said, "content": http.content(octets, message)}


@WHOLE
@given(request())
def test_right_requests(octets):
    (message,) = http.requests(octets, True)
    assert message.complete and not message.problems and message.end == len(octets)
    assert ours(octets, message) == request_by_h11(octets)


@WHOLE
@given(response())
def test_right_responses(both):
    octets, method = both
    (message,) = http.responses(octets, [method], True)
    assert message.complete and not message.problems and message.end == len(octets)
    assert ours(octets, message) == response_by_h11(octets, method)


@MUTATED
@given(request().flatmap(mutation))
def test_changed_requests(octets):
    """If nothing was noted, then h11 takes it, and reads the same; so where h11 refuses, something was noted."""
    found = http.requests(octets, True)
    if found and found[0].complete and not found[0].problems:
        assert ours(octets, found[0]) == request_by_h11(octets)


@MUTATED
@given(response().flatmap(lambda both: st.tuples(mutation(both[0]), st.just(both[1]))))
def test_changed_responses(both):
    octets, method = both
    found = http.responses(octets, [method], True)
    if found and found[0].complete and not found[0].problems:
        assert ours(octets, found[0]) == response_by_h11(octets, method)


STRICTER = {  # h11 refuses what RFC 9112 allows: the changes above are too small to come across it
    "a coding before chunked": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "an empty element": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
    "many leading zeros": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 21 + b"\r\n\r\n",
    "a long Content-Length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"0" * 21 + b"\r\n\r\n",
}
LAXER = {  # h11 takes what RFC 9112 forbids to send
    "bare-lf": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "obs-fold": b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n",
    "target-form": b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
    "target-octets": b"GET /%% HTTP/1.1\r\nHost: a\r\n\r\n",
    "host-invalid": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "field-value": b"GET / HTTP/1.1\r\nHost: a\r\nA: b\x01c\r\n\r\n",
    "length-list": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n",
    "chunk-extension": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;\r\n\r\n",
}


@pytest.mark.parametrize("why", STRICTER)
def test_where_h11_is_stricter(why):
    (message,) = http.requests(STRICTER[why], True)
    assert message.complete and not message.problems
    with pytest.raises(h11.RemoteProtocolError):
        request_by_h11(STRICTER[why])


@pytest.mark.parametrize("code", LAXER)
def test_where_h11_is_laxer(code):
    (message,) = http.requests(LAXER[code], True)
    assert [problem.code for problem in message.problems] == [code]
    request_by_h11(LAXER[code])
