"""``ask http/tcp``: the language's own client stack, answered with prepared octets."""

from __future__ import annotations

import gzip
from typing import Any

from harness.smoke.message import CLOSE, HANG, KEEP, Canned, Message
from harness.smoke.probe import Broken, Chapter
from harness.smoke.stage import Stage, amount, failure, one, place, recipe, same
from harness.smoke.subject import Talk

chapter = Chapter("http, ask", needs="ask http/tcp")
_GET = {"method": "GET", "target": "/"}
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
Request = dict[str, Any]


async def _asked(stage: Stage, requests: list[Request], answers: list[tuple[bytes, str]], **more: Any) -> tuple[Talk, list[Message]]:
    """Asks our server, which answers that; returns the peer's report and what our server was asked."""
    server = stage.keep(Canned(stage.listen(), answers))
    talk = await stage.ask(server.port, requests, **more).over("Report each response, then 'closed', and mark the last event as done.", seconds=5)
    if talk.all("connected"):
        place(talk.all("connected")[0], "remote", (stage.address, server.port))
    return talk, server.requests


def _told(talk: Talk, wanted: str) -> None:
    names = [n for n in talk.names() if n not in ("created", "connecting", "end", "half-closed")]
    if names != wanted.split():
        raise Broken(
            "the steps " + ", ".join(wanted.split()), talk.said(), "'connected' for each connection, 'response' for each response, 'closed' once."
        )


@chapter.rule("it asks what it is told to, and reports the response as the stack handed it over", each_family=True)
async def _plain(stage: Stage) -> None:
    request = {"method": "GET", "target": "/a%2Fb%20c?x=%41&y", "fields": [["X-Colour", "green"]], "keep": 3}
    answer = b"HTTP/1.1 201 Made\r\nX-Answer: yes\r\nContent-Length: 5\r\n\r\nhello"
    talk, seen = await _asked(stage, [request], [(answer, KEEP)])
    _told(talk, "connected response closed")
    same(len(seen), 1, "requests that reached the server:")
    same(seen[0].start, "GET /a%2Fb%20c?x=%41&y HTTP/1.1", "the request line", "Hand the target over as it is, already percent-encoded.")
    same((seen[0].values("x-colour"), len(seen[0].values("host"))), (["green"], 1), "X-Colour, and how many Host fields:", context=seen[0].fields)
    response = one(talk, "response")
    amount(response, b"hello")
    found = (
        response.get("status"),
        response.get("version", "HTTP/1.1"),
        response.get("complete"),
        response.get("reason", "Made"),
        response.get("hex"),
    )
    same(found, (201, "HTTP/1.1", True, "Made", b"hel".hex()), "status, version and reason (may be missing), complete and hex:", context=response)
    fields = [(n.lower(), v) for n, v in response["fields"]]
    same(("x-answer", "yes") in fields, True, "the field X-Answer:", context=response["fields"])


@chapter.rule("several requests on one connection: 'connected' once, a 'response' each, 'closed' once")
async def _several(stage: Stage) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nX-Trailer: t\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    nothing, unchanged = b"HTTP/1.1 204 No Content\r\n\r\n", b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'
    methods = ("GET", "GET", "GET", "GET", "GET", "HEAD")  # after HEAD some stacks close, lest the server sends content
    answers = [(a, KEEP) for a in (_OK, chunked, nothing, unchanged, _OK, head)]
    talk, seen = await _asked(stage, [{"method": m, "target": f"/{n}"} for n, m in enumerate(methods)], answers)
    _told(talk, "connected " + "response " * 6 + "closed")
    same([m.connection for m in seen], [1] * 6, "the connections of six requests:", "Use one persistent connection where the server lets you.")
    same([m.start.split(" ")[0] for m in seen], list(methods), "the methods of six requests:")
    for response, octets in zip(talk.all("response"), (b"hello", b"abcdefgh", b"", b"", b"hello", b""), strict=True):
        amount(response, octets)
        same(response.get("complete"), True, "'complete' of a response that is:", context=response)
    same([r.get("status") for r in talk.all("response")], [200, 200, 204, 304, 200, 200], "the statuses")


@chapter.rule("where the server closes the connection it makes another one for the next request")
async def _reconnects(stage: Stage) -> None:
    last = _OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    talk, seen = await _asked(stage, [_GET, _GET], [(last, CLOSE), (_OK, KEEP)])
    _told(talk, "connected response connected response closed")
    same([m.connection for m in seen], [1, 2], "the connections of two requests:")


@chapter.rule("a request's content, with Content-Length or chunked")
async def _content(stage: Stage) -> None:
    payload, octets = recipe("random", 100_000, 4)
    sized = {"method": "POST", "target": "/", "body": payload, "fields": [["Content-Type", "x/y"]]}
    talk, seen = await _asked(stage, [sized, {**sized, "method": "PUT", "coding": "chunked"}], [(_OK, KEEP), (_OK, KEEP)])
    _told(talk, "connected response response closed")
    for request in seen:
        same(request.content == octets, True, f"the content of {request.start}:", context=request.fields)
        same(request.values("content-type"), ["x/y"], f"Content-Type of {request.start}:", context=request.fields)
    same(seen[0].values("content-length"), ["100000"], "Content-Length (the coding 'length' is the default):", context=seen[0].fields)
    same(
        (seen[1].first("transfer-encoding"), seen[1].values("content-length")),
        ("chunked", []),
        "(Transfer-Encoding, Content-Length):",
        context=seen[1].fields,
    )


@chapter.rule("no redirect is followed, no content coding asked for or undone, no cookie kept")
async def _plainly(stage: Stage) -> None:
    packed = gzip.compress(b"hello" * 50, mtime=0)
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
    coded = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    talk, seen = await _asked(stage, [_GET, _GET], [(moved, KEEP), (coded, KEEP)])
    _told(talk, "connected response response closed")
    same([r.get("status") for r in talk.all("response")], [302, 200], "the statuses", "Do not follow redirects.")
    same([m.start for m in seen], ["GET / HTTP/1.1"] * 2, "the requests", "Do not follow redirects.")
    asked = [v for m in seen for v in m.values("accept-encoding") if v.lower() not in ("identity", "")]
    same(asked, [], "codings asked for:", "Send no Accept-Encoding (or 'identity').")
    same([v for m in seen for v in m.values("cookie")], [], "cookies sent:", "Keep no cookies.")
    amount(talk.all("response")[1], packed)


@chapter.rule("content that breaks off: the 'response' with what came, and complete false; or 'failed'")
async def _broken_off(stage: Stage) -> None:
    for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"):
        talk, _ = await _asked(stage, [_GET], [(answer, CLOSE)])
        if talk.all("failed") and not talk.all("response"):
            continue  # its stack hands nothing over then
        response = one(talk, "response")
        same(response.get("complete"), False, "'complete' of content that broke off:", "Catch the error while you read content.", context=response)
        amount(response, b"hello")


@chapter.rule("content without any length lasts to the FIN, and is complete")
async def _to_fin(stage: Stage) -> None:
    talk, _ = await _asked(stage, [_GET], [(b"HTTP/1.1 200 OK\r\n\r\nhello", CLOSE)])
    _told(talk, "connected response closed")
    amount(one(talk, "response"), b"hello")
    same(one(talk, "response").get("complete"), True, "'complete':")


@chapter.rule("no response: 'failed' with at the request's number; what came before it is reported")
async def _no_response(stage: Stage) -> None:
    talk, _ = await _asked(stage, [_GET, _GET, _GET], [(_OK, KEEP)] + [(b"", CLOSE)] * 5)
    same(len(talk.all("response")), 1, "'response' steps before the failure:")
    failure(talk, 1, "ended", "reset", "other")
    talk, _ = await _asked(stage, [_GET], [(b"no HTTP at all\r\n\r\n", CLOSE)] * 5)
    failure(talk, 0, "other", "ended", "reset")


@chapter.rule("a refused connection: 'failed' with 'refused' at the first request")
async def _refused(stage: Stage) -> None:
    talk = await stage.ask(stage.reserved().port, [_GET]).over()
    failure(talk, 0, "refused")


@chapter.rule("'deadline' bounds it: 'failed' with 'timeout'")
async def _deadline(stage: Stage) -> None:
    talk, _ = await _asked(stage, [_GET, _GET], [(_OK, KEEP), (b"", HANG)], deadline=400)
    failure(talk, 1, "timeout")
    same(len(talk.all("response")), 1, "'response' steps before it:")


@chapter.rule("'stop' ends an ask: its connection is closed, then 'done'")
async def _stop(stage: Stage) -> None:
    listener = stage.listen()
    talk = stage.ask(listener.port, [_GET], deadline=30000)
    wire = await stage.accept(listener, talk)
    stage.peer.stop(talk)
    await talk.over("Close the connection when 'stop' comes, and report 'done'.")
    octets, _ = await wire.rest()
    del octets
