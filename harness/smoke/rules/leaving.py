"""The end of a peer: its standard input ends, and so does it."""

from __future__ import annotations

import asyncio

from harness.smoke.probe import ALONE, Broken, Chapter
from harness.smoke.rules.stream_services import NAMES
from harness.smoke.stage import Stage, soon

END_SECONDS = 2.5
"""The contract's two seconds, and something for a busy machine."""
chapter = Chapter("The end", lane=ALONE)
_REMEDY = "When standard input ends, close everything and exit with status 0; do not wait for conversations, threads or timers."


async def _ends(stage: Stage, when: str) -> None:
    stage.peer.end_input()
    if not await stage.peer.gone(END_SECONDS):
        raise Broken(f"the process to end within 2 s of the end of standard input, {when}", "it still runs, and was ended for it", _REMEDY)
    if stage.peer.status != "status 0":
        raise Broken(f"status 0, {when}", stage.peer.trouble, _REMEDY)


@chapter.rule("when standard input ends it ends by itself within two seconds, with status 0")
async def _idle(stage: Stage) -> None:
    await stage.peer.greet()
    await _ends(stage, "when nothing is in flight")


@chapter.rule("... also when nothing was ever said to it")
async def _never_greeted(stage: Stage) -> None:
    await asyncio.sleep(0.3)
    await _ends(stage, "although it was never greeted")


@chapter.rule("... also in the middle of a line")
async def _cut_line(stage: Stage) -> None:
    await stage.peer.greet()
    stage.peer.raw(b'{"do":"flush","id":"')
    await _ends(stage, "after a line without its newline")


@chapter.rule("... also while conversations are open; those are closed")
async def _open(stage: Stage) -> None:
    await stage.peer.greet()
    listener = stage.listen()
    waiting = []
    for name in (n for n in NAMES if f"serve {n}/tcp" in stage.can):
        _, port = await stage.serve(name, "tcp")
        waiting.append(await stage.connect(port))
    if "script client/tcp" in stage.can:
        talk = stage.script([{"do": "connect"}, {"do": "receive", "until": "end"}], listener.port, deadline=60000)
        waiting.append(await stage.accept(listener, talk))
    if "ask http/tcp" in stage.can:
        talk = stage.ask(listener.port, [{"method": "GET", "target": "/"}], deadline=60000)
        waiting.append(await stage.accept(listener, talk))
    if "script server/tcp" in stage.can:
        stage.script([{"do": "accept"}], role="server", deadline=60000)
    await asyncio.sleep(0.1)
    await _ends(stage, f"with {len(waiting)} conversations open")
    for wire in waiting:
        await soon(wire.rest(), "each open connection to be closed by the end of the peer", _REMEDY)
