"""Scripts of a TCP client that cannot come to their end: where and how they fail."""

from __future__ import annotations

import asyncio
import time

from harness.smoke.probe import Broken, Chapter
from harness.smoke.rules.stream_scripts import CONNECT, TO_END, begin
from harness.smoke.stage import Stage, amount, failure, one, same, told
from harness.smoke.subject import Talk

chapter = Chapter("Script, failures", needs="script client/tcp")
_ENDED = "Report 'received' with what there was, 'end', then 'failed' with 'ended'."
_RESET = "Report 'received' with what there was (if any), 'reset' by them, then 'failed' with 'reset', then 'closed'."


def _without(talk: Talk, name: str) -> list[str]:
    return [n for n in talk.names() if n != name]


@chapter.rule("a refused connect: 'failed' with 'refused' at its step; no further step is done; the socket is 'closed'", each_family=True)
async def _refused(stage: Stage) -> None:
    talk = await stage.script([CONNECT, {"do": "wait", "ms": 1}, TO_END], stage.reserved().port).over()
    told(talk, "created connecting failed closed", "A step that fails ends the script: 'failed', close, 'closed', done.")
    failure(talk, 0, "refused")


@chapter.rule("'within': a step that is not done in that many milliseconds fails with 'timeout'")
async def _within(stage: Stage) -> None:
    before = time.monotonic()
    talk, _ = await begin(stage, [{"do": "wait", "ms": 1}, {"do": "receive", "octets": 1, "within": 200}, {"do": "wait", "ms": 1}])
    await talk.over("Bound each step by its 'within'.")
    same(_without(talk, "received"), ["created", "connecting", "connected", "failed", "closed"], "the steps")
    failure(talk, 2, "timeout")
    passed = time.monotonic() - before
    same(0.19 <= passed < 2.5, True, f"failed after about 200 ms (it took {passed:.2f} s):")


@chapter.rule("'deadline' bounds the whole conversation the same way")
async def _deadline(stage: Stage) -> None:
    for steps, at in (([{"do": "wait", "ms": 1}, {"do": "wait", "ms": 9000}], 2), ([TO_END], 1)):
        talk, _ = await begin(stage, steps, deadline=300)
        await talk.over("Bound the whole script by its 'deadline'.")
        same(_without(talk, "received"), ["created", "connecting", "connected", "failed", "closed"], "the steps")
        failure(talk, at, "timeout")


@chapter.rule("a stream that ends inside 'octets' or 'through': 'received', 'end', then 'failed' with 'ended'")
async def _ended(stage: Stage) -> None:
    for asked in ({"octets": 5}, {"through": "0d0a"}):
        talk, wire = await begin(stage, [{"do": "receive", **asked}])
        await wire.send(b"abc")
        wire.half_close()
        await talk.over(_ENDED)
        told(talk, "created connecting connected received end failed closed", _ENDED)
        amount(one(talk, "received"), b"abc")
        failure(talk, 1, "ended")


@chapter.rule("a FIN while it should be quiet: 'failed' with 'ended'")
async def _fin_in_quiet(stage: Stage) -> None:
    talk, wire = await begin(stage, [{"do": "receive", "quiet": 5000}])
    wire.half_close()
    await talk.over("A FIN is not silence.")
    same([n for n in talk.names() if n not in ("end", "received")], ["created", "connecting", "connected", "failed", "closed"], "the steps")
    failure(talk, 1, "ended")


@chapter.rule("a reset by the other side: what came as 'received', 'reset' by them, 'failed' with 'reset'")
async def _reset(stage: Stage) -> None:
    talk, wire = await begin(stage, [{"do": "receive", "octets": 5}])
    await wire.send(b"abc")
    await asyncio.sleep(0.2)
    wire.reset()
    await talk.over(_RESET)
    told(talk, "created connecting connected received reset failed closed", _RESET)
    amount(one(talk, "received"), b"abc")
    same(one(talk, "reset").get("by"), "them", "'reset' with 'by'")
    failure(talk, 1, "reset")


@chapter.rule("a reset while it sends: 'reset' by them, 'failed' with 'reset' at the 'send', and no 'sent'; the peer lives on")
async def _reset_sending(stage: Stage) -> None:
    payload = {"pattern": "constant", "size": 20_000_000}
    listener = stage.listen(buffer=65536)
    talk = stage.script([CONNECT, {"do": "send", "payload": payload}, TO_END], listener.port)
    wire = await stage.accept(listener, talk)
    await wire.read()
    wire.reset()
    await talk.over(_RESET)
    told(talk, "created connecting connected reset failed closed", f"{_RESET} And ignore SIGPIPE.")
    failure(talk, 1, "reset")
    await stage.peer.flush("Ignore SIGPIPE, or send with MSG_NOSIGNAL.")


@chapter.rule("a failed conversation does not hurt the next one")
async def _next(stage: Stage) -> None:
    await stage.script([CONNECT], stage.reserved().port).over()
    talk, wire = await begin(stage, [TO_END])
    wire.half_close()
    await talk.over()
    if talk.all("failed"):
        raise Broken("a whole conversation after one that failed", talk.said())
