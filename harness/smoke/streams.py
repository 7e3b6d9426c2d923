"""Probes over TCP: services against a plain client, scripts against a plain counterpart (contract page: Script, Services)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from harness.judge.rules import RULES, Content
from harness.model.payload import PATTERNS, Payload
from harness.smoke.patient import Broken, Json, Patient, Trial, each_family, expect_names, expect_octets, first

MEBIOCTET = 1 << 20
_CONNECT: Json = {"do": "connect"}
_TO_END: Json = {"do": "receive", "until": "end"}
_HALF_CLOSE: Json = {"do": "half-close"}


def _send(octets: bytes, **more: Any) -> Json:
    return {"do": "send", "payload": {"hex": octets.hex()}, **more}


# -- services, asked by a plain client ------------------------------------------------------------------------


async def _ask(address: str, port: int, octets: bytes) -> tuple[bytes, Any]:
    """Sends, half-closes, reads to the end; returns what came and the client's own address."""
    reader, writer = await asyncio.open_connection(address, port)
    local = writer.get_extra_info("sockname")
    writer.write(octets)
    writer.write_eof()
    came = await reader.read(-1)
    writer.close()
    return came, local


async def _connection(patient: Patient, id_: str, client: Any) -> list[Json]:
    """The steps of the connection that came from ``client``, once it is done."""

    def mine(event: Json) -> bool:
        steps = event.get("steps") or [{}]
        return event.get("id") == id_ and steps[0].get("step") == "accepted" and steps[0].get("remote") == [client[0], client[1]]

    event = await patient.wait(mine, f'an event with "conn" whose first step is \'accepted\' with "remote":["{client[0]}",{client[1]}]')
    conn = event.get("conn")
    await patient.wait(
        lambda e: e.get("id") == id_ and e.get("conn") == conn and bool(e.get("done")), f'"done":true for connection {conn} of {id_!r}'
    )
    return patient.told(id_, conn)


async def _echo(patient: Patient, address: str) -> None:
    id_, port = await patient.serve("echo", "tcp", address)
    for octets in (b"", b"\0", bytes(range(256)) * 4, Payload(pattern="random", seed=3, size=MEBIOCTET).octets()):
        came, client = await _ask(address, port, octets)
        if came != octets:
            raise Broken(f"{len(octets)} octets went in, {len(came)} came back{'' if len(came) != len(octets) else ', but not the same'}")
        steps = await _connection(patient, id_, client)
        expect_octets(first(steps, "received"), octets, "of the echo service")
        expect_octets(first(steps, "sent"), octets, "of the echo service")
        first(steps, "end")
        if steps[-1]["step"] != "closed":
            raise Broken(f"the last step of a connection is 'closed'; it is '{steps[-1]['step']}'")


async def _survives_reset(patient: Patient, address: str) -> None:
    id_, port = await patient.serve("echo", "tcp", address)
    _, writer = await asyncio.open_connection(address, port)
    client = writer.get_extra_info("sockname")
    writer.write(b"x" * 100)
    await asyncio.sleep(0.1)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    steps = await _connection(patient, id_, client)
    if first(steps, "reset").get("by") != "them":
        raise Broken("a connection that the client resets has a step 'reset' by 'them'")
    came, _ = await _ask(address, port, b"still there?")
    if came != b"still there?":
        raise Broken("after a client had reset its connection, the service no longer answered")


async def _stops(patient: Patient, address: str) -> None:
    id_, port = await patient.serve("echo", "tcp", address)
    patient.send({"do": "stop", "id": id_})
    await patient.done(id_)
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection(address, port)
        writer.close()
        raise Broken(f"'stop' was reported as done, and port {port} still takes connections")


async def _discard(patient: Patient, address: str) -> None:
    id_, port = await patient.serve("discard", "tcp", address)
    octets = Payload(pattern="random", seed=5, size=MEBIOCTET).octets()
    came, client = await _ask(address, port, octets)
    if came:
        raise Broken(f"discard sends nothing; {len(came)} octets came back")
    expect_octets(first(await _connection(patient, id_, client), "received"), octets, "of the discard service")


async def _chargen(patient: Patient, address: str) -> None:
    id_, port = await patient.serve("chargen", "tcp", address)
    reader, writer = await asyncio.open_connection(address, port)
    client = writer.get_extra_info("sockname")
    came = await reader.readexactly(100_000)
    writer.transport.abort()
    wanted = Payload(pattern="text", seed=1, size=100_000).octets()
    if came != wanted:
        at = next(i for i, (a, b) in enumerate(zip(came, wanted, strict=True)) if a != b)
        raise Broken(f"the pattern is 'text' with seed 1; octet {at} is {came[at]}, not {wanted[at]}")
    sent = first(await _connection(patient, id_, client), "sent")
    if sent["octets"] < len(came):
        raise Broken(f"'sent' tells {sent['octets']} octets, and the client read {len(came)}")


def _one_shot(service: str, rule: str) -> Callable[[Patient, str], Awaitable[None]]:
    async def work(patient: Patient, address: str) -> None:
        id_, port = await patient.serve(service, "tcp", address)
        reader, writer = await asyncio.open_connection(address, port)
        client = writer.get_extra_info("sockname")
        writer.write(b"what the client sends changes nothing")
        came = await asyncio.wait_for(reader.read(-1), 5)
        writer.close()
        for wrong in RULES[rule](Content(came, len(came), datetime.now(UTC).timestamp())):
            raise Broken(f"expected {wrong.expected}, got {wrong.observed}")
        expect_octets(first(await _connection(patient, id_, client), "sent"), came, f"of the {service} service")

    return work


# -- scripts, with a plain counterpart ------------------------------------------------------------------------

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def _counterpart(address: str, handler: Handler) -> Any:
    """A server that does what ``handler`` does with each connection; gives its port."""
    server = await asyncio.start_server(handler, address, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class _Kept:
    """A handler that reads to the end and keeps it."""

    def __init__(self, answer: bytes = b"") -> None:
        self.octets = b""
        self.error: OSError | None = None
        self._answer = answer

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(self._answer)
            self.octets = await reader.read(-1)
        except OSError as error:
            self.error = error
        writer.close()


async def _client(patient: Patient, address: str, handler: Handler, *steps: Json, **more: Any) -> list[Json]:
    async with _counterpart(address, handler) as port:
        return await patient.done(await patient.script("client", "tcp", address, port, *steps, **more), 8)


def _recipes() -> Iterator[tuple[Json, bytes]]:
    for pattern in PATTERNS:
        for seed, size in ((0, 0), (1, 10), (7, 1000), (4294967295, 333)):
            yield {"pattern": pattern, "seed": seed, "size": size}, Payload(pattern=pattern, seed=seed, size=size).octets()
    yield {"pattern": "every-octet", "size": 300}, Payload(pattern="every-octet", size=300).octets()
    yield {"text": "caf\u00e9\r\n"}, "caf\u00e9\r\n".encode()
    yield {"hex": "00ff0d0a"}, b"\0\xff\r\n"


async def _payloads(patient: Patient, address: str) -> None:
    for recipe, octets in _recipes():
        kept = _Kept()
        steps = await _client(patient, address, kept, _CONNECT, {"do": "send", "payload": recipe}, _HALF_CLOSE, _TO_END, {"do": "close"})
        if kept.octets != octets:
            raise Broken(
                f"the payload {recipe} is {octets[:16].hex()}..., {len(octets)} octets; {kept.octets[:16].hex()}..., {len(kept.octets)} octets, came"
            )
        expect_octets(first(steps, "sent"), octets, f"of the payload {recipe}")
        expect_names(steps, "connected", "sent", "half-closed", "received", "end", "closed")


async def _receives(patient: Patient, address: str) -> None:
    handler = _Kept(b"hello\r\nworld, and the rest")
    steps = await _client(
        patient, address, handler, _CONNECT, {"do": "receive", "through": "0d0a", "keep": 3}, {"do": "receive", "octets": 6},
        _HALF_CLOSE, _TO_END,
    )  # fmt: skip
    expect_names(steps, "connected", "received", "received", "half-closed", "received", "end", "closed")
    got = [s for s in steps if s["step"] == "received"]
    for step, octets in zip(got, (b"hello\r\n", b"world,", b" and the rest"), strict=True):
        expect_octets(step, octets, "of receives with through, octets and until, one after the other")
    if got[0].get("hex") != b"hel".hex():
        raise Broken(f"\"keep\":3 puts the first three octets into 'hex': 68656c; it has {got[0].get('hex')!r}")


async def _writes(patient: Patient, address: str) -> None:
    kept = _Kept()
    octets = Payload(pattern="random", seed=9, size=500).octets()
    steps = await _client(patient, address, kept, _CONNECT, _send(octets, writes=[1, 2, 50], gap=1), _HALF_CLOSE, _TO_END)
    if kept.octets != octets:
        raise Broken(f"500 octets written in pieces of 1, 2, 50, 50, ...: {len(kept.octets)} came, or not the same")
    expect_octets(first(steps, "sent"), octets, "of a send with writes")


async def _addresses(patient: Patient, address: str) -> None:
    seen: list[Any] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername")[:2])
        writer.close()

    connected = first(await _client(patient, address, note, _CONNECT, _TO_END), "connected")
    if connected.get("local") != [seen[0][0], seen[0][1]]:
        raise Broken(f"'connected' must tell the local address that the other side sees, {list(seen[0])}; it tells {connected.get('local')}")


async def _quiet(patient: Patient, address: str) -> None:
    steps = await _client(patient, address, _Kept(), _CONNECT, {"do": "receive", "quiet": 50}, _HALF_CLOSE, _TO_END)
    expect_names(steps, "connected", "quiet", "half-closed", "received", "end", "closed")


async def _refused(patient: Patient, address: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as unused:
        unused.bind((address, 0))
        port = unused.getsockname()[1]
    failed = first(await patient.done(await patient.script("client", "tcp", address, port, _CONNECT)), "failed")
    if (failed.get("at"), failed.get("error")) != (0, "refused"):
        raise Broken(f"expected 'failed' at 0 with error 'refused'; got {failed}")


def _fails(error: str, *steps: Json, handler: Callable[[], Handler] = _Kept, **more: Any) -> Callable[[Patient, str], Awaitable[None]]:
    async def work(patient: Patient, address: str) -> None:
        told = await _client(patient, address, handler(), _CONNECT, *steps, **more)
        failed = first(told, "failed")
        if (failed.get("at"), failed.get("error")) != (len(steps), error):
            raise Broken(f"expected 'failed' at {len(steps)} with error '{error}'; got at {failed.get('at')} '{failed.get('error')}'")
        if told[-1]["step"] != "closed":
            raise Broken("after 'failed', the socket is closed and 'closed' is the last step")

    return work


def _closing() -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"abc")
        writer.close()

    return handler


def _resetting() -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return handler


async def _resets(patient: Patient, address: str) -> None:
    kept = _Kept()
    steps = await _client(patient, address, kept, _CONNECT, _send(b"x"), {"do": "wait", "ms": 50}, {"do": "reset"})
    if first(steps, "reset").get("by") != "us":
        raise Broken("a script step 'reset' is told as 'reset' by 'us'")
    await asyncio.sleep(0.1)
    if not isinstance(kept.error, ConnectionResetError):
        raise Broken("'reset' sets SO_LINGER to 0 and closes, so that the other side gets RST; it saw an orderly end instead")


async def _eager(patient: Patient, address: str) -> None:
    octets = Payload(pattern="random", seed=4, size=8 * MEBIOCTET).octets()

    async def flood_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        await writer.drain()
        await reader.readexactly(8 * MEBIOCTET)
        writer.close()

    payload = {"pattern": "every-octet", "seed": 0, "size": 8 * MEBIOCTET}
    steps = await _client(patient, address, flood_first, _CONNECT, {"do": "send", "payload": payload}, _TO_END)
    expect_octets(first(steps, "received"), octets, "with eager reading, while both sides send 8 MiB")


async def _script_server(patient: Patient, address: str) -> None:
    steps = ({"do": "accept"}, {"do": "receive", "octets": 5}, _send(b"world"), _HALF_CLOSE, _TO_END)
    id_ = await patient.script("server", "tcp", address, 0, *steps)
    port = await patient.port(id_, "tcp")
    reader, writer = await asyncio.open_connection(address, port)
    writer.write(b"hello")
    came = await reader.read(-1)
    writer.close()
    if came != b"world":
        raise Broken(f"the client read {came!r} instead of b'world'")
    expect_names(await patient.done(id_), "accepted", "received", "sent", "half-closed", "received", "end", "closed")


async def _many(patient: Patient, address: str) -> None:
    octets = Payload(pattern="random", seed=2, size=20_000).octets()
    waiting = asyncio.Event()

    async def together(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came = await reader.read(-1)
        arrived.append(1)
        if len(arrived) == 128:
            waiting.set()
        await waiting.wait()
        writer.write(came)
        writer.close()

    arrived: list[int] = []
    send = {"do": "send", "payload": {"pattern": "random", "seed": 2, "size": 20_000}}
    async with _counterpart(address, together) as port:
        ids = [await patient.script("client", "tcp", address, port, _CONNECT, send, _HALF_CLOSE, _TO_END) for _ in range(128)]
        for id_ in ids:
            expect_octets(first(await patient.done(id_, 15), "received"), octets, "with 128 conversations at once")


_C, _S = "script client/tcp", "serve {}/tcp"
TRIALS = (
    Trial("echo over TCP: every octet back, and the report tells it", each_family(_echo), needs=_S.format("echo")),
    Trial("a client that resets does not hurt the service", each_family(_survives_reset), needs=_S.format("echo")),
    Trial("stop ends a service and frees its port", each_family(_stops), needs=_S.format("echo")),
    Trial("discard over TCP", each_family(_discard), needs=_S.format("discard")),
    Trial("chargen over TCP", each_family(_chargen), needs=_S.format("chargen")),
    Trial("qotd over TCP", each_family(_one_shot("qotd", "rfc865-quote")), needs=_S.format("qotd")),
    Trial("daytime over TCP", each_family(_one_shot("daytime", "rfc867-daytime")), needs=_S.format("daytime")),
    Trial("time over TCP", each_family(_one_shot("time", "rfc868-time")), needs=_S.format("time")),
    Trial("script: each payload pattern gives the octets of the page", each_family(_payloads), needs=_C),
    Trial("script: 'connected' tells the client's true address", each_family(_addresses), needs=_C),
    Trial("script: receive by through, octets and until; keep", each_family(_receives), needs=_C),
    Trial("script: writes and gap", each_family(_writes), needs=_C),
    Trial("script: quiet", each_family(_quiet), needs=_C),
    Trial("script: a refused connection", each_family(_refused), needs=_C),
    Trial("script: a step that is not done within its time", each_family(_fails("timeout", {"do": "receive", "octets": 5, "within": 100})), needs=_C),
    Trial("script: the deadline of the whole conversation", each_family(_fails("timeout", {"do": "receive", "octets": 5}, deadline=150)), needs=_C),
    Trial("script: a stream that ends too early", each_family(_fails("ended", {"do": "receive", "octets": 5}, handler=_closing)), needs=_C),
    Trial("script: a stream that is reset", each_family(_fails("reset", _send(b"x"), {"do": "receive", "octets": 5}, handler=_resetting)), needs=_C),
    Trial("script: reset sends RST", each_family(_resets), needs=_C),
    Trial("script: eager reading never blocks two senders", each_family(_eager), needs=_C),
    Trial("script: 128 conversations at once", each_family(_many), needs=_C),
    Trial("script: the server's role over TCP", each_family(_script_server), needs="script server/tcp"),
)
