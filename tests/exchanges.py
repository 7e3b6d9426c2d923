"""Exchanges of native HTTP stacks as evidence: what both sides tell and what was on the wire, right or with one thing broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from harness.judge.judge import judge
from harness.model.case import Case, Exchange, Scenario
from harness.model.payload import Payload, sha256
from harness.model.result import Result
from harness.model.trace import Connection, Side, Step, Trace
from harness.model.wire import UNWATCHED, Flow, Sent, Wire
from harness.wire import http
from tests.responders import specs

CLIENT, SERVER = ("198.18.0.2", 4000), ("198.18.0.1", 80)
DATE = ("Date", "Mon, 23 Nov 2026 06:00:00 GMT")
Fields = list[tuple[str, str]]


@cache
def scenario(key: str) -> Scenario:
    return next(s for s in specs().scenarios() if s.key == key)


@dataclass
class Talk:
    """One exchange: what is on the wire, and what each side tells of it."""

    line: list[str]
    fields: Fields
    body: bytes
    status: int
    answer_fields: Fields
    answer: bytes
    head: bool = False
    told_target: str = ""
    told_status: int = 0
    told_fields: Fields = field(default_factory=list)
    told_answer: bytes = b""
    complete: bool = True

    def request(self) -> bytes:
        length = [("Content-Length", str(len(self.body)))] if self.body else []
        head = "".join(f"{n}: {v}\r\n" for n, v in [("Host", "198.18.0.1"), *self.fields, *length])
        return f"{' '.join(self.line)} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + self.body

    def response(self) -> bytes:
        length = [] if self.status in (204, 304) else [("Content-Length", str(len(self.answer) or (7 if self.head else 0)))]
        named = {n.lower() for n, _ in self.answer_fields}
        head = "".join(f"{n}: {v}\r\n" for n, v in [DATE, *self.answer_fields, *(f for f in length if f[0].lower() not in named)])
        return f"HTTP/1.1 {self.status} Word\r\n{head}\r\n".encode("latin-1") + self.answer


def right(exchange: Exchange) -> Talk:
    asked, wanted = exchange.request, exchange.answer
    body = exchange.body.octets() if exchange.body else b""
    answer = wanted.body.octets() if isinstance(wanted.body, Payload) else body if wanted.body == "same" else b""
    fields = [*wanted.fields, *((name, "GET, HEAD") for name in wanted.present)]
    talk = Talk(
        [asked["method"], asked["target"]], [(n, v) for n, v in asked["fields"]], body, wanted.status, fields, answer, asked["method"] == "HEAD"
    )
    return follow(talk)


def follow(talk: Talk) -> Talk:
    """Both sides tell what is on the wire."""
    talk.told_target, talk.told_status = talk.line[1], talk.status
    talk.told_fields, talk.told_answer = list(talk.answer_fields), talk.answer
    return talk


def judged(key: str, change: Callable[[list[Talk]], object] = lambda _: None, *, watched: bool = True) -> Result:
    """The verdict on a conversation in which ``change`` broke something; ``watched``: there is a wire to look at."""
    held = scenario(key)
    talks = [right(exchange) for exchange in held.exchanges]
    change(talks)
    requests = http.requests(b"".join(t.request() for t in talks), True)
    responses = http.responses(b"".join(t.response() for t in talks), [t.line[0] for t in talks], True)
    flow = Flow(
        CLIENT, SERVER, Sent(fin_frame=9, mss=1460, syn_times=(1,)), Sent(fin_frame=9, mss=1460, syn_times=(1,)), True, True, requests, responses
    )
    client = [Step("created"), Step("connected", local=CLIENT, remote=SERVER)]
    server = [Step("accepted", local=SERVER, remote=CLIENT)]
    for i, t in enumerate(talks):
        if not t.told_status:
            client = [*(client if t.told_target else client[:1]), Step("failed", at=i, error="other", says="what?")]
            break
        digest = sha256(t.told_answer) if t.told_answer else None
        client.append(
            Step("response", status=t.told_status, octets=len(t.told_answer), digest=digest, complete=t.complete, fields=tuple(t.told_fields))
        )
        sent = sha256(t.body) if t.body else None
        server.append(Step("request", method=t.line[0], target=t.told_target, octets=len(t.body), digest=sent, fields=tuple(t.fields)))
        server.append(Step("response", status=t.status, octets=len(t.answer), digest=sha256(t.answer) if t.answer else None))
    wire = Wire(flows=(flow,), total_frames=9) if watched else UNWATCHED
    trace = Trace(Side((*client, Step("closed"))), Side(connections=(Connection((*server, Step("closed"))),)), SERVER, wire=wire)
    return judge(Case(held, "go", "c", "ipv4"), trace, specs().requirements)


def _status(to: int) -> Callable[[list[Talk]], object]:
    def change(talks: list[Talk]) -> None:
        talks[0].status, talks[0].answer = to, b"" if to in (204, 304) else talks[0].answer
        follow(talks[0])

    return change


def _without(name: str) -> Callable[[list[Talk]], object]:
    def change(talks: list[Talk]) -> None:
        talks[0].answer_fields = [f for f in talks[0].answer_fields if f[0] != name]
        follow(talks[0])

    return change


def _other_answer(talks: list[Talk]) -> None:
    talks[0].answer = talks[0].answer[::-1] + b"!"
    follow(talks[0])


def _swapped(talks: list[Talk]) -> None:
    talks[0].answer, talks[1].answer = talks[1].answer, talks[0].answer
    talks[0].status, talks[1].status = talks[1].status, talks[0].status
    talks[0].answer_fields, talks[1].answer_fields = talks[1].answer_fields, talks[0].answer_fields
    for t in talks:
        follow(t)


def _another_length(talks: list[Talk]) -> None:
    talks[0].answer_fields = [("Content-Length", "5")]
    follow(talks[0])


def _broken_off(talks: list[Talk]) -> None:
    talks[0].complete, talks[0].told_answer = False, talks[0].answer[:-1]


def _head_with_content(talks: list[Talk]) -> None:
    talks[0].answer = b"content"
    follow(talks[0])


def _absolute_target(talks: list[Talk]) -> None:
    talks[0].line[1] = talks[0].told_target = "http://198.18.0.1" + talks[0].line[1]


def _unordered(talks: list[Talk]) -> None:
    talks[0].fields.reverse()


def _other_method(talks: list[Talk]) -> None:
    talks[0].line[0] = "POST"


def _tells_another_target(talks: list[Talk]) -> None:
    talks[0].told_target += "x"


def _tells_another_status(talks: list[Talk]) -> None:
    talks[0].told_status = 299


def _misses(talks: list[Talk]) -> None:
    """The client tells of no response."""
    talks[0].told_status = 0


def _misses_unconnected(talks: list[Talk]) -> None:
    """The client tells of no response, nor of a connection."""
    talks[0].told_status, talks[0].told_target = 0, ""


def _tells_another_field(talks: list[Talk]) -> None:
    talks[0].told_fields = [(n, v + "x") for n, v in talks[0].told_fields]


def _tells_another_content(talks: list[Talk]) -> None:
    talks[0].told_answer = talks[0].answer + b"!"


BREAKS: dict[str, Callable[[list[Talk]], object]] = {
    "answers-501": _status(501),
    "answers-200": _status(200),
    "answers-another-content": _other_answer,
    "answers-in-another-order": _swapped,
    "answers-without-allow": _without("Allow"),
    "answers-without-etag": _without("ETag"),
    "answers-head-with-content": _head_with_content,
    "answers-with-another-length": _another_length,
    "sends-the-absolute-form": _absolute_target,
    "sends-fields-in-another-order": _unordered,
    "sends-another-method": _other_method,
    "tells-another-target": _tells_another_target,
    "tells-another-status": _tells_another_status,
    "tells-another-content": _tells_another_content,
    "breaks-off": _broken_off,
    "tells-another-field": _tells_another_field,
    "misses-the-response": _misses,
    "misses-the-response-unconnected": _misses_unconnected,
}
"""What may be broken in the first exchange of a conversation."""
