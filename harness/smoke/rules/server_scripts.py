"""Scripts of a TCP server: one listener, one connection."""

from __future__ import annotations

from harness.smoke.probe import Chapter
from harness.smoke.stage import Stage, Step, alike, amount, bound_port, failure, one, place, same, soon, told
from harness.smoke.subject import Talk
from harness.smoke.wire import FIN, RST

chapter = Chapter("Script, TCP server", needs="script server/tcp")
_AT_ONCE = "Report 'created', 'bound' and 'listening' before the first step: the client is told the port then."


async def _listening(stage: Stage, steps: list[Step]) -> tuple[Talk, int]:
    talk = stage.script(steps, role="server")
    await talk.until(lambda t: "listening" in t.names(), "'created', 'bound', 'listening' at once, before anybody connects", _AT_ONCE, seconds=1.5)
    return talk, bound_port(talk, stage.address)


@chapter.rule("it listens at once, accepts one connection, talks on it, and reports both addresses", each_family=True)
async def _whole(stage: Stage) -> None:
    receive: Step = {"do": "receive", "through": "0a"}
    send: Step = {"do": "send", "payload": {"text": "welcome\n"}}
    talk, port = await _listening(stage, [{"do": "accept"}, receive, send, {"do": "half-close"}, {"do": "receive", "until": "end"}, {"do": "close"}])
    wire = await stage.connect(port)
    await wire.send(b"hi\n")
    octets, how = await soon(wire.rest(), "the peer's octets and its FIN", "Talk on the accepted connection.")
    alike(octets, b"welcome\n", "what the script sends")
    same(how, FIN, "the connection is ended by")
    wire.close()
    await talk.over()
    told(talk, "created bound listening accepted received sent half-closed received end closed", "The listener closes at the end, silently.")
    place(one(talk, "accepted"), "local", wire.remote)
    place(one(talk, "accepted"), "remote", wire.local)
    amount(one(talk, "received"), b"hi\n")


@chapter.rule("its 'reset' reaches the client as RST")
async def _reset(stage: Stage) -> None:
    talk, port = await _listening(stage, [{"do": "accept"}, {"do": "wait", "ms": 150}, {"do": "reset"}])
    wire = await stage.connect(port)
    _, how = await soon(wire.rest(), "RST", "Set SO_LINGER to on with 0 seconds, then close.")
    same(how, RST, "the connection is ended by", "Set SO_LINGER to on with 0 seconds, then close.")
    await talk.over()
    told(talk, "created bound listening accepted reset closed")


@chapter.rule("after 'close' it accepts the next connection, and one that came meanwhile waits in the listener's backlog")
async def _next(stage: Stage) -> None:
    send: Step = {"do": "send", "payload": {"text": "next\n"}}
    talk = stage.script([{"do": "accept"}, {"do": "wait", "ms": 100}, send, {"do": "close"}] * 2, role="server", backlog=4)
    await talk.until(lambda t: "listening" in t.names(), "'listening' with a 'backlog' of 4", _AT_ONCE, seconds=1.5)
    wires = [await stage.connect(bound_port(talk, stage.address)) for _ in range(2)]
    for wire in wires:
        octets, how = await soon(wire.rest(), "the peer's octets and its FIN", "Keep the listener open until the script ends.")
        alike(octets, b"next\n", "what the script sends to each")
        same(how, FIN, "the connection is ended by")
        wire.close()
    await talk.over()
    told(
        talk,
        "created bound listening accepted sent closed accepted sent closed",
        "Each 'accept' begins a connection that ends with its own 'closed'.",
    )


@chapter.rule("an 'accept' that nobody answers within its time fails with 'timeout', and frees the port")
async def _nobody(stage: Stage) -> None:
    talk, port = await _listening(stage, [{"do": "accept", "within": 250}])
    await talk.over("Bound 'accept' by its 'within'.")
    failure(talk, 0, "timeout")
    again = stage.peer.send("script", role="server", transport="tcp", address=stage.address, port=port, steps=[{"do": "accept", "within": 50}])
    await again.until(lambda t: "listening" in t.names(), f"'listening' on port {port} again", "Close the listener when the script ends.")


@chapter.rule("'stop' ends it while it waits for a client: closed, then 'done'")
async def _stop(stage: Stage) -> None:
    talk, _ = await _listening(stage, [{"do": "accept"}])
    stage.peer.stop(talk)
    await talk.over("Close the listener when 'stop' comes, and report 'done'.")
