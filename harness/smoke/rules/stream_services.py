"""The TCP services: what they do to a client's octets, and what they report of each connection."""

from __future__ import annotations

import asyncio
import re
import sys
import time

from harness.model.payload import Payload
from harness.smoke.probe import Broken, Chapter, Skip
from harness.smoke.stage import Stage, alike, amount, one, place, recipe, same, soon, told
from harness.smoke.subject import Talk, excerpt
from harness.smoke.wire import FIN, RST, Listener, Wire, connect

chapter = Chapter("Services, TCP")
NAMES = ("echo", "discard", "chargen", "qotd", "daytime", "time")
EPOCH_1900 = 2_208_988_800
_ONE_SHOT = ("qotd", "daytime", "time")
_END = "Half-close, then read and drop input to the client's FIN, then close: a close with octets unread sends RST and destroys the answer."
_TOTALS = "A connection of a TCP service reports 'received' and 'sent' once each, as totals, also when they are 0."
_FREE = "Close the listening socket and all its connections when 'stop' comes."


def fits(service: str, answer: bytes) -> str:
    """What is wrong with an answer of a service that answers once; empty if nothing is."""
    if service == "time":
        off = abs(int.from_bytes(answer, "big") - (int(time.time()) + EPOCH_1900) % 2**32)
        return "" if len(answer) == 4 and off <= 5 else f"4 octets in network order that say {(int(time.time()) + EPOCH_1900) % 2**32}"
    if service == "qotd":
        return "" if re.fullmatch(rb"[\x20-\x7e\r\n]{1,512}", answer) else "1 to 512 octets of printable ASCII, CR and LF"
    fine = re.fullmatch(rb"[\x20-\x7e]+\r\n", answer) and (b"%d" % time.gmtime().tm_year)[2:] in answer
    return "" if fine else f"one line of printable ASCII with date and time (year {time.gmtime().tm_year}), then CR LF"


async def reported(stage: Stage, service: Talk, wire: Wire, received: bytes, sent: bytes) -> None:
    """Holds the report of a connection that ended well against what was on our side of it."""
    talk = await stage.connection(service, wire, _TOTALS)
    names = [n for n in talk.names() if n != "half-closed"]
    order = all(_before(talk, a, b) for a, b in (("received", "end"), ("sent", "half-closed")))
    if sorted(names) != ["accepted", "closed", "end", "received", "sent"] or names[0] != "accepted" or names[-1] != "closed" or not order:
        expected = "'accepted' first, 'received' before 'end', 'sent' (before 'half-closed', if it half-closed), 'closed' last, each once"
        raise Broken(expected, talk.said(), _TOTALS)
    place(talk.steps[0], "local", wire.remote)
    amount(one(talk, "received"), received)
    amount(one(talk, "sent"), sent)


def _before(talk: Talk, first: str, second: str) -> bool:
    names = talk.names()
    return first not in names or second not in names or names.index(first) < names.index(second)


async def _gentle_end(wire: Wire, what: str) -> bytes:
    octets, how = await soon(wire.rest(), f"{what}, then FIN", _END)
    if how != FIN:
        raise Broken(f"{what}, then FIN", f"RST after {len(octets)} octets", _END)
    return octets


def born(service: str, into: Chapter) -> None:
    """Adds the rule about how a service comes to stand."""

    @into.rule(f"{service}: with port 0 it reports 'created', 'bound', 'listening' and a real port", needs=f"serve {service}/tcp", each_family=True)
    async def check(stage: Stage) -> None:
        talk, port = await stage.serve(service, "tcp", **({"site": []} if service == "http" else {}))
        told(talk, "created bound listening", "Report the three steps of the listening socket at once, without 'conn'.")
        same(talk.done, False, "'done' of a service that still serves is")
        (await stage.connect(port)).close()


def _echo() -> None:
    @chapter.rule("echo: each octet comes back until the client's FIN, 1 MiB of them; then it ends", needs="serve echo/tcp", each_family=True)
    async def large(stage: Stage) -> None:
        service, port = await stage.serve("echo", "tcp")
        _, octets = recipe("every-octet", 1_048_576, 3)
        wire = await stage.connect(port)
        sending = asyncio.ensure_future(wire.send(octets))
        came = await soon(wire.exactly(len(octets)), "1 MiB back", "Keep reading and writing; write all of what was read, also after a short write.")
        await sending
        alike(came, octets, "the same octets back")
        wire.half_close()
        alike(await _gentle_end(wire, "nothing more"), b"", "nothing more after the client's FIN")
        await reported(stage, service, wire, octets, octets)

    @chapter.rule("echo: octets come back before the client ends, and all of them also when it ends first", needs="serve echo/tcp")
    async def small(stage: Stage) -> None:
        service, port = await stage.serve("echo", "tcp")
        wire = await stage.connect(port)
        await wire.send(b"a")
        alike(await soon(wire.exactly(1), "one octet back", "Send back at once; do not wait for more."), b"a", "the octet back")
        _, octets = recipe("text", 50_000, 9)
        await wire.send(octets)
        wire.half_close()
        alike(await _gentle_end(wire, "50,000 octets"), octets, "all octets back, although the client half-closed before reading")
        await reported(stage, service, wire, b"a" + octets, b"a" + octets)


def _discard() -> None:
    @chapter.rule("discard: input is read and dropped until the client's FIN; nothing comes back", needs="serve discard/tcp", each_family=True)
    async def check(stage: Stage) -> None:
        service, port = await stage.serve("discard", "tcp")
        _, octets = recipe("every-octet", 1_000_000)
        wire = await stage.connect(port)
        await soon(wire.send(octets), "a million octets read by the service", "Read all the time.")
        wire.half_close()
        alike(await _gentle_end(wire, "nothing"), b"", "nothing back")
        await reported(stage, service, wire, octets, b"")


def _chargen() -> None:
    @chapter.rule(
        "chargen: the pattern 'text' with seed 1 from the start, without end, until the client ends", needs="serve chargen/tcp", each_family=True
    )
    async def check(stage: Stage) -> None:
        service, port = await stage.serve("chargen", "tcp")
        wire = await stage.connect(port)
        await wire.send(b"dropped")
        head = await soon(wire.exactly(300_000), "300,000 octets without asking", "Send from the start, as fast as the client reads.")
        wire.half_close()
        octets = head + await _gentle_end(wire, "the rest of the pattern")
        text = Payload(pattern="text", seed=1, size=len(octets)).octets()
        alike(octets, text, "the pattern 'text' with seed 1", "See 'Payloads': lines of 72 characters and CR LF, the first one begins with '!'.")
        await reported(stage, service, wire, b"dropped", octets)


def _one_shot(service: str) -> None:
    @chapter.rule(f"{service}: one answer, then end; octets that the client sends do not destroy it", needs=f"serve {service}/tcp", each_family=True)
    async def check(stage: Stage) -> None:
        talk, port = await stage.serve(service, "tcp")
        wire = await stage.connect(port)
        await wire.send(b"x" * 3000)
        answer = await _gentle_end(wire, "an answer")
        problem = fits(service, answer)
        if problem:
            raise Broken(problem, f"{answer!r}"[:200], "See 'Services'.")
        wire.half_close()
        await reported(stage, talk, wire, b"x" * 3000, answer)
        names = (await stage.connection(talk, wire)).names()
        if "half-closed" not in names or names.index("half-closed") > names.index("end"):
            raise Broken("'half-closed' before 'end': this side ended first", ", ".join(names), _END)


def _reset(service: str) -> None:
    @chapter.rule(f"{service}: a client's reset is reported, and does not hurt", needs=f"serve {service}/tcp")
    async def check(stage: Stage) -> None:
        talk, port = await stage.serve(service, "tcp")
        wire = await stage.connect(port)
        await wire.send(b"abc")
        if service in ("chargen", *_ONE_SHOT):
            await soon(wire.exactly(4), "octets of the service", "")
        await asyncio.sleep(0.1)
        wire.reset()
        remedy = "When a call says ECONNRESET or EPIPE: report 'received', 'sent', 'reset' by them, close, report 'closed'."
        report = await stage.connection(talk, wire, remedy)
        left_out = ("half-closed",) if service in _ONE_SHOT else ()
        if [n for n in report.names() if n not in left_out] not in _resets(service) or one(report, "reset").get("by") != "them":
            raise Broken("'accepted', 'received', 'sent', 'reset' by them, 'closed'", report.said(), remedy)
        (await stage.connect(port)).close()
        await stage.peer.flush("A reset connection must not end the peer.")


def _resets(service: str) -> list[list[str]]:
    """After a reset. What answers once may have told of 'sent' when sending was over, before it read."""
    usual = ["accepted", "received", "sent", "reset", "closed"]
    return [usual, ["accepted", "sent", "received", "reset", "closed"]] if service in _ONE_SHOT else [usual]


def stops(service: str, into: Chapter) -> None:
    """Adds the rule about how a service is stopped."""

    @into.rule(f"{service}: 'stop' closes its port and its connections, then reports 'done'", needs=f"serve {service}/tcp")
    async def check(stage: Stage) -> None:
        talk, port = await stage.serve(service, "tcp", **({"site": []} if service == "http" else {}))
        wire = await stage.connect(port)
        await asyncio.sleep(0.1)
        stage.peer.stop(talk)
        await talk.over(_FREE)
        await refuses(stage, port, _FREE)
        _, how = await soon(wire.rest(), "the open connection to be closed", _FREE)
        same(how in (FIN, RST), True, "the open connection is closed:")


async def refuses(stage: Stage, port: int, remedy: str) -> None:
    """Raises ``Broken`` unless nobody listens there any more."""
    try:
        wire = await asyncio.wait_for(connect(stage.address, port), 3)
    except (ConnectionError, TimeoutError):
        return
    wire.close()
    raise Broken(f"a connect to port {port} to be refused after 'stop'", "a connection", remedy)


for _name in NAMES:
    born(_name, chapter)
_echo()
_discard()
_chargen()
for _name in _ONE_SHOT:
    _one_shot(_name)
for _name in NAMES:
    _reset(_name)
    stops(_name, chapter)


def _any(stage: Stage, *, silent: bool = False) -> str:
    names = ("discard", "echo") if silent else ("echo", "discard", *NAMES)
    return stage.need(*(f"serve {n}/tcp" for n in names)).removeprefix("serve ").removesuffix("/tcp")


@chapter.rule("many connections at once; each has a number of its own, counted up, and its own totals")
async def _numbers(stage: Stage) -> None:
    name = _any(stage, silent=True)
    service, port = await stage.serve(name, "tcp")
    wires = [await stage.connect(port) for _ in range(20)]
    for number, wire in enumerate(wires):
        await wire.send(b"%d" % number)
    for wire in reversed(wires):
        wire.half_close()
    for number, wire in enumerate(wires):
        octets = b"%d" % number
        await _gentle_end(wire, "the end of each of 20 connections")
        await reported(stage, service, wire, octets, octets if name == "echo" else b"")
    numbers = sorted(service.conns)
    same(numbers, list(range(numbers[0], numbers[0] + 20)), "'conn' numbers that count up, one per accepted connection:")


@chapter.rule("t is in microseconds: 400 ms between two steps are 400,000")
async def _microseconds(stage: Stage) -> None:
    service, port = await stage.serve(_any(stage, silent=True), "tcp")
    wire = await stage.connect(port)
    await asyncio.sleep(0.4)
    wire.half_close()
    talk = await stage.connection(service, wire)
    passed = one(talk, "closed")["t"] - one(talk, "accepted")["t"]
    if not 300_000 < passed < 3_000_000:
        raise Broken("'closed' about 400,000 after 'accepted'", f"t {passed:,} later", "t is a whole number of microseconds on a monotonic clock.")


@chapter.rule("it binds the address that is given, nothing wider")
async def _narrow(stage: Stage) -> None:
    if stage.address != "127.0.0.1" or sys.platform != "linux":
        raise Skip("needs a loopback with more than one IPv4 address")
    _, port = await stage.serve(_any(stage), "tcp")
    try:
        wire = await asyncio.wait_for(connect("127.0.0.2", port), 2)
    except (OSError, TimeoutError):
        return
    wire.close()
    raise Broken(f"127.0.0.2 port {port} to be closed: 127.0.0.1 was asked for", "a connection", "Bind the address of the command, not 0.0.0.0.")


@chapter.rule("an address that cannot be bound: 'failed' with at -1 and the contract's word for it, then 'done'")
async def _unbindable(stage: Stage) -> None:
    name = _any(stage)
    taken = stage.keep(Listener(stage.address))
    for address, port, error in ((stage.address, taken.port, "address-in-use"), ("192.0.2.1", 0, "address-not-available")):
        talk = stage.peer.send("serve", service=name, transport="tcp", address=address, port=port)
        await talk.over(f"Report 'failed' with at -1 and error '{error}', and mark it as the last event.")
        step = one(talk, "failed")
        same((step.get("at"), step.get("error")), (-1, error), f"(at, error) of 'failed' for {address} port {port}:", context=step)


@chapter.rule("a port whose connections were just closed can be served again at once (SO_REUSEADDR)")
async def _again(stage: Stage) -> None:
    if sys.platform == "win32":
        raise Skip("not on Windows")
    name = _any(stage, silent=True)
    service, port = await stage.serve(name, "tcp")
    wire = await stage.connect(port)
    await asyncio.sleep(0.1)
    stage.peer.stop(service)
    await service.over(_FREE)
    await wire.rest()
    wire.close()
    talk = stage.peer.send("serve", service=name, transport="tcp", address=stage.address, port=port)
    remedy = "Set SO_REUSEADDR on listeners before bind."
    await talk.until(lambda t: "listening" in t.names(), f"'listening' on port {port} again", remedy)
    stage.peer.stop(talk)


@chapter.rule('with "report":"none" it serves without reporting its connections')
async def _silent(stage: Stage) -> None:
    service, port = await stage.serve(stage.need("serve echo/tcp").split("/")[0].split()[1], "tcp", report="none")
    wire = await stage.connect(port)
    await wire.send(b"abc")
    wire.half_close()
    alike(await _gentle_end(wire, "the octets"), b"abc", "the octets back")
    await asyncio.sleep(0.1)
    await stage.peer.flush()
    if service.conns:
        raise Broken("no report of the connection", excerpt(next(iter(service.conns.values())).steps), "See 'Commands'.")
