"""The reader of HTTP/1.1: each problem alone and what just is none, framing, cuts, any octets, and what it costs."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.http import PROBLEMS, Message, elements
from harness.wire import http
from tests.fuzz import fuzz_http
from tests.fuzz.fuzz_http import REQUESTS, RESPONSES, check_messages, check_octets

ROOT = Path(__file__).parent.parent
MEBI = 1 << 20

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def get(line: bytes = b"GET / HTTP/1.1", *fields: bytes, end: bytes = b"\r\n") -> bytes:
    """A request of that line, with a Host before the fields."""
    return end.join((line, b"Host: a", *fields, b"", b""))


def post(*fields: bytes, body: bytes = b"", line: bytes = b"POST / HTTP/1.1") -> bytes:
    return get(line, *fields) + body


def chunks(body: bytes, coding: bytes = b"chunked") -> bytes:
    return post(b"Transfer-Encoding: " + coding, body=body)


def response(*fields: bytes, line: bytes = b"HTTP/1.1 200 OK", body: bytes = b"") -> bytes:
    return b"\r\n".join((line, *fields, b"", b"")) + body


def codes(message: Message) -> set[str]:
    return {problem.code for problem in message.problems}


def all_codes(octets: bytes, methods: tuple[str, ...] = ()) -> set[str]:
    """Of all messages in octets that may be a client's or a server's."""
    reading = http.responses(octets, methods, True) if octets.lstrip().upper().startswith(b"HTTP") else http.requests(octets, True)
    return set().union(*map(codes, reading))


LAST = b"0\r\n\r\n"
TRIPS: list[tuple[str, bytes, bytes]] = [  # a code, what has this problem and no other, what nearly has it and has none
    ("bare-lf", b"GET / HTTP/1.1\nHost: a\r\n\r\n", GET),
    ("bare-lf", b"GET / HTTP/1.1\r\nHost: a\n\r\n", GET),
    ("bare-lf", b"GET / HTTP/1.1\r\nHost: a\r\n\n", GET),
    ("bare-lf", chunks(b"1\nx\r\n" + LAST), chunks(b"1\r\nx\r\n" + LAST)),
    ("bare-lf", chunks(b"1\r\nx\n" + LAST), chunks(b"1\r\n\n\r\n" + LAST)),
    ("bare-lf", chunks(b"1\r\nx\r\n0\r\n\n"), chunks(b"1\r\nx\r\n" + LAST)),
    ("bare-cr", get(b"GET / HTTP/1.1", b"A: b\rc"), get(b"GET / HTTP/1.1", b"A: b c")),
    ("bare-cr", response(b"Content-Length: 0", line=b"HTTP/1.1 200 a\rb"), response(b"Content-Length: 0", line=b"HTTP/1.1 200 a b")),
    ("leading-crlf", b"\r\n" + GET, GET),
    ("leading-crlf", GET + b"\r\n\r\n" + GET, GET + GET),
    ("trailing-crlf", GET + b"\r\n", GET),
    ("indent", get().replace(b"Host", b" X: y\r\nHost"), get(b"GET / HTTP/1.1", b"X: y")),
    ("cut-short", GET[:-1], GET),
    ("cut-short", post(b"Content-Length: 3", body=b"ab"), post(b"Content-Length: 3", body=b"abc")),
    ("cut-short", chunks(b"3\r\nab"), chunks(b"2\r\nab\r\n" + LAST)),
    ("cut-short", chunks(b"2\r\nab\r\n"), chunks(b"2\r\nab\r\n" + LAST)),
    ("cut-short", chunks(b"2\r\nab\r\n0\r\n"), chunks(b"2\r\nab\r\n" + LAST)),
    ("start-line", b"GET /\r\n", GET),
    ("start-line", GET + b"what is this\r\n\r\n", GET),
    ("start-line", GET + b"\x16\x03\x01", GET),
    ("start-line", OK + b"what is this\r\n\r\n", OK),
    ("start-line", OK + b"x", OK),
    ("start-line", b"HTTP/1.1 20 OK\r\n\r\n", OK),
    ("start-line", b"HTTP/1.1 2000 OK\r\n\r\n", OK),
    ("request-line-space", get(b"GET  / HTTP/1.1"), GET),
    ("request-line-space", get(b"GET /\tHTTP/1.1"), GET),
    ("request-line-space", get(b"GET / HTTP/1.1 "), GET),
    ("status-line-space", response(b"Content-Length: 0", line=b"HTTP/1.1 200"), response(b"Content-Length: 0", line=b"HTTP/1.1 200 ")),
    ("status-line-space", response(b"Content-Length: 0", line=b"HTTP/1.1  200 OK"), OK),
    ("target-whitespace", get(b"GET /a b HTTP/1.1"), get(b"GET /a%20b HTTP/1.1")),
    ("target-octets", get(b"GET /\xe4 HTTP/1.1"), get(b"GET /%E4 HTTP/1.1")),
    ("target-octets", get(b"GET /a#b HTTP/1.1"), get(b"GET /a?b HTTP/1.1")),
    ("target-octets", get(b"GET /%4g HTTP/1.1"), get(b"GET /%4a HTTP/1.1")),
    ("target-octets", get(b"GET /\0 HTTP/1.1"), GET),
    ("target-form", get(b"GET a/b HTTP/1.1"), get(b"GET http://a/b HTTP/1.1")),
    ("target-form", get(b"GET * HTTP/1.1"), get(b"OPTIONS * HTTP/1.1")),
    ("target-form", get(b"CONNECT a HTTP/1.1"), get(b"CONNECT a:1 HTTP/1.1")),
    ("target-form", get(b"CONNECT http://a:1/ HTTP/1.1"), get(b"CONNECT [::1]:1 HTTP/1.1")),
    ("method-token", get(b"G@T / HTTP/1.1"), get(b"G'T / HTTP/1.1")),
    ("version", get(b"GET / http/1.1"), GET),
    ("version", get(b"GET / HTTP/1.10"), get(b"GET / HTTP/1.9")),
    ("version", get(b"GET / HTTP/11"), GET),
    ("version", response(b"Content-Length: 0", line=b"HTTP/1,1 200 OK"), OK),
    ("status-range", response(b"Content-Length: 0", line=b"HTTP/1.1 600 OK"), response(b"Content-Length: 0", line=b"HTTP/1.1 599 OK")),
    ("status-range", response(b"Content-Length: 0", line=b"HTTP/1.1 099 OK"), response(line=b"HTTP/1.1 100 OK")),
    ("reason", response(b"Content-Length: 0", line=b"HTTP/1.1 200 O\0K"), response(b"Content-Length: 0", line=b"HTTP/1.1 200 \xe4\t!")),
    ("field-colon", get(b"GET / HTTP/1.1", b"Nothing"), get(b"GET / HTTP/1.1", b"Nothing:")),
    ("field-name", get(b"GET / HTTP/1.1", b": a"), get(b"GET / HTTP/1.1", b"~: a")),
    ("field-name", get(b"GET / HTTP/1.1", b"a(b: a"), get(b"GET / HTTP/1.1", b"a'b: a")),
    ("field-name", get(b"GET / HTTP/1.1", b"a b: a"), get(b"GET / HTTP/1.1", b"a_b: a")),
    ("space-before-colon", get(b"GET / HTTP/1.1", b"A : b"), get(b"GET / HTTP/1.1", b"A: b")),
    ("obs-fold", get(b"GET / HTTP/1.1", b"A: b", b" c"), get(b"GET / HTTP/1.1", b"A: b c")),
    ("obs-fold", get(b"GET / HTTP/1.1", b"A: b", b"\t"), get(b"GET / HTTP/1.1", b"A: b\t")),
    ("field-value", get(b"GET / HTTP/1.1", b"A: \0"), get(b"GET / HTTP/1.1", b"A: \xff")),
    ("field-value", get(b"GET / HTTP/1.1", b"A: b\x7f"), get(b"GET / HTTP/1.1", b"A: b\tc~")),
    ("length-invalid", post(b"Content-Length: +1"), post(b"Content-Length: 0")),
    ("length-invalid", post(b"Content-Length:"), post(b"Content-Length: 00")),
    ("length-invalid", post(b"Content-Length: 1 1"), post(b"Content-Length: 1", body=b"x")),
    ("length-invalid", post(b"Content-Length: \xb2"), post(b"Content-Length: 2", body=b"xx")),
    ("length-invalid", post(b"Content-Length: 0x1"), post(b"Content-Length: 1", body=b"x")),
    ("length-invalid", response(b"Content-Length: -1"), OK),
    ("length-list", post(b"Content-Length: 1, 1", body=b"x"), post(b"Content-Length: 1", body=b"x")),
    ("length-list", post(b"Content-Length: 1", b"content-length: 01", body=b"x"), post(b"Content-Length: 01", body=b"x")),
    ("length-differs", post(b"Content-Length: 1, 2"), post(b"Content-Length: 1", body=b"x")),
    ("length-differs", post(b"Content-Length: 1, 10"), post(b"Content-Length: 10", body=b"0123456789")),
    ("length-differs", post(b"Content-Length: 1", b"Content-Length: 2"), post(b"Content-Length: 1", body=b"x")),
    ("length-and-coding", post(b"Content-Length: 1", b"Transfer-Encoding: chunked", body=LAST), chunks(LAST)),
    ("coding-repeated", chunks(LAST, b"chunked, chunked"), chunks(LAST, b"gzip, gzip, chunked")),
    ("coding-not-last", chunks(b"", b"chunked, gzip"), chunks(LAST, b"gzip, Chunked")),
    ("coding-not-last", chunks(b"", b"gzip"), response(b"Transfer-Encoding: gzip", body=b"until the end")),
    ("coding-not-last", chunks(b"", b""), chunks(LAST, b", chunked ,")),
    ("coding-unknown", chunks(LAST, b"x, chunked"), chunks(LAST, b"x-gzip, deflate, compress, chunked")),
    ("coding-unknown", response(b"Transfer-Encoding: \x0bchunked").replace(b"\x0b", b"x"), response(b"Transfer-Encoding: chunked", body=LAST)),
    ("coding-parameter", chunks(LAST, b"chunked;a=b"), chunks(LAST, b'gzip;a=",", chunked')),
    ("coding-in-1.0", post(b"Transfer-Encoding: chunked", body=LAST, line=b"POST / HTTP/1.0"), chunks(LAST)),
    ("chunk-size", chunks(b"x\r\n" + LAST), chunks(b"a\r\n0123456789\r\n" + LAST)),
    ("chunk-size", chunks(b"\r\n" + LAST), chunks(LAST)),
    ("chunk-size", chunks(b"0x1\r\nx\r\n" + LAST), chunks(b"01\r\nx\r\n" + LAST)),
    ("chunk-size", chunks(b"-1\r\n" + LAST), chunks(b"1\r\n-\r\n" + LAST)),
    ("chunk-size", chunks(b" 1\r\nx\r\n" + LAST), chunks(b"1\r\n \r\n" + LAST)),
    ("chunk-size", chunks(b"?"), chunks(LAST)),
    ("chunk-overflow", chunks(b"1" * 17 + b"\r\nx\r\n" + LAST), chunks(b"0" * 16 + b"1\r\nx\r\n" + LAST)),
    ("chunk-end", chunks(b"1\r\nxy\r\n" + LAST), chunks(b"2\r\nxy\r\n" + LAST)),
    ("chunk-end", chunks(b"1\r\nx\rx" + LAST), chunks(b"1\r\nx\r\n" + LAST)),
    ("chunk-extension", chunks(b"1;\r\nx\r\n" + LAST), chunks(b"1;a\r\nx\r\n" + LAST)),
    ("chunk-extension", chunks(b"1 \r\nx\r\n" + LAST), chunks(b"1 ; a\t= b;c\r\nx\r\n" + LAST)),
    ("chunk-extension", chunks(b'1;a="b\r\nx\r\n' + LAST), chunks(b'1;a="b\\"";c="\xff"\r\nx\r\n' + LAST)),
    ("chunk-extension", chunks(b"1;a\rb\r\nx\r\n" + LAST), chunks(b"1;a;b\r\nx\r\n" + LAST)),
    ("host-missing", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n"),
    ("host-repeated", get(b"GET / HTTP/1.1", b"host: a"), GET),
    ("host-invalid", GET.replace(b"t: a", b"t: a/b"), GET.replace(b"t: a", b"t: a%20b:80")),
    ("host-invalid", GET.replace(b"t: a", b"t: a, b"), GET.replace(b"t: a", b"t:")),
    ("head-too-large", get(b"GET / HTTP/1.1", b"A: " + b"b" * MEBI), get(b"GET / HTTP/1.1", b"A: " + b"b" * (MEBI - len(GET) - 5))),
    ("head-too-large", b"GET /" + b"b" * MEBI, b"GET /" + b"b" * (MEBI - len(GET)) + GET[5:]),
    ("head-too-large", chunks(b"0\r\nA: " + b"b" * MEBI + b"\r\n\r\n"), chunks(b"0\r\nA: " + b"b" * (MEBI - 7) + b"\r\n\r\n")),
    ("too-many", GET * 1001, GET * 1000),
    ("too-many", OK * 1000 + b"x", OK * 1000),
]
TRAILERS = {  # "trailer" never comes alone
    "field-colon": b"nothing\r\n",
    "field-name": b"a b: c\r\n",
    "space-before-colon": b"a : b\r\n",
    "obs-fold": b"a: b\r\n c\r\n",
    "field-value": b"a: \0\r\n",
    "bare-lf": b"a: b\n",
    "bare-cr": b"a: b\rc\r\n",
}


@pytest.mark.parametrize(("code", "wrong", "right"), TRIPS, ids=[f"{code}-{number}" for number, (code, _, _) in enumerate(TRIPS)])
def test_each_problem_and_its_near_miss(code, wrong, right):
    assert all_codes(wrong) == {code}
    assert all_codes(right) == set()


@pytest.mark.parametrize("code", TRAILERS)
def test_malformed_trailers(code):
    assert all_codes(chunks(b"0\r\n" + TRAILERS[code] + b"\r\n")) == {"trailer", code}
    assert all_codes(chunks(b"0\r\na: b\r\n\r\n")) == set()


def test_octets_after_the_last_answer():
    assert all_codes(OK + b"rest\r\n", ("GET",)) == {"extra-octets"}
    assert all_codes(OK + OK, ("GET",)) == {"extra-octets"}
    assert all_codes(OK + OK, ("GET", "GET")) == set() == all_codes(OK + OK)
    assert all_codes(b"HTTP/1.1 100 \r\n\r\n" + OK, ("GET",)) == set() == all_codes(OK + b"HTTP/1.1 103 \r\n\r\n", ("GET",))
    rest = http.responses(OK + b"rest\r\nof it", ["GET"], True)[-1]
    assert (rest.start, rest.end, rest.complete, rest.line) == (len(OK), len(OK) + 11, False, "rest")
    assert [m.status for m in http.responses(OK + response(line=b"HTTP/1.1 408 "), ["GET"], True)] == [200, 408]


def test_every_code_is_described_and_tested():
    assert {code for code, _, _ in TRIPS} | {"trailer", "extra-octets"} == set(PROBLEMS)
    assert all(text.endswith(".") for text in PROBLEMS.values())


def test_problems_tell_where():
    octets = GET + b"\r\nPOST / HTTP/1.1\r\nHost: a\r\nA b\r\nB : c\r\n\r\n"
    found = http.requests(octets, True)[1].problems
    assert [(p.code, octets[p.at : p.at + 2]) for p in found] == [("leading-crlf", b"\r\n"), ("field-colon", b"A "), ("space-before-colon", b" :")]
    assert found[1].says == "the field line 'A b' has no colon"


def test_a_request_with_a_body():
    octets = post(b"A:  b\t", b"a: \xe4", b"Content-Length: 3", body=b"abc")
    (message,) = http.requests(octets, False)
    assert (message.start, message.end, message.head_end) == (0, len(octets), len(octets) - 3)
    assert (message.line, message.method, message.target, message.version) == ("POST / HTTP/1.1", "POST", "/", "HTTP/1.1")
    assert message.fields == (("Host", "a"), ("A", "b"), ("a", "ä"), ("Content-Length", "3"))
    assert (message.framing, message.octets, message.digest) == ("length", 3, hashlib.sha256(b"abc").hexdigest())
    assert message.complete and not message.problems and message.field("A") == "b, ä" and message.field("b") is None
    assert http.content(octets, message) == b"abc"


def test_chunked_with_trailers():
    octets = response(b"Transfer-Encoding: chunked", body=b"3;x\r\nabc\r\n01\r\nd\r\n000\r\nX: y\r\nX: z\r\n\r\n")
    (message,) = http.responses(octets, ["GET"], False)
    assert (message.framing, message.octets, message.chunks, message.complete) == ("chunked", 4, 2, True)
    assert message.trailers == (("X", "y"), ("X", "z")) and http.content(octets, message) == b"abcd"
    assert message.digest == hashlib.sha256(b"abcd").hexdigest()


FRAMINGS: list[tuple[bytes, str, str]] = [  # RFC 9112 6.3, in its order
    (response(b"Content-Length: 3"), "HEAD", "none"),
    (response(b"Transfer-Encoding: chunked"), "HEAD", "none"),
    (response(b"Content-Length: x"), "HEAD", "none"),
    (response(b"Content-Length: 3", line=b"HTTP/1.1 204 "), "GET", "none"),
    (response(b"Content-Length: 3", line=b"HTTP/1.1 304 "), "GET", "none"),
    (response(b"Content-Length: 3", line=b"HTTP/1.1 103 "), "GET", "none"),
    (response(b"Content-Length: 3", line=b"HTTP/1.1 101 "), "GET", "tunnel"),
    (response(b"Content-Length: 3"), "CONNECT", "tunnel"),
    (response(b"Content-Length: 3", line=b"HTTP/1.1 299 "), "CONNECT", "tunnel"),
    (response(b"Content-Length: 3", line=b"HTTP/1.1 300 "), "CONNECT", "length"),
    (response(b"Content-Length: 3"), "connect", "length"),
    (response(b"Content-Length: 3", b"Transfer-Encoding: chunked"), "GET", "chunked"),
    (response(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"), "GET", "chunked"),
    (response(b"Content-Length: 3", b"Transfer-Encoding: gzip"), "GET", "close"),
    (response(b"Transfer-Encoding: chunked, gzip"), "GET", "close"),
    (response(b"Content-Length: 3x"), "GET", "none"),
    (response(b"Content-Length: 3, 3"), "GET", "length"),
    (response(), "GET", "close"),
    (response(line=b"HTTP/1.0 200 OK"), "GET", "close"),
]


@pytest.mark.parametrize(("octets", "method", "framing"), FRAMINGS)
def test_framing_of_responses(octets, method, framing):
    assert http.responses(octets, [method], True)[0].framing == framing


def test_framing_of_requests():
    assert http.requests(GET, True)[0].framing == "none"
    assert http.requests(chunks(b""), True)[0].framing == "chunked"
    for broken in (chunks(b"", b"gzip"), post(b"Content-Length: 1, 2"), post(b"Content-Length: x")):
        (message,) = http.requests(broken + GET, True)
        assert (message.framing, message.complete, message.head_end, message.end) == ("none", False, len(broken), len(broken + GET))


def test_what_has_no_length_ends_with_the_stream():
    octets = response(body=b"abc")
    assert [(m.octets, m.complete, m.problems) for m in http.responses(octets, ["GET"], True)] == [(3, True, ())]
    assert [(m.octets, m.complete, m.problems) for m in http.responses(octets, ["GET"], False)] == [(3, False, ())]
    tunnel = response(line=b"HTTP/1.1 101 ", body=b"abc")
    assert [(m.framing, m.octets, m.complete) for m in http.responses(tunnel, ["GET"], False)] == [("tunnel", 3, True)]


def test_methods_are_those_of_final_responses():
    early, head = response(line=b"HTTP/1.1 103 "), response(b"Content-Length: 9")
    found = http.responses(early + head + early + early + OK + head + b"123456789", ["HEAD", "GET"], True)
    assert [(m.status, m.framing) for m in found] == [(103, "none"), (200, "none"), (103, "none"), (103, "none"), (200, "length"), (200, "length")]
    assert codes(found[-1]) == {"extra-octets"} and found[-1].octets == 9


def test_no_number_is_too_large():
    for digits in (b"9" * 17, b"9" * 30, b"9" * 10000, b"0" * 10000 + b"7"):
        (message,) = http.requests(post(b"Content-Length: " + digits, body=b"abc"), True)
        assert (message.octets, message.complete, codes(message)) == (3, False, {"cut-short"})
    (message,) = http.requests(chunks(b"f" * 16 + b"\r\nabc"), False)
    assert (message.octets, message.complete, message.problems) == (3, False, ())


def test_a_fold_belongs_to_the_line_before():
    def fields(*lines: bytes) -> tuple[tuple[str, str], ...]:
        return http.requests(get(b"GET / HTTP/1.1", *lines), True)[0].fields[1:]

    assert fields(b"A: b", b"  c ", b"\td", b"E: f") == (("A", "b c d"), ("E", "f"))
    assert fields(b"A:", b" b") == (("A", "b"),) and fields(b"A: b", b" ") == (("A", "b"),)
    assert fields(b"A: b", b"nothing", b" c") == (("A", "b"),)


def test_whitespace_after_the_start_line_hides_fields():
    (message,) = http.requests(b"GET / HTTP/1.0\r\n A: b\r\n\tC: d\r\nE: f\r\n\r\n", True)
    assert message.fields == (("E", "f"),) and codes(message) == {"indent"}


def test_space_before_the_colon_hides_nothing():
    (message,) = http.requests(post(b"Transfer-Encoding : chunked", body=b"1\r\nx\r\n" + LAST), True)
    assert (message.framing, message.octets, codes(message)) == ("chunked", 1, {"space-before-colon"})


def test_framing_fields_beyond_the_cap_count():
    many = [b"A: b"] * 300
    (message,) = http.requests(post(*many, b"Content-Length: 3", b" ", *many, b" c", b"Content-Length: 3", body=b"abc"), True)
    assert len(message.fields) == 256 and message.octets == 3 and message.complete
    assert message.fields[1:] == (("A", "b"),) * 255
    (message,) = http.requests(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 300 + b"Host: a\r\n\r\n", True)
    assert not message.problems


def test_lists():
    (message,) = http.requests(get(b"GET / HTTP/1.1", b'A: B , "c,\\"D",, ', b"a:\te"), True)
    assert message.values("A") == ["b", '"c,\\"d"', "e"] and message.values("b") == []
    assert elements('a,"b,c') == ["a", '"b,c'] and elements("\\") == ["\\"] and elements(" , ,") == []


def test_the_words_are_kept_short():
    (message,) = http.requests(b"GET /" + b"a" * 500 + b" HTTP/1.1\r\n" + b"b" * 500 + b"\r\n\r\n", True)
    assert len(message.line) == 200 and len(message.target) == 501
    assert all(len(problem.says) < 120 for problem in message.problems) and len(message.problems) == 2


def test_nothing_sent():
    assert http.requests(b"", True) == () == http.responses(b"", ["GET"], True)
    (message,) = http.requests(b"\r\n\r\n", False)
    assert (message.start, message.end, message.complete, codes(message)) == (4, 4, False, {"leading-crlf"})


@pytest.mark.parametrize("octets", [*REQUESTS, *RESPONSES])
def test_cut_anywhere(octets):
    """Whole messages are as they are in the whole stream, and the cut one says that it is cut, and nothing else of it."""
    is_response = octets.startswith(b"HTTP")

    def read(octets: bytes, ended: bool) -> tuple[Message, ...]:
        return http.responses(octets, (), ended) if is_response else http.requests(octets, ended)

    whole = read(octets, True)
    for cut in range(len(octets)):
        found = read(octets[:cut], False)
        check_messages(octets[:cut], found, False)
        last = found[-1] if found else None
        if last and not last.complete:
            assert last.start >= cut or not codes(last) - codes(whole[len(found) - 1])
            found = found[:-1]
        assert len(found) <= len(whole)
        for one, other in zip(found, whole, strict=False):
            assert one == other or one.framing == "tunnel" or codes(one) - codes(other) <= {"trailing-crlf"}
        assert read(octets[:cut], True)[: len(found)] == found or not found


TOKENS = st.text("abcXYZ019-_!", min_size=1, max_size=8).map(str.encode)
VALUES = st.binary(max_size=12).map(lambda v: bytes(c for c in v if c == 9 or 32 <= c != 127).strip(b" \t"))
FIELDS = st.lists(st.tuples(TOKENS.map(b"X-".__add__), VALUES), max_size=5)
BODIES = st.binary(max_size=300)


@st.composite
def well_formed(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A request without a problem, and its content."""
    lines = [draw(TOKENS) + b" /" + draw(TOKENS) + b" HTTP/1.1", b"Host: a", *(name + b": " + value for name, value in draw(FIELDS))]
    body, framing = draw(BODIES), draw(st.sampled_from(["none", "length", "chunked"]))
    if framing == "none":
        return b"\r\n".join([*lines, b"", b""]), b""
    if framing == "length":
        return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", b""]) + body, body
    sizes = draw(st.lists(st.integers(1, 40), max_size=20))
    octets, at = b"\r\n".join([*lines, b"Transfer-Encoding: chunked", b"", b""]), 0
    for size in (*sizes, max(1, len(body))):
        piece = body[at : at + size]
        if piece:
            octets += b"%x\r\n" % len(piece) + piece + b"\r\n"
        at += len(piece)
    return octets + b"0\r\n" + b"".join(name + b": " + value + b"\r\n" for name, value in draw(FIELDS)) + b"\r\n", body


@settings(deadline=None)
@given(st.lists(well_formed(), max_size=6))
def test_messages_one_after_another(messages):
    octets = b"".join(message for message, _ in messages)
    found = http.requests(octets, True)
    check_messages(octets, found, True)
    assert [(octets[m.start : m.end], http.content(octets, m)) for m in found] == messages
    assert all(m.complete and not m.problems for m in found)


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    octets = bytearray(draw(st.sampled_from([*REQUESTS, *RESPONSES]) | well_formed().map(lambda both: both[0])))
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(octets)))
        change = draw(st.sampled_from([b"", b"\r", b"\n", b"\r\n", b" ", b":", b",", b"\0", b"\xff", b"0", b"HTTP/1.1 "]) | st.binary(max_size=4))
        octets[at : at + draw(st.integers(0, 3))] = change
    return bytes(octets)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300) | changed())
def test_any_octets(octets):
    check_octets(octets)


@pytest.mark.parametrize("octets", [
    response(b"Transfer-Encoding: chunked", body=b"1\r\nx\r\n" * MEBI + LAST),
    response(b"Content-Length: %d" % (16 * MEBI), body=b"x" * 16 * MEBI),
    b"\r\n" * 4 * MEBI,
    get(b"GET / HTTP/1.1", b"Transfer-Encoding: " + b'"\\' * 400_000),
    get(b"GET " + b"a " * 400_000 + b"HTTP/1.1"),
    get(b"GET / HTTP/1.1", b"A: b", *[b" "] * 300_000),
    chunks(b"1" + b';a="b" ' * 500_000 + b"\r\nx\r\n" + LAST),
    chunks(b"0" * 8 * MEBI + b"1\r\nx\r\n" + LAST),
    b"\n" * 8 * MEBI + b"x",
], ids=["chunks", "length", "empty-lines", "quotes", "words", "folds", "extensions", "digits", "lf"])  # fmt: skip
def test_cost_is_linear(octets):
    """Each takes less than a second or so; whatever is quadratic takes minutes."""
    begin = time.process_time()
    http.responses(octets, (), True) if octets.startswith(b"HTTP") else http.requests(octets, True)
    assert time.process_time() - begin < 8


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this interpreter or platform")
def test_no_octets_break_a_promise(tmp_path):
    command = [sys.executable, "-m", fuzz_http.__name__, "-runs=20000", "-max_total_time=15", str(tmp_path)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=120)
    broken = {path.name: path.read_bytes().hex() for path in tmp_path.glob("*-*")}
    assert done.returncode == 0 and not broken, (broken, done.stdout[-2000:], done.stderr[-4000:])
    assert "Done " in done.stdout + done.stderr, "the fuzzer ended before its runs did"
