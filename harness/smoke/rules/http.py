"""``serve http/tcp``: a site with everything that the page names, asked with plain octets."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.smoke import message
from harness.smoke.message import Message
from harness.smoke.probe import Broken, Chapter
from harness.smoke.rules.stream_services import born, stops
from harness.smoke.stage import Stage, alike, amount, one, place, recipe, same, soon
from harness.smoke.subject import Talk, excerpt
from harness.smoke.wire import Wire

chapter = Chapter("http, serve", needs="serve http/tcp")
_BIG, _BIG_OCTETS = recipe("every-octet", 200_000, 5)
SITE: list[dict[str, Any]] = [
    {"path": "/text", "method": "GET", "status": 200, "fields": [["X-Colour", "green"], ["Content-Type", "text/plain"]], "body": {"text": "hello"}},
    {"path": "/big", "method": "GET", "status": 200, "body": _BIG},
    {"path": "/chunked", "method": "GET", "status": 203, "body": _BIG, "coding": "chunked"},
    {"path": "/empty", "method": "GET", "status": 200},
    {"path": "/nothing", "method": "DELETE", "status": 204},
    {"path": "/mirror", "method": "POST", "status": 200, "body": "request"},
    {"path": "/mirror", "method": "PUT", "status": 201, "body": "request", "coding": "chunked"},
    {"path": "/tagged", "method": "GET", "status": 200, "body": {"text": "v1"}, "etag": '"v1"'},
    {"path": "/a%20b", "method": "GET", "status": 200, "body": {"text": "space"}},
    {"path": "/gone", "method": "GET", "status": 410, "body": {"text": "gone"}},
    {"path": "/options", "method": "OPTIONS", "status": 200, "body": {"text": "own"}},
]
_STEPS = "'accepted', then 'request' and 'response' for each exchange, then 'closed'"


class _Client:
    """One connection of ours to the peer's service."""

    def __init__(self, service: Talk, wire: Wire) -> None:
        self.service, self.wire = service, wire

    async def ask(self, method: str, target: str, fields: tuple[str, ...] = (), content: bytes = b"") -> Message:
        """One request as it goes on the wire, and its response."""
        lines = [f"{method} {target} HTTP/1.1", "Host: smoke.test", *fields]
        if content and not any("chunked" in f for f in fields):
            lines.append(f"Content-Length: {len(content)}")
        await self.wire.send("\r\n".join([*lines, "", ""]).encode() + content)
        words = f"a whole response to {method} {target}"
        found = await soon(message.read(self.wire, bodiless=method == "HEAD"), words, "Answer from the site, and keep the connection open.")
        if found is None or not found.whole:
            raise Broken(words, "the connection was closed" if found is None else f"{found.start!r}, then the connection broke off")
        return found


async def _open(stage: Stage, site: list[dict[str, Any]] | None = None) -> _Client:
    service, port = await stage.serve("http", "tcp", site=SITE if site is None else site)
    return _Client(service, await stage.connect(port))


def _is(found: Message, status: int, content: bytes, what: str) -> None:
    same(found.status, status, f"the status of {what}:", context=found.start)
    alike(found.content, content, f"the content of {what}")


born("http", chapter)
stops("http", chapter)


@chapter.rule("a resource: its status, its fields, its content with Content-Length; on one persistent connection", each_family=True)
async def _resource(stage: Stage) -> None:
    client = await _open(stage)
    found = await client.ask("GET", "/text")
    _is(found, 200, b"hello", "GET /text")
    same(
        (found.values("x-colour"), found.values("content-type")),
        (["green"], ["text/plain"]),
        "fields X-Colour and Content-Type:",
        context=found.fields,
    )
    same(found.values("content-length"), ["5"], "Content-Length (the coding 'length' is the default):", context=found.fields)
    found = await client.ask("GET", "/big")
    _is(found, 200, _BIG_OCTETS, "GET /big")
    _is(await client.ask("GET", "/gone"), 410, b"gone", "GET /gone")
    found = await client.ask("GET", "/empty")
    _is(found, 200, b"", "GET /empty")
    same(found.values("content-length"), ["0"], "Content-Length of a 200 without content:", context=found.fields)
    found = await client.ask("DELETE", "/nothing")
    _is(found, 204, b"", "DELETE /nothing")
    same(found.values("content-length"), [], "Content-Length of a 204:", context=found.fields)
    same(found.start.split(" ")[0], "HTTP/1.1", "the version of a response:")


@chapter.rule("coding 'chunked': Transfer-Encoding, without Content-Length")
async def _chunked(stage: Stage) -> None:
    found = await (await _open(stage)).ask("GET", "/chunked")
    _is(found, 203, _BIG_OCTETS, "GET /chunked")
    same(
        (found.first("transfer-encoding"), found.values("content-length")),
        ("chunked", []),
        "(Transfer-Encoding, Content-Length):",
        context=found.fields,
    )


@chapter.rule("HEAD is answered as GET, without content")
async def _head(stage: Stage) -> None:
    client = await _open(stage)
    found = await client.ask("HEAD", "/text")
    same((found.status, found.values("x-colour")), (200, ["green"]), "status and X-Colour of HEAD /text:", context=found.fields)
    same(found.values("content-length") in (["5"], []), True, "Content-Length of HEAD, that of GET or missing:", context=found.fields)
    _is(await client.ask("GET", "/text"), 200, b"hello", "the GET after it: no content may follow the HEAD;")


@chapter.rule('body "request": the request\'s content comes back, of any coding, with its Content-Type')
async def _mirror(stage: Stage) -> None:
    client = await _open(stage)
    found = await client.ask("POST", "/mirror", ("Content-Type: x/y",), _BIG_OCTETS)
    _is(found, 200, _BIG_OCTETS, "POST /mirror")
    same(found.values("content-type"), ["x/y"], "Content-Type of POST /mirror:", context=found.fields)
    found = await client.ask("PUT", "/mirror", ("Transfer-Encoding: chunked",), b"3\r\nabc\r\n0a;x=y\r\n0123456789\r\n0\r\nX-Trailer: t\r\n\r\n")
    _is(found, 201, b"abc0123456789", "PUT /mirror")
    same(found.first("transfer-encoding"), "chunked", "Transfer-Encoding of PUT /mirror:", context=found.fields)
    _is(await client.ask("POST", "/mirror", ("Content-Length: 0",)), 200, b"", "POST /mirror without content")


@chapter.rule("no such path: 404; a path without the method: 405 with Allow")
async def _missing(stage: Stage) -> None:
    client = await _open(stage)
    same((await client.ask("GET", "/nowhere")).status, 404, "the status of GET /nowhere:")
    same((await client.ask("GET", "/text/")).status, 404, "the status of GET /text/ (paths are compared octet for octet):")
    found = await client.ask("POST", "/text", (), b"abc")
    same(found.status, 405, "the status of POST /text:")
    _allows(found, "GET")
    _allows(await client.ask("DELETE", "/mirror"), "POST", "PUT")
    _is(await client.ask("GET", "/text"), 200, b"hello", "a GET after them")


def _allows(found: Message, *methods: str) -> None:
    told = {m.strip() for v in found.values("allow") for m in v.split(",")}
    if not set(methods) <= told:
        raise Broken(f"Allow with {', '.join(methods)}", excerpt(found.fields), "Allow lists the methods of the path's resources.")


@chapter.rule("OPTIONS of a path that does not list it, and of *: 204 with Allow; one that is listed is a resource")
async def _options(stage: Stage) -> None:
    client = await _open(stage)
    for target, methods in (("/mirror", ("POST", "PUT")), ("*", ())):
        found = await client.ask("OPTIONS", target)
        same(found.status, 204, f"the status of OPTIONS {target}:", context=found.start)
        same(bool(found.values("allow")), True, f"Allow of OPTIONS {target}:", context=found.fields)
        _allows(found, *methods)
    _is(await client.ask("OPTIONS", "/options"), 200, b"own", "OPTIONS /options")


@chapter.rule("'etag': ETag in the response, and 304 where If-None-Match matches it (weakly, in a list, or *)")
async def _etag(stage: Stage) -> None:
    client = await _open(stage)
    found = await client.ask("GET", "/tagged")
    _is(found, 200, b"v1", "GET /tagged")
    same(found.values("etag"), ['"v1"'], "ETag:", context=found.fields)
    for value in ('"v1"', 'W/"v1"', '"v0", "v1"', "*"):
        for method in ("GET", "HEAD"):
            found = await client.ask(method, "/tagged", (f"If-None-Match: {value}",))
            same(found.status, 304, f"the status of {method} /tagged with If-None-Match: {value}:")
    same(found.values("etag"), ['"v1"'], "ETag of a 304:", context=found.fields)
    _is(await client.ask("GET", "/tagged", ('If-None-Match: "v2"',)), 200, b"v1", 'GET /tagged with If-None-Match: "v2"')


@chapter.rule("the path is the target up to '?', not decoded; of an absolute-form target its path")
async def _targets(stage: Stage) -> None:
    client = await _open(stage)
    for target, status in (("/a%20b?x=%20&y", 200), ("/a%20b?", 200), ("/%61%20b", 404), ("http://smoke.test/a%20b?x", 200)):
        same((await client.ask("GET", target)).status, status, f"the status of GET {target}:")


@chapter.rule("'Connection: close' of the client ends the connection after the response")
async def _close(stage: Stage) -> None:
    client = await _open(stage)
    _is(await client.ask("GET", "/text", ("Connection: close",)), 200, b"hello", "GET /text")
    octets, _ = await soon(client.wire.rest(), "the connection to be closed", "Persist as HTTP/1.1 says.")
    alike(octets, b"", "nothing after the response")


@chapter.rule(f"a connection is reported as {_STEPS}, with what came and what was handed over")
async def _report(stage: Stage) -> None:
    client = await _open(stage)
    await client.ask("POST", "/mirror?a=%41", ("X-Latin: gr\u00fcn", "X-Two: 1", "X-Two: 2"), b"12345")
    await client.ask("HEAD", "/text")
    client.wire.half_close()
    await soon(client.wire.rest(), "the connection to be closed when the client ends", "")
    client.wire.close()
    talk = await stage.connection(client.service, client.wire)
    names = [n for n in talk.names() if n not in ("end", "half-closed")]
    same(names, ["accepted", "request", "response", "request", "response", "closed"], "the steps", "See 'http': a connection's steps.")
    place(talk.steps[0], "local", client.wire.remote)
    request, response = one(talk, "request"), one(talk, "response")
    found = (request.get("method"), request.get("target"), request.get("version"))
    same(
        found,
        ("POST", "/mirror?a=%41", "HTTP/1.1"),
        "method, target and version of 'request':",
        "'target' as it came, 'version' written HTTP/1.1.",
        context=request,
    )
    amount(request, b"12345")
    fields = [(n.lower(), v) for n, v in request["fields"]]
    wanted = "gr\u00fcn".encode().decode("latin-1")
    same(("x-latin", wanted) in fields, True, f"the field X-Latin with the value {wanted!r} (octets decoded as Latin-1):", context=request["fields"])
    same(response.get("status"), 200, "'response' with status", context=response)
    amount(response, b"12345")
    amount(one(talk, "response", 1), b"")


@chapter.rule("a client that breaks off or resets does not hurt: the next one is served")
async def _broken_off(stage: Stage) -> None:
    client = await _open(stage)
    await client.wire.send(b"POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this")
    await asyncio.sleep(0.1)
    client.wire.reset()
    other = await stage.connect(client.wire.remote[1])
    await other.send(b"no HTTP at all\r\n\r\n")
    await soon(other.rest(), "the connection to be closed after nonsense", "Errors to bad messages are left to the stack.")
    third = _Client(client.service, await stage.connect(client.wire.remote[1]))
    _is(await third.ask("GET", "/text"), 200, b"hello", "GET /text after others broke off")
