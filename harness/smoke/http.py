"""Probes of the http service and client (contract page: http): the service against requests written by hand, the client against
responses written by hand.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11

from harness.smoke.patient import Broken, Json, Patient, Trial, each_family, expect_octets, first, names

TEXT = b"some text\n"
SITE: list[Json] = [
    {
        "path": "/text",
        "method": "GET",
        "status": 200,
        "fields": [["Content-Type", "text/plain"], ["X-Twice", "1"], ["X-Twice", "2"]],
        "body": {"text": TEXT.decode()},
    },
    {"path": "/chunked", "method": "GET", "status": 200, "body": {"text": TEXT.decode()}, "coding": "chunked"},
    {"path": "/mirror", "method": "POST", "status": 200, "body": "request"},
    {"path": "/tagged", "method": "GET", "status": 200, "etag": '"a"', "body": {"text": "tagged"}},
    {"path": "/nothing", "method": "PUT", "status": 204},
    {"path": "/a%20b", "method": "GET", "status": 200, "body": {"text": "space"}},
]
Response = tuple[int, dict[str, str], bytes]


class _Client:
    """A client that writes requests by hand and reads responses with h11."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.local = list(writer.get_extra_info("sockname")[:2])

    async def ask(self, method: str, target: str, *fields: str, body: bytes = b"") -> Response:
        """One exchange on the open connection."""
        protocol = h11.Connection(h11.CLIENT)
        protocol.send(h11.Request(method=method, target=target, headers=[("Host", "x")]))
        lines = [f"{method} {target} HTTP/1.1", "Host: parley.example", *fields, "", ""]
        self._writer.write("\r\n".join(lines).encode("latin-1") + body)
        status, content = 0, b""
        headers: dict[str, str] = {}
        while True:
            event = protocol.next_event()
            if event is h11.NEED_DATA:
                protocol.receive_data(await self._reader.read(65536))
            elif isinstance(event, h11.Response):
                status = event.status_code
                for name, value in event.headers:
                    key = name.decode()
                    headers[key] = f"{headers[key]}, {value.decode('latin-1')}" if key in headers else value.decode("latin-1")
            elif isinstance(event, h11.Data):
                content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return status, headers, content
            elif isinstance(event, h11.ConnectionClosed):
                raise Broken(f"{method} {target}: the connection was closed without a whole response")

    def close(self) -> None:
        self._writer.close()


async def _connect(patient: Patient, address: str) -> tuple[str, _Client]:
    id_, port = await patient.serve("http", "tcp", address, site=SITE)
    return id_, _Client(*await asyncio.open_connection(address, port))


def _want(what: str, got: Response, status: int, content: bytes | None = None, **fields: str) -> None:
    if got[0] != status:
        raise Broken(f"{what}: expected status {status}, got {got[0]}")
    if content is not None and got[2] != content:
        raise Broken(f"{what}: expected the content {content!r}, got {got[2][:60]!r}")
    for name, value in fields.items():
        key = name.replace("_", "-")
        if got[1].get(key) != value:
            raise Broken(f"{what}: expected the field {key}: {value}, got {got[1].get(key)!r}")


async def _site(patient: Patient, address: str) -> None:
    _, client = await _connect(patient, address)
    _want("GET /text", await client.ask("GET", "/text"), 200, TEXT, content_type="text/plain", x_twice="1, 2", content_length=str(len(TEXT)))
    _want("GET /text?query", await client.ask("GET", "/text?a=b"), 200, TEXT)
    _want("GET /a%20b (compared octet for octet, not decoded)", await client.ask("GET", "/a%20b"), 200, b"space")
    _want("HEAD /text", await client.ask("HEAD", "/text"), 200, b"", content_length=str(len(TEXT)))
    _want("GET /chunked", await client.ask("GET", "/chunked"), 200, TEXT, transfer_encoding="chunked")
    _want("PUT /nothing", await client.ask("PUT", "/nothing", "Content-Length: 1", body=b"x"), 204, b"")
    for method, target in (("GET", "/no/such"), ("POST", "/nor/this")):
        _want(f"{method} {target}", await client.ask(method, target, "Content-Length: 0"), 404)
    refused = await client.ask("DELETE", "/text")
    _want("DELETE /text", refused, 405)
    if "GET" not in refused[1].get("allow", ""):
        raise Broken(f"DELETE /text: a 405 carries Allow with the methods that are there; it has {refused[1].get('allow')!r}")
    for target in ("/text", "*"):
        options = await client.ask("OPTIONS", target)
        _want(f"OPTIONS {target}", options, 204, b"")
        if "allow" not in options[1]:
            raise Broken(f"OPTIONS {target}: a 204 with Allow is due")
    client.close()


async def _tags(patient: Patient, address: str) -> None:
    _, client = await _connect(patient, address)
    _want("GET /tagged", await client.ask("GET", "/tagged"), 200, b"tagged", etag='"a"')
    for tag in ('"a"', 'W/"a"', "*", '"x", "a"'):
        _want(f"If-None-Match: {tag}", await client.ask("GET", "/tagged", f"If-None-Match: {tag}"), 304, b"", etag='"a"')
    _want('If-None-Match: "b"', await client.ask("GET", "/tagged", 'If-None-Match: "b"'), 200, b"tagged")
    client.close()


async def _content(patient: Patient, address: str) -> None:
    id_, client = await _connect(patient, address)
    body = bytes(range(256)) * 40
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in (body[:1], body[1:5000], body[5000:])) + b"0\r\n\r\n"
    plain = "Content-Type: application/x-smoke"
    by_length = await client.ask("POST", "/mirror", plain, f"Content-Length: {len(body)}", body=body)
    _want("POST /mirror with Content-Length", by_length, 200, body, content_type="application/x-smoke")
    _want("POST /mirror, chunked", await client.ask("POST", "/mirror", plain, "Transfer-Encoding: chunked", body=chunks), 200, body)
    client.close()

    def mine(event: Json) -> bool:
        return event.get("id") == id_ and any(s.get("step") == "accepted" and s.get("remote") == client.local for s in event.get("steps", ()))

    conn = (await patient.wait(mine, f"'accepted' with \"remote\":{client.local}")).get("conn")
    await patient.wait(lambda e: e.get("id") == id_ and e.get("conn") == conn and bool(e.get("done")), f'"done":true for connection {conn}')
    steps = patient.told(id_, conn)
    wanted = ["accepted", "request", "response", "request", "response", "closed"]
    if names(steps) != wanted:
        raise Broken(f"expected the steps {', '.join(wanted)}; got {', '.join(names(steps))}")
    request = first(steps, "request")
    expect_octets(request, body, "of a request")
    expect_octets(first(steps, "response"), body, "of a response")
    if (request.get("method"), request.get("target")) != ("POST", "/mirror"):
        raise Broken(f"'request' tells method and target as they came: POST /mirror; it tells {request.get('method')} {request.get('target')}")
    if ["content-type", "application/x-smoke"] not in [[n.lower(), v] for n, v in request.get("fields", ())]:
        raise Broken(f"'request' tells all fields; Content-Type is missing in {request.get('fields')}")


# -- the client, answered by hand -----------------------------------------------------------------------------


class _Server:
    """Answers the n-th request of a run with the n-th text, whatever it asks; keeps what came."""

    def __init__(self, *answers: bytes, close_after: int = 0) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0
        self._close_after = close_after

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        protocol = h11.Connection(h11.SERVER)
        try:
            while self.answers and await self._one(protocol, reader, writer):
                protocol = h11.Connection(h11.SERVER)
        except (h11.RemoteProtocolError, OSError):
            pass
        writer.close()

    async def _one(self, protocol: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head: Any = None
        content = b""
        while True:
            event = protocol.next_event()
            if event is h11.NEED_DATA:
                protocol.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                content += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                return False
        fields = {n.decode(): v.decode("latin-1") for n, v in head.headers}
        self.requests.append((head.method.decode(), head.target.decode(), fields, content))
        writer.write(self.answers.pop(0))
        return len(self.requests) != self._close_after


async def _ask(patient: Patient, address: str, server: _Server, *requests: Json) -> list[Json]:
    listener = await asyncio.start_server(server, address, 0)
    try:
        id_ = patient.new_id()
        port = listener.sockets[0].getsockname()[1]
        patient.send({"do": "ask", "id": id_, "service": "http", "address": address, "port": port, "requests": requests, "deadline": 3000})
        return await patient.done(id_, 8)
    finally:
        listener.close()


def _ok(content: bytes, *fields: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(content)}", *fields, "", ""]).encode() + content


async def _asks(patient: Patient, address: str) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n"
    server = _Server(
        _ok(b"one", "X-A: 1", "X-A: 2"), chunked, b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", _ok(b"last"),
    )  # fmt: skip
    payload = {"pattern": "every-octet", "seed": 0, "size": 300}
    told = await _ask(
        patient, address, server,
        {"method": "GET", "target": "/a%20b?c=%26", "fields": [["X-B", "b"]], "keep": 2},
        {"method": "POST", "target": "/p", "fields": [["Content-Type", "x/y"]], "body": payload, "coding": "chunked"},
        {"method": "PUT", "target": "/q", "body": payload}, {"method": "GET", "target": "/r"},
        {"method": "HEAD", "target": "/h"}, {"method": "DELETE", "target": "/d"},
    )  # fmt: skip
    responses = [s for s in told if s["step"] == "response"]
    if [s.get("status") for s in responses] != [200, 200, 204, 304, 200, 200]:
        raise Broken(
            f"six responses were due (200 200 204 304 200 200); it tells {[s.get('status') for s in responses]}; steps: {', '.join(names(told))}"
        )
    for step, content in zip(responses, (b"one", b"hello!", b"", b"", b"", b"last"), strict=True):
        expect_octets(step, content, f"of the answer {step.get('status')}")
    if responses[0].get("hex") != b"on".hex():
        raise Broken(f"\"keep\":2 puts the first two octets into 'hex': 6f6e; it has {responses[0].get('hex')!r}")
    method, target, fields, _ = server.requests[0]
    if (method, target, fields.get("x-b")) != ("GET", "/a%20b?c=%26", "b"):
        raise Broken(f"the first request must leave as GET /a%20b?c=%26 with X-B: b; {method} {target} with X-B: {fields.get('x-b')} came")
    _, _, fields, content = server.requests[1]
    if "chunked" not in fields.get("transfer-encoding", "") or len(content) != 300:
        raise Broken(f'"coding":"chunked" sends 300 octets chunked; {len(content)} came with {fields}')
    if server.connections != 1:
        raise Broken(f"the requests of one 'ask' share a connection where the server lets them; it made {server.connections}")


async def _breaks_off(patient: Patient, address: str) -> None:
    server = _Server(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", close_after=1)
    told = await _ask(patient, address, server, {"method": "GET", "target": "/"})
    if first(told, "response").get("complete") is not False:
        raise Broken('9 of 100 octets came and the connection closed: "complete":false is due')


async def _no_response(patient: Patient, address: str) -> None:
    told = await _ask(patient, address, _Server(b"", close_after=1), {"method": "POST", "target": "/", "body": {"text": "x"}})
    if first(told, "failed").get("at") != 0:
        raise Broken(f"'failed' tells the number of the request, 0; it tells {first(told, 'failed').get('at')}")


TRIALS = (
    Trial("http: the site, method by method", each_family(_site), needs="serve http/tcp"),
    Trial("http: etag and If-None-Match", each_family(_tags), needs="serve http/tcp"),
    Trial("http: content both ways, and what is reported of it", each_family(_content), needs="serve http/tcp"),
    Trial("ask: requests and responses of each kind on one connection", each_family(_asks), needs="ask http/tcp"),
    Trial("ask: a content that breaks off", each_family(_breaks_off), needs="ask http/tcp"),
    Trial("ask: no response at all", each_family(_no_response), needs="ask http/tcp"),
)
