"""Rules for every line: bad ones are answered and survived, good ones are obeyed soon."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from harness.peer import contract
from harness.smoke.probe import QUEUE, Broken, Chapter, Skip
from harness.smoke.stage import Stage, soon
from harness.smoke.subject import Talk

BAD, UNSUPPORTED = "bad-command", "unsupported"
chapter = Chapter("Rules for every line", lane=QUEUE)
_SCRIPTS = ("script client/tcp", "script client/udp", "script server/tcp", "script server/udp")
_KNOWN = tuple(f"serve {s}/{t}" for s in ("echo", "discard", "chargen", "qotd", "daytime", "time") for t in ("tcp", "udp"))
_HOLD = "Do not gather steps for longer than 50 ms: flush standard output when there is nothing else to do, and on a timer."


def command(stage: Stage, ability: str) -> dict[str, Any]:
    """A good command, without its id, for an ability."""
    do, what, transport = ability.replace("/", " ").split()
    place = {"address": stage.address, "port": 0}
    if do == "serve":
        return {"do": do, "service": what, "transport": transport, **place, **({"site": []} if what == "http" else {})}
    if do == "ask":
        return {"do": do, "service": "http", **place, "port": 9, "requests": [{"method": "GET", "target": "/"}]}
    return {"do": do, "role": what, "transport": transport, **place, "steps": [{"do": "wait", "ms": 1}]}


def some(stage: Stage) -> dict[str, Any]:
    """A good command for anything that this peer can do."""
    for ability in (*_KNOWN, *_SCRIPTS, "serve http/tcp", "ask http/tcp"):
        if ability in stage.can:
            return command(stage, ability)
    raise Skip("it declares nothing to serve, hold or ask")


@chapter.rule("'flush' is answered by 'flushed' with its id")
async def _flush(stage: Stage) -> None:
    await stage.peer.flush()


@chapter.rule("members of a command that it does not know are ignored")
async def _unknown_members(stage: Stage) -> None:
    talk = stage.peer.send("flush", colour="green", more=[{"a": None}, 1.5, True])
    await talk.until(lambda t: t.flushed, "'flushed', as if the members 'colour' and 'more' were not there", "Look only at members that you know.")
    asked = some(stage)
    talk = stage.peer.send(colour="green", more={"x": [1]}, **asked)
    try:
        await talk.until(lambda t: t.steps, f"steps for {json.dumps(asked)} with further members", "Look only at members that you know.")
    finally:
        stage.peer.stop(talk)


@chapter.rule("a line that is no JSON is a 'bad-command' with id \"\"; the peer lives on")
async def _no_json(stage: Stage) -> None:
    for line in (b'{"do":"flush","id":', b"no json at all", b'{"do":"flush" "id":"x"}'):
        await stage.refused(line, BAD, f"the line {line.decode()}")


@chapter.rule("a line that is JSON but no object is a 'bad-command' with id \"\"")
async def _no_object(stage: Stage) -> None:
    for line in (b"[]", b"17", b'"flush"', b"null"):
        await stage.refused(line, BAD, f"the line {line.decode()}")


@chapter.rule("a line that is not UTF-8 is a 'bad-command' with id \"\"")
async def _no_utf8(stage: Stage) -> None:
    await stage.refused(b'{"do":"\xff\xfe"}', BAD, "a line with the octets FF FE")


@chapter.rule("deeply nested JSON does not end the peer")
async def _nested(stage: Stage) -> None:
    stage.peer.raw(b'{"more":' + b"[" * 100_000 + b"\n")
    await stage.peer.flush("Bound the depth of nesting, or catch the parser's own complaint.")


@chapter.rule("a 'do' that it does not know is 'unsupported', with the command's id")
async def _unknown_do(stage: Stage) -> None:
    await stage.refused({"do": "dance"}, UNSUPPORTED, 'a command with "do":"dance"')


@chapter.rule("a command without 'do', or with one that is no text, is a 'bad-command' with its id")
async def _no_do(stage: Stage) -> None:
    await stage.refused({"colour": "green"}, BAD, "a command without 'do'")
    await stage.refused({"do": 17}, BAD, 'a command with "do":17')


@chapter.rule("a command without a member that it needs is a 'bad-command' with its id")
async def _missing(stage: Stage) -> None:
    asked = some(stage)
    for member in ("address", "port", "transport", "steps", "requests", "service", "role"):
        if member in asked:
            less = {k: v for k, v in asked.items() if k != member}
            await stage.refused(less, BAD, f"a '{asked['do']}' without '{member}'")


@chapter.rule("a command without an id, or with one that is no text, is a 'bad-command' with id \"\"")
async def _no_id(stage: Stage) -> None:
    asked = some(stage)
    await stage.refused(contract.encode(asked), BAD, f"a '{asked['do']}' without 'id'")
    await stage.refused(contract.encode({**asked, "id": 7}), BAD, f"a '{asked['do']}' with \"id\":7")


@chapter.rule("a member of the wrong type is a 'bad-command' with the command's id")
async def _wrong_type(stage: Stage) -> None:
    asked = some(stage)
    wrong = {"port": "seven", "address": 7, "steps": 0, "requests": "all"}
    for member, value in wrong.items():
        if member in asked:
            await stage.refused({**asked, member: value}, BAD, f"a '{asked['do']}' with \"{member}\":{json.dumps(value)}")


@chapter.rule("what it does not declare is 'unsupported'")
async def _undeclared(stage: Stage) -> None:
    for ability in (*_KNOWN, "serve http/tcp", *_SCRIPTS, "ask http/tcp"):
        if ability not in stage.can:
            await stage.refused(command(stage, ability), UNSUPPORTED, f"a command for '{ability}', which is not in 'can'")
    if any(a.startswith("serve ") for a in stage.can):
        asked = {**command(stage, "serve echo/tcp"), "service": "gopher"}
        await stage.refused(asked, UNSUPPORTED, "a 'serve' of \"gopher\", which is no service of this page")


@chapter.rule("a step that it does not know is 'unsupported', and a bad one a 'bad-command', with the command's id")
async def _unknown_step(stage: Stage) -> None:
    asked = command(stage, stage.need(*_SCRIPTS))
    await stage.refused({**asked, "steps": [{"do": "dance"}]}, UNSUPPORTED, 'a script with the step {"do":"dance"}')
    await stage.refused({**asked, "steps": [{"do": "wait"}]}, BAD, "a script with a 'wait' without 'ms'")
    await stage.refused({**asked, "steps": [{"do": "send"}]}, BAD, "a script with a 'send' without 'payload'")
    bad = {"do": "send", "payload": {"hex": "0g"}}
    await stage.refused({**asked, "steps": [bad]}, BAD, f"a script with the step {json.dumps(bad)}")


@chapter.rule("a line of nearly 1 MiB is read")
async def _long(stage: Stage) -> None:
    talk = stage.peer.send("flush", padding="x" * 1_048_000)
    await talk.until(lambda t: t.flushed, "'flushed' for a 'flush' in a line of 1,048,000 octets", "Read lines of up to 1,048,576 octets.")


@chapter.rule("a line longer than 1 MiB does not end the peer")
async def _too_long(stage: Stage) -> None:
    stage.peer.raw(b'{"padding":"' + b"x" * 1_300_000 + b'"}\n')
    await stage.peer.flush("Drop what is too long up to its newline, and read on.")


@chapter.rule("'stop' of an id that is not running: nothing happens")
async def _stop_nothing(stage: Stage) -> None:
    talk = stage.peer.talks[stage.peer.new_id()]
    stage.peer.stop(talk)
    await stage.peer.flush()
    if talk.steps or talk.errors or talk.done:
        raise Broken("nothing at all for that id", talk.said(), "An id may just have ended when 'stop' comes: pass over it in silence.")


@chapter.rule("several commands in one write, and one command in several writes, are all carried out")
async def _cuts(stage: Stage) -> None:
    talks = [stage.peer.talks[stage.peer.new_id()] for _ in range(5)]
    octets = b"".join(contract.command("flush", id=t.id) for t in talks)
    for piece in (octets[:70], octets[70:73], octets[73:]):
        stage.peer.raw(piece)
        await asyncio.sleep(0.05)
    for talk in talks:
        await talk.until(
            lambda t: t.flushed, f"'flushed' for each of 5 'flush' that came in 3 pieces; {talk.id!r} too", "Cut standard input at newlines only."
        )


async def _begun(stage: Stage) -> Talk:
    """A conversation that has begun and is not over: something is to be told of it."""
    ability = stage.need("script client/tcp", "serve echo/tcp", *_KNOWN, *_SCRIPTS)
    if ability != "script client/tcp":
        asked = command(stage, ability)
        return stage.peer.send(**({**asked, "steps": [{"do": "wait", "ms": 3000}]} if "steps" in asked else asked))
    listener = stage.listen()
    talk = stage.script([{"do": "connect"}, {"do": "wait", "ms": 3000}], listener.port)
    await soon(listener.accept(), "the connection of a script", "Do the step 'connect'.")
    return talk


@chapter.rule("steps are not held back for longer than 50 ms (here: a second)")
async def _prompt(stage: Stage) -> None:
    talk = await _begun(stage)
    wanted = "connected" if stage.can and "script client/tcp" in stage.can else "created"
    try:
        await talk.until(lambda t: wanted in t.names(), f"the step '{wanted}' while the conversation still lasts", _HOLD, seconds=1)
    finally:
        stage.peer.stop(talk)


@chapter.rule("'flush' reports everything that already happened before it is answered")
async def _flush_reports(stage: Stage) -> None:
    talk = await _begun(stage)
    await asyncio.sleep(0.15)
    await stage.peer.flush()
    seen = talk.names()
    stage.peer.stop(talk)
    if not seen:
        raise Broken(
            "the steps of a conversation that began 150 ms before, then 'flushed'",
            "'flushed' without them",
            "Write what is held back before 'flushed'.",
        )
