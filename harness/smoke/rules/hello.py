"""The handshake: silence before it, its answer, and other versions."""

from __future__ import annotations

import asyncio
from typing import Any

from harness import CONTRACT
from harness.smoke.lesson import lesson
from harness.smoke.probe import ALONE, Broken, Chapter
from harness.smoke.stage import Stage
from harness.smoke.subject import excerpt

GATE = "[Hello] 'hello' is answered by a valid hello event of this version, with families and abilities"
chapter = Chapter("Hello")
_SILENCE = 0.5


def check(event: dict[str, Any], first: str) -> None:
    """The gate: raises ``Broken`` if this hello is not one to work with."""
    if '"hello"' not in first:
        remedy = "Print nothing else on standard output before it, no banner, no log."
        raise Broken("'hello' to be the very first line", first, remedy)
    says = lesson(event)
    if says:
        raise Broken(
            "a hello that is valid by contract.schema.json", f"{says} -- in {excerpt(event, 500)}", "'A first conversation' shows a whole one."
        )
    if event["contract"] != CONTRACT:
        raise Broken(f'"contract":{CONTRACT}, the version that this harness speaks', f'"contract":{event["contract"]}', "See 'Hello'.")


@chapter.rule("it says nothing before 'hello' asks", lane=ALONE)
async def _says_nothing(stage: Stage) -> None:
    await asyncio.sleep(_SILENCE)
    remedy = "Wait for the first line on standard input before you write anything on standard output; log on standard error."
    if stage.peer.first or stage.peer.trouble:
        raise Broken("nothing on standard output", stage.peer.shown_first() or stage.peer.trouble, remedy)
    await stage.peer.greet()
    if '"hello"' not in stage.peer.shown_first():
        raise Broken("the hello event as its first line", stage.peer.shown_first(), remedy)


@chapter.rule("it carries nothing out before 'hello' asks", lane=ALONE)
async def _does_nothing(stage: Stage) -> None:
    talk = stage.peer.send("flush")
    await stage.peer.greet()
    await stage.peer.flush()
    if talk.flushed or '"hello"' not in stage.peer.shown_first():
        raise Broken("no answer to a 'flush' that comes before 'hello'", stage.peer.shown_first(), "Pass over commands until 'hello' came.")


@chapter.rule("a contract version that it does not speak is answered with the one that it does speak", lane=ALONE)
async def _other_version(stage: Stage) -> None:
    event = await stage.peer.greet(999)
    if event.get("contract") != CONTRACT:
        remedy = "Answer any 'hello' with your own hello: the harness decides whether it can speak that version."
        raise Broken(f'"contract":{CONTRACT}, although 999 was asked for', excerpt(event), remedy)
    await stage.peer.greet()


@chapter.rule("members of 'hello' that it does not know are ignored", lane=ALONE)
async def _unknown_members(stage: Stage) -> None:
    await stage.peer.greet(CONTRACT, colour="green", more={"a": [1, None]})


@chapter.rule("what it lacks is not what it can", lane=ALONE)
async def _lacks(stage: Stage) -> None:
    event = await stage.peer.greet()
    both = set(event.get("lacks") or {}) & set(event["can"])
    if both or len(set(event["can"])) != len(event["can"]):
        raise Broken(
            "each ability once, in 'can' or in 'lacks'",
            f"{sorted(both)} in both; can: {excerpt(event['can'])}",
            "'lacks' is for what is not in 'can'.",
        )
