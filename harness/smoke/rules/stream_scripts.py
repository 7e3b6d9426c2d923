"""Scripts of a TCP client that come to their end: every step, held against what smoke's own server saw."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.model.payload import Payload
from harness.smoke.probe import Broken, Chapter
from harness.smoke.stage import Stage, alike, amount, failure, one, place, recipe, same, soon, told
from harness.smoke.subject import Talk, excerpt
from harness.smoke.wire import FIN, RST, Wire

chapter = Chapter("Script, TCP client", needs="script client/tcp")
CONNECT, HALF_CLOSE, TO_END = {"do": "connect"}, {"do": "half-close"}, {"do": "receive", "until": "end"}
Steps = list[dict[str, Any]]


async def begin(stage: Stage, steps: Steps, **more: Any) -> tuple[Talk, Wire]:
    """A script that connects to us."""
    listener = stage.listen()
    talk = stage.script([CONNECT, *steps], listener.port, **more)
    return talk, await stage.accept(listener, talk)


async def to_fin(wire: Wire, what: str) -> bytes:
    """All up to the peer's FIN, which must come."""
    octets, how = await soon(wire.rest(), f"{what}, then FIN", "Close or half-close when the script says so, and at its end.")
    same(how, FIN, f"{what}, ended by")
    return octets


@chapter.rule("it connects, tells both addresses as they are, half-closes, reads to the end and closes; each step once, in order", each_family=True)
async def _whole(stage: Stage) -> None:
    payload, octets = recipe("every-octet", 1000)
    talk, wire = await begin(stage, [{"do": "send", "payload": payload}, HALF_CLOSE, TO_END, {"do": "close"}])
    alike(await to_fin(wire, "1000 octets"), octets, "the payload")
    await wire.send(b"answer")
    wire.close()
    await talk.over()
    told(talk, "created connecting connected sent half-closed received end closed")
    place(one(talk, "connecting"), "remote", wire.local)
    place(one(talk, "connected"), "local", wire.remote)
    place(one(talk, "connected"), "remote", wire.local)
    amount(one(talk, "sent"), octets)
    amount(one(talk, "received"), b"answer")


_PAYLOADS: tuple[tuple[str, Steps], ...] = (
    ("every-octet", [{"pattern": "every-octet", "seed": s, "size": n} for s, n in ((0, 300), (250, 1000), (4294967295, 3))]),
    ("constant", [{"pattern": "constant", "seed": s, "size": n} for s, n in ((0, 5), (65, 70000), (300, 7))]),
    ("text", [{"pattern": "text", "seed": s, "size": n} for s, n in ((1, 100), (0, 7500), (4294967295, 200))]),
    ("random", [{"pattern": "random", "seed": s, "size": n} for s, n in ((1, 10), (0, 4097), (4294967295, 1001))]),
    ("text and hex as they stand", [{"text": "żółw\r\n\u0000"}, {"hex": "00ff0d0a"}, {"pattern": "random", "size": 9}, {"text": ""}]),
)


def _payload(name: str, payloads: Steps) -> None:
    @chapter.rule(f"payload {name}: the octets of the page's table")
    async def check(stage: Stage) -> None:
        for payload in payloads:
            octets = Payload(**payload).octets()
            talk, wire = await begin(stage, [{"do": "send", "payload": payload}])
            alike(
                await to_fin(wire, f"the octets of {excerpt(payload)}"),
                octets,
                f"{excerpt(payload)}",
                "See 'Payloads'; its last line has digests to check.",
            )
            wire.close()
            await talk.over()
            amount(one(talk, "sent"), octets)


for _name, _each in _PAYLOADS:
    _payload(_name, _each)


@chapter.rule("'writes' and 'gap': the sizes of the single writes, the last one repeating, so many milliseconds apart")
async def _writes(stage: Stage) -> None:
    payload, octets = recipe("text", 8, 1)
    talk, wire = await begin(stage, [{"do": "send", "payload": payload, "writes": [3, 2, 1], "gap": 250}])
    pieces = []
    while piece := await soon(wire.read(), "8 octets in writes of 3, 2, 1, 1, 1", "Write each piece by itself, with TCP_NODELAY."):
        pieces.append(len(piece))
    remedy = "Set TCP_NODELAY, make one write call for each size, and wait 'gap' between them."
    same(pieces, [3, 2, 1, 1, 1], "reads on the other side of", remedy)
    wire.close()
    await talk.over()
    amount(one(talk, "sent"), octets)
    same(len(talk.all("sent")), 1, "'sent' steps for one 'send':")


@chapter.rule("'receive' octets, through and until end each take just their part of the stream, however it is cut")
async def _parts(stage: Stage) -> None:
    steps: Steps = [{"do": "receive", "octets": 4}, {"do": "receive", "through": "0d0a"}, {"do": "receive", "octets": 0}, TO_END]
    talk, wire = await begin(stage, steps)
    for piece in (b"ab", b"cdef\r", b"\nre", b"st"):
        await wire.send(piece)
        await asyncio.sleep(0.03)
    wire.half_close()
    await talk.over()
    told(talk, "created connecting connected received received received received end closed")
    for step, octets in zip(talk.all("received"), (b"abcd", b"ef\r\n", b"", b"rest"), strict=True):
        amount(step, octets)


@chapter.rule("a 'receive' that is out of time tells what came, as 'received', before it fails with 'timeout'")
async def _late(stage: Stage) -> None:
    for step in ({"do": "receive", "until": "end"}, {"do": "receive", "through": "0d0a0d0a"}, {"do": "receive", "octets": 100}):
        talk, wire = await begin(stage, [{**step, "within": 200, "keep": 10}])
        await wire.send(b"part\r\n")
        await talk.over()
        told(talk, "created connecting connected received failed closed", "What came tells more than that it was not enough.")
        amount(one(talk, "received"), b"part\r\n")
        same(one(talk, "received").get("hex"), b"part\r\n".hex(), "'hex' of what came:")
        failure(talk, 1, "timeout")
        wire.close()


@chapter.rule("'until' \"end\" reports 'received' also when it is 0 octets, then 'end'")
async def _nothing(stage: Stage) -> None:
    talk, wire = await begin(stage, [TO_END])
    wire.half_close()
    await talk.over()
    told(talk, "created connecting connected received end closed", "Report 'received' with octets 0 and the digest of nothing before 'end'.")
    amount(one(talk, "received"), b"")


@chapter.rule("'keep': the first octets as hex, no more than came, up to 262,144")
async def _keep(stage: Stage) -> None:
    _, octets = recipe("every-octet", 262_144)
    steps: Steps = [{"do": "receive", "octets": 3, "keep": 2}, {"do": "receive", "octets": 2, "keep": 10}, {**TO_END, "keep": 262_144}]
    talk, wire = await begin(stage, steps)
    await wire.send(b"abcde" + octets)
    wire.half_close()
    await talk.over()
    for step, wanted in zip(talk.all("received"), (b"ab", b"de", octets), strict=False):
        if step.get("hex") != wanted.hex():
            raise Broken(
                f'"hex":"{wanted[:20].hex()}" ({len(wanted)} octets)', excerpt(step), "'hex' is lower-case, of the first N octets of that step."
            )
    same(len(talk.all("received")), 3, "'received' steps:")


@chapter.rule("'quiet': nothing for so long is 'quiet'; octets are 'received', and the script continues")
async def _quiet(stage: Stage) -> None:
    talk, wire = await begin(stage, [{"do": "receive", "quiet": 300}, {"do": "receive", "quiet": 3000}, {"do": "send", "payload": {"text": "on"}}])
    remedy = "Wait that many milliseconds; report 'quiet' if nothing came, or 'received' at once with what came."
    await talk.until(lambda t: "quiet" in t.names(), "'quiet' after 300 ms without octets", remedy)
    await wire.send(b"loud")
    alike(await to_fin(wire, "two octets"), b"on", "the step after 'quiet'", "The script runs on after octets came.")
    wire.close()
    await talk.over()
    told(talk, "created connecting connected quiet received sent closed")
    amount(one(talk, "received"), b"loud")
    passed = one(talk, "quiet")["t"] - one(talk, "connected")["t"]
    same(passed >= 290_000, True, f"'quiet' at least 300,000 after 'connected' (it is {passed:,}):", remedy)


@chapter.rule("'half-close' ends only the sending direction")
async def _half(stage: Stage) -> None:
    talk, wire = await begin(stage, [HALF_CLOSE, {"do": "receive", "octets": 5}, {"do": "wait", "ms": 50}])
    await to_fin(wire, "nothing")
    await asyncio.sleep(0.1)
    await wire.send(b"later")
    await talk.over()
    told(talk, "created connecting connected half-closed received closed")


@chapter.rule("'reset': the other side gets RST; reported as 'reset' by us, then 'closed'")
async def _reset(stage: Stage) -> None:
    talk, wire = await begin(stage, [{"do": "send", "payload": {"text": "x"}}, {"do": "receive", "octets": 1}, {"do": "reset"}])
    await wire.exactly(1)
    await wire.send(b"y")
    _, how = await soon(wire.rest(), "RST", "Set SO_LINGER to on with 0 seconds, then close.")
    same(how, RST, "the connection is ended by", "Set SO_LINGER to on with 0 seconds, then close.")
    await talk.over()
    told(talk, "created connecting connected sent received reset closed")
    same(one(talk, "reset").get("by"), "us", "'reset' with 'by'")


@chapter.rule("'wait' waits that long; octets that no 'receive' asks for are dropped in silence")
async def _wait(stage: Stage) -> None:
    talk, wire = await begin(stage, [{"do": "wait", "ms": 400}, {"do": "close"}])
    await wire.send(b"unasked")
    _, how = await soon(wire.rest(), "the connection to be closed after 400 ms", "Close at the step 'close'.")
    del how
    await talk.over()
    told(talk, "created connecting connected closed")
    passed = one(talk, "closed")["t"] - one(talk, "connected")["t"]
    if not 390_000 <= passed < 2_500_000:
        raise Broken("'closed' about 400,000 microseconds after 'connected'", f"{passed:,}", "'ms' are milliseconds, t is in microseconds.")


@chapter.rule("eager reading: two sides that send megabytes at once do not block each other")
async def _eager(stage: Stage) -> None:
    payload, octets = recipe("every-octet", 1_048_576, 7)
    listener = stage.listen(buffer=65536)
    talk = stage.script([CONNECT, {"do": "send", "payload": payload}, HALF_CLOSE, TO_END], listener.port)
    wire = await stage.accept(listener, talk)
    ours = b"\x2a" * 8_388_608
    remedy = "From the moment the connection stands, read whatever comes, also while a 'send' is not done, and keep it for the 'receive' to come."
    await soon(wire.send(ours), "8 MiB of ours read while the peer itself sends 1 MiB that we do not read yet", remedy, seconds=6)
    wire.half_close()
    alike(await to_fin(wire, "1 MiB"), octets, "the payload", remedy)
    await talk.over()
    amount(one(talk, "received"), ours)


@chapter.rule("lazy reading: nothing is read before a 'receive' asks for it")
async def _lazy(stage: Stage) -> None:
    steps: Steps = [{"do": "wait", "ms": 700}, {"do": "receive", "octets": 1000}]
    listener = stage.listen(buffer=65536)
    talk = stage.script([CONNECT, *steps], listener.port, reading="lazy")
    wire = await stage.accept(listener, talk)
    sending = asyncio.ensure_future(wire.send(b"z" * 33_554_432))
    done, _ = await asyncio.wait([sending], timeout=0.5)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    same(bool(done), False, "32 MiB taken while no 'receive' runs:", 'With "reading":"lazy" call read only inside \'receive\'.')
    await talk.over()
    amount(one(talk, "received"), b"z" * 1000)


@chapter.rule("'stop' ends a script: its socket is closed, then 'done'")
async def _stop(stage: Stage) -> None:
    talk, wire = await begin(stage, [TO_END])
    await talk.until(lambda t: "connected" in t.names(), "the step 'connected'")
    stage.peer.stop(talk)
    await soon(wire.rest(), "the connection to be closed after 'stop'", "Close the socket when 'stop' comes.")
    await talk.over("Report 'done' when 'stop' has closed the socket.")
