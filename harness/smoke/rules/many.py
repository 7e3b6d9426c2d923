"""At least 128 conversations in flight at once, on either side; and the load that benchmarks ask for."""

from __future__ import annotations

import asyncio

from harness.smoke.probe import QUEUE, Broken, Chapter
from harness.smoke.stage import Stage, Step, alike, amount, one, recipe, same, soon
from harness.smoke.wire import Listener, Wire

MANY = 128
SECONDS = 6.0
chapter = Chapter("Rules for every line", lane=QUEUE)
_REMEDY = "Hold conversations side by side (threads, tasks or a select loop), not one after the other; see also the limit on open files."


@chapter.rule("128 scripts at once: all connect before the first is answered, and none takes another's octets", needs="script client/tcp")
async def _scripts(stage: Stage) -> None:
    listener = stage.listen()
    talks = [stage.script(_steps(n), listener.port, deadline=15000) for n in range(MANY)]
    try:
        wires = await asyncio.wait_for(_accept_all(listener), SECONDS)
    except TimeoutError:
        raise Broken(f"{MANY} connections at once", f"{len(listener.accepted)} in {SECONDS:g} s", _REMEDY) from None
    sent = dict(zip([recipe("random", 40, n + 1)[1] for n in range(MANY)], range(MANY), strict=True))
    for wire in reversed(wires):
        octets = await soon(wire.exactly(40), "40 octets of each script", _REMEDY)
        same(octets in sent, True, "octets of one of the scripts:")
        await wire.send(b"%04d" % sent.pop(octets))
        wire.close()
    for number, talk in enumerate(talks):
        await talk.over(_REMEDY, seconds=SECONDS)
        amount(one(talk, "received"), b"%04d" % number)


def _steps(number: int) -> list[Step]:
    send = {"do": "send", "payload": recipe("random", 40, number + 1)[0]}
    return [{"do": "connect"}, send, {"do": "receive", "octets": 4}, {"do": "receive", "until": "end"}]


async def _accept_all(listener: Listener) -> list[Wire]:
    return [await listener.accept() for _ in range(MANY)]


@chapter.rule("128 connections of a service at once, each served and reported", needs="serve echo/tcp")
async def _connections(stage: Stage) -> None:
    service, port = await stage.serve("echo", "tcp")
    wires = [await stage.connect(port) for _ in range(MANY)]
    for number, wire in enumerate(wires):
        await wire.send(b"%04d" % number)
    for number, wire in enumerate(wires):
        alike(await soon(wire.exactly(4), "4 octets back on each of 128 connections", _REMEDY), b"%04d" % number, "its own octets")
    for wire in wires:  # none ends before all are served
        wire.half_close()
    expected = f"{MANY} connections reported up to 'done'"
    await service.until(lambda t: sum(c.done for c in t.conns.values()) >= MANY, expected, _REMEDY, seconds=SECONDS)
    for number, wire in enumerate(wires):
        talk = await stage.connection(service, wire)
        amount(one(talk, "sent"), b"%04d" % number)


@chapter.rule("'load': so many conversations are held, and told of in one 'loaded' step", needs="load tcp")
async def _load(stage: Stage) -> None:
    listener = stage.listen()
    payload, _ = recipe("text", 2000, 5)
    server = asyncio.ensure_future(_echo(listener))
    try:
        talk = stage.peer.send("load", address=stage.address, port=listener.port, payload=payload, conversations=30, parallel=4)
        await talk.over("Connect, send, half-close, read to the end, close; 30 times, 4 at once; then 'loaded'.", seconds=5)
    finally:
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)
    same(talk.names(), ["loaded"], "the steps")
    step = one(talk, "loaded")
    same((step["conversations"], step["failed"]), (30, 0), "(conversations, failed) of 'loaded':", context=step)
    same(0 < step["t"] - step["t0"] < 6_000_000, True, f"t0 before t, in microseconds (t0 {step['t0']}, t {step['t']}):")


async def _echo(listener: Listener) -> None:
    running = set()

    async def one_of(wire: Wire) -> None:
        octets, _ = await wire.rest()
        await wire.send(octets)
        wire.close()

    while True:
        task = asyncio.ensure_future(one_of(await listener.accept()))
        running.add(task)
        task.add_done_callback(running.discard)
