"""``machine.md``: scripts over what connects the processes of one machine. The peer holds both sides here; in a run others hold one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.model import transports
from harness.network.machine import Names
from harness.smoke.probe import Broken, Chapter
from harness.smoke.stage import Stage, Step, amount, failure, one, recipe, same
from harness.smoke.subject import Talk

_MANY = 24
_OPENED = ("bound", "listening")
_SEGMENTS = Path("/dev/shm")  # noqa: S108
chapters: list[Chapter] = []


def _chapter(transport: str) -> Chapter:
    made = Chapter(f"On one machine, {transport}", needs=f"script server/{transport}")
    chapters.append(made)
    return made


def _server(stage: Stage, transport: str, name: str, steps: list[Step], **more: object) -> Talk:
    return stage.run("script", role="server", transport=transport, address=name, port=0, steps=steps, **more)


def _client(stage: Stage, transport: str, name: str, steps: list[Step], **more: object) -> Talk:
    return stage.run("script", role="client", transport=transport, address=name, port=0, steps=steps, **more)


async def _up(talk: Talk, transport: str) -> str:
    """Waits until the server's names are there; returns what clients are given as address."""
    last = _OPENED[transport in transports.ACCEPTING]
    await talk.until(lambda t: last in t.names(), f"'created', 'bound' and so on up to '{last}' at once", "Make what is named before the first step.")
    local = one(talk, "bound").get("local")
    if not isinstance(local, list) or len(local) != 2 or not isinstance(local[0], str):
        raise Broken("'bound' with local [name, 0]", str(local), "'bound' of these transports tells the address that clients are given.")
    return str(local[0])


def _kept(talk: Talk, names: str, remedy: str = "") -> None:
    told = [n for n in talk.names() if n not in ("bound", "listening", "connecting")]
    same(told, names.split(), "the steps", remedy)


def _streams(transport: str) -> None:
    chapter = _chapter(transport)

    @chapter.rule(f"octets pass both ways over {transport}, and each side sees the other's end")
    async def _both(stage: Stage) -> None:
        name = stage.names().new(transport)
        there, back = recipe("random", 100_000, 1), recipe("text", 70_000, 2)
        more: dict[str, Any] = {"room": {"octets": 1000}} if transport == "shared-memory" else {}  # it wraps inside of a write
        tail: list[Step] = [{"do": "half-close"}, {"do": "receive", "until": "end"}, {"do": "close"}]
        server = _server(stage, transport, name, [{"do": "accept"}, {"do": "send", "payload": back[0]}, *tail], **more)
        client = _client(
            stage, transport, await _up(server, transport), [{"do": "connect"}, {"do": "send", "payload": there[0], "writes": [600], "gap": 1}, *tail]
        )
        for talk, first, got in ((client, "connected", back[1]), (server, "accepted", there[1])):
            await talk.over("Hold the script to its end.")
            _kept(talk, f"created {first} sent half-closed received end closed")
            amount(one(talk, "received"), got)

    @chapter.rule(f"servers over {transport} that nobody comes to hold up nobody, and 'stop' takes their names away")
    async def _waiting(stage: Stage) -> None:
        names = stage.names()
        waiting = [_server(stage, transport, names.new(transport), [{"do": "accept"}]) for _ in range(_MANY)]
        for talk in waiting:
            await _up(talk, transport)
        name = names.new(transport)
        server = _server(stage, transport, name, [{"do": "accept"}, {"do": "send", "payload": {"text": "hi"}}, {"do": "close"}])
        client = _client(stage, transport, await _up(server, transport), [{"do": "connect"}, {"do": "receive", "until": "end"}, {"do": "close"}])
        await client.over(f"{_MANY} servers wait meanwhile: let none of them take what others need (threads of a pool, the event loop).")
        amount(one(client, "received"), b"hi")
        for talk in waiting:
            stage.peer.stop(talk)
        for talk in waiting:
            await talk.over("When 'stop' comes, close everything, remove the names, and report 'done'.")
        await _gone(names)

    _missing(chapter, transport)


def _missing(chapter: Chapter, transport: str) -> None:
    @chapter.rule(f"a name that is not there: 'connect' over {transport} fails with 'missing'")
    async def _nobody(stage: Stage) -> None:
        talk = _client(stage, transport, stage.names().new(transport), [{"do": "connect", "within": 2000}, {"do": "close"}])
        await talk.over("Report the failure at once.")
        failure(talk, 0, "missing")


async def _gone(names: Names) -> None:
    """Raises ``Broken`` if anything is left under the names of this rule."""
    left = [p.name for p in names.folder.iterdir() if not p.name.startswith(".")] + [p.name for p in _SEGMENTS.glob(f"{names.prefix}*")]
    if left:
        raise Broken(
            "nothing left of the names that the server made", ", ".join(left[:6]), "Unlink them when the conversation ends, however it ends."
        )


def _records(transport: str) -> None:
    chapter = _chapter(transport)

    @chapter.rule(f"records over {transport} keep their boundaries, both ways")
    async def _both(stage: Stage) -> None:
        there, back = recipe("random", 900, 1), recipe("text", 10, 2)
        accept: list[Step] = [{"do": "accept"}] if transport in transports.ACCEPTING else []
        name = stage.names().new(transport)
        server = _server(
            stage, transport, name, [*accept, {"do": "receive", "count": 3}, {"do": "send", "payload": back[0]}, {"do": "wait", "ms": 200}]
        )
        address = await _up(server, transport)
        client = _client(
            stage, transport, address, [{"do": "connect"}, {"do": "send", "payload": there[0], "count": 3}, {"do": "receive", "count": 1}]
        )
        for talk, got in ((client, back[1]), (server, there[1])):
            await talk.over("Hold the script to its end.")
            amount(one(talk, "received"), got)
        same(len(server.all("received")), 3, "the server's 'received' steps are", "One step for each record.")
        same(len(client.all("sent")), 3, "the client's 'sent' steps are", "One step for each record.")

    _missing(chapter, transport)


for _transport in ("unix", "fifo", "pipe", "shared-memory"):
    _streams(_transport)
for _transport in ("unix-seqpacket", "unix-datagram", "message-queue"):
    _records(_transport)

_queues = chapters[-1]
_signals = _chapter("signal")


@_queues.rule("the oldest message of the highest priority comes first; 'wait' with 'messages' waits until so many are there")
async def _priority(stage: Stage) -> None:
    steps: list[Step] = [{"do": "wait", "messages": 2}, {"do": "receive", "count": 2}]
    server = _server(stage, "message-queue", stage.names().new("message-queue"), steps)
    sends: list[Step] = [{"do": "send", "payload": {"text": text}, "priority": priority} for text, priority in (("low", 1), ("high", 9))]
    client = _client(stage, "message-queue", await _up(server, "message-queue"), [{"do": "connect"}, *sends, {"do": "wait", "ms": 300}])
    await server.over("Look at the queue (mq_getattr) until it holds so many.")
    same([s.get("priority") for s in server.all("received")], [9, 1], "the priorities of what is received are", "Do not read the queue eagerly.")
    await client.over()


@_queues.rule("'now' does not wait: 'full', 'empty'; and a message over the queue's size is 'too-large'")
async def _now(stage: Stage) -> None:
    room = {"messages": 1, "size": 8}
    for send, error in (({"payload": {"text": "two"}, "now": True}, "full"), ({"payload": {"text": "nine octets"}}, "too-large")):
        server = _server(stage, "message-queue", stage.names().new("message-queue"), [{"do": "wait", "ms": 400}], room=room)
        steps: list[Step] = [{"do": "connect"}, {"do": "send", "payload": {"text": "one"}}, {"do": "send", **send}]
        client = _client(stage, "message-queue", await _up(server, "message-queue"), steps, room=room)
        await client.over("Do not wait where 'now' is true.")
        failure(client, 2, error)
        await server.over()
    server = _server(stage, "message-queue", stage.names().new("message-queue"), [{"do": "receive", "now": True}])
    await server.over("Do not wait where 'now' is true.")
    failure(server, 0, "empty")


@_signals.rule("a signal that a script waits for is received, and the process lives on")
async def _delivered(stage: Stage) -> None:
    server = _server(stage, "signal", "", [{"do": "receive", "signal": "USR2"}, {"do": "receive", "signal": "HUP"}])
    pid = await _up(server, "signal")
    client = _client(stage, "signal", pid, [{"do": "send", "signal": "USR2"}, {"do": "wait", "ms": 50}, {"do": "send", "signal": "HUP"}])
    for talk in (client, server):
        await talk.over("Report each signal as it comes.")
    same([s.get("signal") for s in server.all("received")], ["USR2", "HUP"], "the signals received are", "Tell their names without SIG.")


@_signals.rule("a process that is not there: 'missing'")
async def _nobody_there(stage: Stage) -> None:
    talk = _client(stage, "signal", str(2**31 - 1), [{"do": "send", "signal": "USR2"}])
    await talk.over()
    failure(talk, 0, "missing")
