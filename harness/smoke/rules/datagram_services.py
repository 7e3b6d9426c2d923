"""The UDP services: one answer for a datagram, and a step for each."""

from __future__ import annotations

import asyncio

from harness.model.payload import Payload
from harness.smoke.probe import Broken, Chapter
from harness.smoke.rules.stream_services import NAMES, fits
from harness.smoke.stage import Stage, alike, amount, closing, one, recipe, same, soon, told
from harness.smoke.subject import Talk
from harness.smoke.wire import Address, Datagrams

chapter = Chapter("Services, UDP")
_STEPS = "Report one 'received' for each datagram and one 'sent' for each answer, both with 'remote', without 'conn'."
_SIZES = (0, 1, 1472, 9000)


async def _answer(stage: Stage, ours: Datagrams, octets: bytes, remote: Address) -> bytes:
    ours.send(octets, remote)
    answer, sender = await soon(ours.receive(), f"a datagram back for one of {len(octets)} octets", "Answer each datagram, an empty one too.")
    same(sender, remote, "the answer comes from")
    return answer


async def _told_of(service: Talk, ours: Datagrams, received: list[bytes], sent: list[bytes]) -> None:
    def mine(name: str) -> list[dict[str, object]]:
        return [s for s in service.all(name) if s.get("remote") == list(ours.local)]

    expected = f"{len(received)} 'received' and {len(sent)} 'sent' with remote {list(ours.local)}"
    await service.until(lambda _: len(mine("received")) >= len(received) and len(mine("sent")) >= len(sent), expected, _STEPS)
    if len(mine("received")) != len(received) or len(mine("sent")) != len(sent):
        raise Broken(expected, service.said(), _STEPS)
    for steps, datagrams in ((mine("received"), received), (mine("sent"), sent)):
        for step, octets in zip(steps, datagrams, strict=True):
            amount(step, octets)


def _make(name: str) -> None:
    @chapter.rule(f"{name}: {_WORDS[name]}; each datagram is reported", needs=f"serve {name}/udp", each_family=True)
    async def check(stage: Stage) -> None:
        service, port = await stage.serve(name, "udp")
        told(service, "created bound", "A UDP socket does not listen.")
        ours, remote = stage.datagrams(), (stage.address, port)
        datagrams = [recipe("every-octet", size, size)[1] for size in _SIZES]
        answers = []
        for octets in datagrams:
            if name == "discard":
                ours.send(octets, remote)
                await asyncio.sleep(0.02)
                continue
            answers.append(await _answer(stage, ours, octets, remote))
            _fits(name, octets, answers[-1])
        await _told_of(service, ours, datagrams, answers)
        if name == "discard":
            await _nothing(ours)


def _fits(name: str, asked: bytes, answer: bytes) -> None:
    if name == "echo":
        alike(answer, asked, "the same datagram back")
    elif name == "chargen":
        alike(answer, Payload(pattern="text", seed=1, size=256).octets(), "the first 256 octets of the pattern 'text' with seed 1")
    elif problem := fits(name, answer):
        raise Broken(problem, f"{answer!r}"[:200], "See 'Services'.")


async def _nothing(ours: Datagrams) -> None:
    try:
        octets, _ = await asyncio.wait_for(ours.receive(), 0.1)
    except TimeoutError:
        return
    raise Broken("no datagram back from discard", f"one of {len(octets)} octets", "Drop what comes.")


_WORDS = {
    "echo": "each datagram comes back to its sender, an empty one too",
    "discard": "nothing comes back",
    "chargen": "each datagram is answered by the first 256 octets of the pattern",
    "qotd": "each datagram is answered by one text",
    "daytime": "each datagram is answered by one line with date and time",
    "time": "each datagram is answered by the seconds since 1900",
}
for _name in NAMES:
    _make(_name)


def _any(stage: Stage) -> str:
    return stage.need(*(f"serve {n}/udp" for n in NAMES)).removeprefix("serve ").removesuffix("/udp")


@chapter.rule("several clients at once: each gets its own answers, and is told apart by 'remote'")
async def _several(stage: Stage) -> None:
    stage.need("serve echo/udp")
    service, port = await stage.serve("echo", "udp")
    several = [stage.datagrams() for _ in range(5)]
    for number, ours in enumerate(several):
        ours.send(b"%d" % number, (stage.address, port))
    for number, ours in enumerate(several):
        octets, _ = await soon(ours.receive(), "an answer for each of 5 clients", "Answer to the address that recvfrom gives.")
        alike(octets, b"%d" % number, "each client's own datagram")
        await _told_of(service, ours, [octets], [octets])


@chapter.rule("'done' comes only after 'stop', which frees the port")
async def _stop(stage: Stage) -> None:
    service, port = await stage.serve(_any(stage), "udp")
    stage.datagrams().send(b"x", (stage.address, port))
    await asyncio.sleep(0.1)
    same(service.done, False, "'done' before 'stop' is")
    stage.peer.stop(service)
    await service.over("Close the socket when 'stop' comes, and report 'done'.")
    again = stage.peer.send("serve", service=_any(stage), transport="udp", address=stage.address, port=port)
    await again.until(lambda t: "bound" in t.names(), f"'bound' to port {port} again", "Close the socket when 'stop' comes.")
    stage.peer.stop(again)


@chapter.rule("an address that is in use: 'failed' with at -1 and 'address-in-use', then 'done'")
async def _in_use(stage: Stage) -> None:
    name = _any(stage)
    with closing(Datagrams(stage.address)) as taken:
        talk = stage.peer.send("serve", service=name, transport="udp", address=stage.address, port=taken.port)
        await talk.over("Report 'failed' with at -1 and error 'address-in-use', and mark it as the last event.")
    step = one(talk, "failed")
    same((step.get("at"), step.get("error")), (-1, "address-in-use"), "(at, error) of 'failed':", context=step)
