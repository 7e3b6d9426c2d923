"""The wire rules of HTTP: what is right trips none; each thing broken trips its requirement alone, with the right side blamed."""

from __future__ import annotations

import pytest

from harness.judge.rules import ALWAYS_CHECKS, rfc9110, rfc9112
from harness.model.wire import Flow, Sent, Wire
from harness.wire import http
from tests import catalogue

DATE = "Date: Mon, 23 Nov 2026 06:00:00 GMT\r\n"
ASKED = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
ANSWER = f"HTTP/1.1 200 OK\r\n{DATE}Content-Length: 2\r\n\r\nok"
LAST_ANSWER = f"HTTP/1.1 200 OK\r\n{DATE}Connection: close\r\nContent-Length: 2\r\n\r\nok"


def shown(asked: str, answered: str, *, fin: bool = True) -> list[tuple[str, str]]:
    requests = http.requests(asked.encode("latin-1"), True)
    responses = http.responses(answered.encode("latin-1"), [m.method for m in requests], True)
    flow = Flow(("a", 1), ("b", 2), Sent(), Sent(fin_frame=int(fin)), True, True, requests, responses)
    wire = Wire(flows=(flow,))
    return [(s.side, s.requirement) for rule in (*rfc9112.ALWAYS, *rfc9110.ALWAYS) for s in rule(wire, ("a", 80))]


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (ASKED, ANSWER),
        (ASKED + LAST, ANSWER + LAST_ANSWER),
        ("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n" + LAST, f"HTTP/1.1 200 OK\r\n{DATE}Content-Length: 2\r\n\r\n" + LAST_ANSWER),
        ("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 100 Continue\r\n\r\n" + ANSWER),
        ("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", f"HTTP/1.1 204 N\r\n{DATE}\r\n"),
        ("GET /x HTTP/1.0\r\n\r\n", f"HTTP/1.1 200 OK\r\n{DATE}\r\nto the end"),
        (ASKED, f"HTTP/1.1 405 No\r\n{DATE}Allow: GET\r\nContent-Length: 0\r\n\r\n"),
        (ASKED, f'HTTP/1.1 304 N\r\n{DATE}ETag: W/"a"\r\nContent-Length: 5\r\n\r\n'),
        (ASKED, "HTTP/1.1 500 Error\r\nContent-Length: 0\r\n\r\n"),
        (ASKED, f"HTTP/1.1 206 P\r\n{DATE}Content-Range: bytes 0-1/5\r\nContent-Length: 2\r\n\r\nok"),
    ],
)
def test_what_is_right_trips_nothing(asked: str, answered: str) -> None:
    assert shown(asked, answered) == []


class Row(catalogue.Mutant, frozen=True, kw_only=True):
    """A row of the catalogue that two streams stand behind (``mutants/README.md``)."""

    asked: str
    answered: str
    open: bool = False


ROWS = catalogue.rows("message", Row)


@catalogue.each(ROWS)
def test_each_thing_that_is_broken_trips_its_requirement_alone(row: Row) -> None:
    assert shown(row.asked, row.answered, fin=not row.open) == [(row.blames, row.trips)]


def test_every_rule_has_something_that_trips_it() -> None:
    tripped = {row.trips for row in ROWS}
    assert {i for i in ALWAYS_CHECKS if i.startswith(("RFC9110", "RFC9112"))} == tripped
