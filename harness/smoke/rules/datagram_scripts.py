"""Scripts over UDP, of clients and of servers."""

from __future__ import annotations

import asyncio

from harness.model.payload import Payload
from harness.smoke.probe import Chapter
from harness.smoke.stage import Stage, Step, alike, amount, bound_port, failure, one, place, same, soon, told
from harness.smoke.subject import Talk
from harness.smoke.wire import Address, Datagrams

chapter = Chapter("Script, UDP")
_CLIENT, _SERVER = "script client/udp", "script server/udp"
_LOCAL = (
    "Report 'bound' after the first 'send': the port by getsockname, the address by a second socket connected to the target. Never 0.0.0.0 or ::."
)


async def _next(ours: Datagrams, what: str) -> tuple[bytes, Address]:
    return await soon(ours.receive(), what, "Send one datagram for each 'send', and as many as 'count' says.")


@chapter.rule("client: one datagram for each 'send', an empty one too; it reports the address that they leave from", needs=_CLIENT, each_family=True)
async def _send(stage: Stage) -> None:
    ours = stage.datagrams()
    steps = [{"do": "send", "payload": p} for p in ({"text": "one"}, {"text": ""}, {"pattern": "text", "seed": 2, "size": 1400})]
    talk = stage.script(steps, ours.port, transport="udp")
    sources = set()
    for payload in (b"one", b"", Payload(pattern="text", seed=2, size=1400).octets()):
        octets, source = await _next(ours, "three datagrams")
        alike(octets, payload, "the datagram")
        sources.add(source)
    await talk.over()
    same(len(sources), 1, "local addresses of one script:")
    told(talk, "created sent sent sent closed")
    place(one(talk, "bound"), "local", sources.pop())
    for step, octets in zip(talk.all("sent"), (b"one", b"", Payload(pattern="text", seed=2, size=1400).octets()), strict=True):
        amount(step, octets)
        place(step, "remote", ours.local)


@chapter.rule("client: 'count' sends so many datagrams, the seed one higher each time, one 'sent' for each", needs=_CLIENT)
async def _count(stage: Stage) -> None:
    ours = stage.datagrams()
    payload = Payload(pattern="random", seed=4_294_967_290, size=50)
    wire = {"pattern": "random", "seed": 4_294_967_290, "size": 50}
    talk = stage.script([{"do": "send", "payload": wire, "count": 5}], ours.port, transport="udp")
    for number in range(5):
        octets, _ = await _next(ours, "five datagrams")
        alike(octets, payload.successor(number).octets(), f"datagram {number + 1}, with seed {wire['seed']} + {number}")
    await talk.over()
    told(talk, "created sent sent sent sent sent closed")


@chapter.rule("client: 'receive' takes 'count' datagrams, one 'received' each, with 'remote', and 'hex' if asked", needs=_CLIENT)
async def _receive(stage: Stage) -> None:
    ours = stage.datagrams()
    steps: list[Step] = [{"do": "send", "payload": {"text": "?"}}, {"do": "receive", "count": 3, "keep": 2}, {"do": "receive"}]
    talk = stage.script(steps, ours.port, transport="udp")
    _, source = await _next(ours, "a datagram")
    datagrams = (b"abc", b"", b"x" * 9000, b"last")
    for octets in datagrams:
        ours.send(octets, source)
    await talk.over("An empty datagram is a datagram, too.")
    told(talk, "created sent received received received received closed")
    for step, octets in zip(talk.all("received"), datagrams, strict=True):
        amount(step, octets)
        place(step, "remote", ours.local)
    same([s.get("hex") for s in talk.all("received")][0::2], ["6162", "7878"], "'hex' of the first and third datagram:", context=talk.all("received"))


@chapter.rule("client: 'connect' makes a connected socket, reported with both addresses", needs=_CLIENT, each_family=True)
async def _connected(stage: Stage) -> None:
    ours, stranger = stage.datagrams(), stage.datagrams()
    steps: list[Step] = [{"do": "connect"}, {"do": "send", "payload": {"text": "x"}}, {"do": "receive"}]
    talk = stage.script(steps, ours.port, transport="udp")
    _, source = await _next(ours, "a datagram")
    stranger.send(b"not from the one it is connected to", source)
    await asyncio.sleep(0.1)
    ours.send(b"y", source)
    await talk.over()
    same([n for n in talk.names() if n not in ("connecting", "bound")], ["created", "connected", "sent", "received", "closed"], "the steps")
    place(one(talk, "connected"), "local", source)
    place(one(talk, "connected"), "remote", ours.local)
    amount(one(talk, "received"), b"y")


@chapter.rule("client: 'quiet' and 'within' as over TCP", needs=_CLIENT)
async def _quiet(stage: Stage) -> None:
    ours = stage.datagrams()
    quiet, late = {"do": "receive", "quiet": 200}, {"do": "receive", "within": 200}
    talk = stage.script([{"do": "send", "payload": {"text": "x"}}, quiet, {**quiet, "quiet": 3000}, late], ours.port, transport="udp")
    _, source = await _next(ours, "a datagram")
    await talk.until(lambda t: "quiet" in t.names(), "'quiet' after 200 ms without a datagram")
    ours.send(b"loud", source)
    await talk.over()
    told(talk, "created sent quiet received failed closed", "A datagram ends 'quiet' as 'received', and the script runs on.")
    failure(talk, 3, "timeout")


async def _bound(stage: Stage, steps: list[Step]) -> tuple[Talk, Address]:
    talk = stage.script(steps, role="server", transport="udp")
    await talk.until(lambda t: "bound" in t.names(), "'created', 'bound' at once", "Bind before the first step.", seconds=1.5)
    return talk, (stage.address, bound_port(talk, stage.address))


@chapter.rule("server: it is bound at once; its 'send' reaches whoever sent the last datagram", needs=_SERVER, each_family=True)
async def _serve(stage: Stage) -> None:
    receive: Step = {"do": "receive"}
    send: Step = {"do": "send", "payload": {"text": "answer"}}
    talk, remote = await _bound(stage, [receive, receive, send])
    first, last = stage.datagrams(), stage.datagrams()
    for ours, octets in ((first, b"a"), (last, b"bc")):
        ours.send(octets, remote)
        await asyncio.sleep(0.05)
    octets, source = await _next(last, "an answer to the second of two clients")
    alike(octets, b"answer", "the answer")
    same(source, remote, "it comes from")
    await talk.over()
    told(talk, "created bound received received sent closed")
    place(one(talk, "received"), "remote", first.local)
    place(one(talk, "sent"), "remote", last.local)


@chapter.rule("server: 'stop' ends it: closed, then 'done'", needs=_SERVER)
async def _stop(stage: Stage) -> None:
    talk, _ = await _bound(stage, [{"do": "receive"}])
    stage.peer.stop(talk)
    await talk.over("Close the socket when 'stop' comes, and report 'done'.")
