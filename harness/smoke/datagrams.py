"""Probes over UDP: services and scripts against a plain socket (contract page: Script, Services)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from harness.judge.rules import RULES, Content
from harness.model.payload import Payload
from harness.smoke.patient import Broken, Json, Patient, Trial, each_family, expect_names, expect_octets, first

Work = Callable[[Patient, str], Awaitable[None]]


def _socket(address: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((address, 0))
    made.setblocking(False)
    return made


async def _ask(address: str, port: int, octets: bytes) -> tuple[bytes, list[Any]]:
    """One datagram there, one back; returns it and the asking socket's address."""
    loop = asyncio.get_running_loop()
    with _socket(address) as sock:
        await loop.sock_sendto(sock, octets, (address, port))
        try:
            came, remote = await asyncio.wait_for(loop.sock_recvfrom(sock, 65536), 3)
        except TimeoutError:
            raise Broken(f"a datagram of {len(octets)} octets got no answer within 3 s") from None
        if remote[1] != port:
            raise Broken(f"the answer came from port {remote[1]}, not from {port}, which was asked")
        return came, list(sock.getsockname()[:2])


async def _told(patient: Patient, id_: str, remote: list[Any], name: str) -> Json:
    def mine(event: Json) -> bool:
        return event.get("id") == id_ and any(s.get("step") == name and s.get("remote") == remote for s in event.get("steps", ()))

    event = await patient.wait(mine, f"a step '{name}' with \"remote\":{remote}")
    found: Json = next(s for s in event["steps"] if s.get("step") == name and s.get("remote") == remote)
    return found


async def _echo(patient: Patient, address: str) -> None:
    id_, port = await patient.serve("echo", "udp", address)
    for size in (0, 1, 1472, 8192):
        octets = Payload(pattern="random", seed=6, size=size).octets()
        came, local = await _ask(address, port, octets)
        if came != octets:
            raise Broken(f"a datagram of {size} octets came back as one of {len(came)}, or not the same")
        expect_octets(await _told(patient, id_, local, "received"), octets, "of the echo service over UDP")
        expect_octets(await _told(patient, id_, local, "sent"), octets, "of the echo service over UDP")


async def _discard(patient: Patient, address: str) -> None:
    id_, port = await patient.serve("discard", "udp", address)
    loop = asyncio.get_running_loop()
    with _socket(address) as sock:
        await loop.sock_sendto(sock, b"nothing", (address, port))
        expect_octets(await _told(patient, id_, list(sock.getsockname()[:2]), "received"), b"nothing", "of the discard service")
        try:
            await asyncio.wait_for(loop.sock_recvfrom(sock, 10), 0.1)
        except TimeoutError:
            return
        raise Broken("discard answers nothing; a datagram came back")


def _answers(service: str, rule: str) -> Work:
    async def work(patient: Patient, address: str) -> None:
        id_, port = await patient.serve(service, "udp", address)
        came, local = await _ask(address, port, b"")
        for wrong in RULES[rule](Content(came, len(came), datetime.now(UTC).timestamp())):
            raise Broken(f"expected {wrong.expected}, got {wrong.observed}")
        expect_octets(await _told(patient, id_, local, "sent"), came, f"of the {service} service over UDP")

    return work


async def _client(patient: Patient, address: str, *, connect: bool) -> None:
    loop = asyncio.get_running_loop()
    payload = {"pattern": "random", "seed": 40, "size": 100}
    with _socket(address) as sock:
        steps: list[Json] = [{"do": "connect"}] if connect else []
        steps += [{"do": "send", "payload": payload, "count": 3}, {"do": "receive", "count": 3, "keep": 4}]
        id_ = await patient.script("client", "udp", address, sock.getsockname()[1], *steps)
        remotes = []
        for k in range(3):
            came, remote = await asyncio.wait_for(loop.sock_recvfrom(sock, 65536), 3)
            if came != Payload(pattern="random", seed=40 + k, size=100).octets():
                raise Broken(f"datagram {k + 1} of a send with count 3 has the seed {40 + k}: other octets came")
            remotes.append(list(remote[:2]))
            await loop.sock_sendto(sock, came, remote)
        told = await patient.done(id_)
    expect_names(told, *(["connected"] if connect else []), *["sent"] * 3, *["received"] * 3, "closed")
    local = first(told, "connected" if connect else "bound").get("local")
    if local != remotes[0]:
        raise Broken(f"the local address that the other side sees is {remotes[0]}; it tells {local}")
    if len(first(told, "received").get("hex", "")) != 8:
        raise Broken("\"keep\":4 puts the first four octets into 'hex', over UDP too")


async def _server(patient: Patient, address: str) -> None:
    steps = ({"do": "receive"}, {"do": "send", "payload": {"text": "pong"}})
    id_ = await patient.script("server", "udp", address, 0, *steps)
    came, _ = await _ask(address, await patient.port(id_, "udp"), b"ping")
    if came != b"pong":
        raise Broken(f"the client read {came!r} instead of b'pong'")
    expect_names(await patient.done(id_), "received", "sent", "closed")


async def _plain(patient: Patient, address: str) -> None:
    await _client(patient, address, connect=False)


async def _connected(patient: Patient, address: str) -> None:
    await _client(patient, address, connect=True)


async def _late(patient: Patient, address: str) -> None:
    with _socket(address) as sock:
        steps = ({"do": "send", "payload": {"text": "x"}}, {"do": "receive", "within": 100})
        failed = first(await patient.done(await patient.script("client", "udp", address, sock.getsockname()[1], *steps)), "failed")
    if (failed.get("at"), failed.get("error")) != (1, "timeout"):
        raise Broken(f"expected 'failed' at 1 with error 'timeout'; got {failed}")


_S = "serve {}/udp"
TRIALS = (
    Trial("echo over UDP: each datagram back, also an empty one", each_family(_echo), needs=_S.format("echo")),
    Trial("discard over UDP", each_family(_discard), needs=_S.format("discard")),
    Trial("chargen over UDP", each_family(_answers("chargen", "rfc864-datagram")), needs=_S.format("chargen")),
    Trial("qotd over UDP", each_family(_answers("qotd", "rfc865-quote")), needs=_S.format("qotd")),
    Trial("daytime over UDP", each_family(_answers("daytime", "rfc867-daytime")), needs=_S.format("daytime")),
    Trial("time over UDP", each_family(_answers("time", "rfc868-time")), needs=_S.format("time")),
    Trial("script: datagrams, count and the local address", each_family(_plain), needs="script client/udp"),
    Trial("script: a connected datagram socket", each_family(_connected), needs="script client/udp"),
    Trial("script: a datagram that does not come", each_family(_late), needs="script client/udp"),
    Trial("script: the server's role over UDP", each_family(_server), needs="script server/udp"),
)
