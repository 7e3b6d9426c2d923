"""``dns.md``: queries to the service, and a resolver against a name server of smoke's own."""

from __future__ import annotations

import asyncio

from harness.smoke.probe import Broken, Chapter
from harness.smoke.stage import Stage, Step, one, same, soon

serving = Chapter("DNS, serve", needs="serve dns/udp")
streams = Chapter("DNS, serve over TCP", needs="serve dns/tcp")
asking = Chapter("DNS, ask", needs="ask dns/udp")
_ZONE = {
    "origin": "smoke.test",
    "records": [
        ["smoke.test", "SOA", 60, ["ns.smoke.test", "root.smoke.test", 1, 2, 3, 4, 5]],
        ["www.smoke.test", "A", 60, ["198.18.0.80"]],
    ],
}
_QUESTION = b"\3www\5smoke\4test\0\0\1\0\1"
_QUERY = b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + _QUESTION
_RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x12\0\x50"
_UNKNOWN = b"\x43\x21\0\0\0\1\0\0\0\0\0\0\4none\5smoke\4test\0\0\1\0\1"


def _look(octets: bytes, query: bytes, rcode: int, answers: int) -> None:
    """Raises ``Broken`` unless it is a response to the query, with that code and so many answers."""
    if len(octets) < 12 or octets[:2] != query[:2] or not octets[2] & 0x80:
        raise Broken("a response with QR and the query's id", octets[:12].hex() or "nothing", "Copy the id, set QR (RFC 1035 4.1.1).")
    same(octets[3] & 15, rcode, "the response code is", "dns.md, serve, says which.")
    same(int.from_bytes(octets[6:8], "big"), answers, "the number of answers is")
    same(octets[12 : 12 + len(query) - 12], query[12:], "the question comes back as it was:", "Repeat the question octet for octet.")


@serving.rule("over UDP a name of the zone is answered, one that it does not have gets NXDOMAIN")
async def _datagrams(stage: Stage) -> None:
    _, port = await stage.serve("dns", "udp", zone=_ZONE)
    ours = stage.datagrams()
    for query, rcode, answers in ((_QUERY, 0, 1), (_UNKNOWN, 3, 0)):
        ours.send(query, (stage.address, port))
        octets, _ = await soon(ours.receive(), "a response", "Answer each query to where it came from.")
        _look(octets, query, rcode, answers)


@streams.rule("over TCP two octets of length stand before each message, and a query may come in pieces")
async def _stream(stage: Stage) -> None:
    _, port = await stage.serve("dns", "tcp", zone=_ZONE)
    wire = await stage.connect(port)
    framed = len(_QUERY).to_bytes(2, "big") + _QUERY
    for piece in (framed[:1], framed[1:9], framed[9:] + framed):
        await wire.send(piece)
        await asyncio.sleep(0.02)
    wire.half_close()
    octets, _ = await soon(wire.rest(), "two responses, then the end", "Answer all queries of a connection, then close after the client's FIN.")
    size = int.from_bytes(octets[:2], "big")
    _look(octets[2 : 2 + size], _QUERY, 0, 1)
    same(len(octets), 2 * (2 + size), "the octets of two responses are")


@asking.rule("a resolver asks the server that it is given, and tells the records; a truncated answer is asked for again over TCP", each_family=True)
async def _asks(stage: Stage) -> None:
    listener = stage.listen()
    ours = stage.datagrams(listener.port)
    question: Step = {"name": "www.smoke.test", "type": "A"}
    talk = stage.run("ask", service="dns", address=stage.address, port=listener.port, questions=[question, question], deadline=8000)
    query, remote = await soon(ours.receive(), "a query over UDP", "Ask the address and port of the command, and nobody else.")
    ours.send(_answer(query, truncated=False), remote)
    query, remote = await soon(ours.receive(), "the second query over UDP", "Ask one question after the other.")
    ours.send(_answer(query, truncated=True), remote)
    wire = await stage.accept(listener, talk)
    size = int.from_bytes(await soon(wire.exactly(2), "a query over TCP"), "big")
    query = await soon(wire.exactly(size), "a query over TCP")
    answer = _answer(query, truncated=False)
    await wire.send(len(answer).to_bytes(2, "big") + answer)
    await talk.over("Report an 'answer' for each question, then 'closed'.")
    wire.close()
    for number in range(2):
        same(one(talk, "answer", number).get("records"), [["198.18.0.80"]], "'records' of the answer are")


def _answer(query: bytes, *, truncated: bool) -> bytes:
    """A response to a query for the one name there is, however its case and whatever stands behind the question."""
    end = query.index(b"\0", 12) + 5
    flags = bytes((0x84 | truncated << 1 | query[2] & 1, 0))
    counts = b"\0\1" + (b"\0\0" if truncated else b"\0\1") + bytes(4)
    return query[:2] + flags + counts + query[12:end] + (b"" if truncated else _RECORD)
