"""Sockets of the Unix domain, as scripts on one machine use them (``machine.md``): names, listeners, and what is passed with octets."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Any

import payload
import sockets
from local_names import LOOK_SECONDS, NamedScript, unlink
from report import digest

if TYPE_CHECKING:
    from channels import UnixSocket


def unix_name(address: str) -> str:
    """A path, or an abstract name (unix(7))."""
    return f"\0{address[1:]}" if address.startswith("@") else address


def bound(name: str, kind: socket.SocketKind) -> socket.socket:
    """A socket at that name. The mode is set before anybody can know of it. Raises ``OSError``."""
    made = socket.socket(socket.AF_UNIX, kind)
    made.setblocking(False)
    mask = os.umask(0o177)
    try:
        made.bind(unix_name(name))
    except OSError:
        made.close()
        raise
    finally:
        os.umask(mask)
    return made


class ListeningScript(NamedScript):
    """A script whose server listens at a name, for this user alone."""

    kind = socket.SOCK_STREAM
    listens = True
    listener: socket.socket | None = None

    def serve(self) -> None:
        self.listener = bound(self.name, self.kind)
        self.made = True
        self.listener.listen(sockets.BACKLOG)
        self.created()

    def remove(self) -> None:
        if self.listener is not None:
            self.listener.close()
        unlink(self.name)

    async def connection(self) -> socket.socket:
        """One to the script's address. Raises ``OSError``."""
        sock = self.sock = socket.socket(socket.AF_UNIX, self.kind)
        self.created()
        sock.setblocking(False)
        while True:
            try:
                await self.loop.sock_connect(sock, unix_name(self.name))
                return sock
            except BlockingIOError:  # the listener's queue is full (connect(2), Unix domain)
                await asyncio.sleep(LOOK_SECONDS)

    async def accepted(self) -> socket.socket:
        """The next client's connection."""
        assert self.listener is not None
        sock, _ = await self.loop.sock_accept(self.listener)
        sock.setblocking(False)
        return sock


def credentials(channel: UnixSocket, step: dict[str, Any]) -> dict[str, object]:
    """Who is at the other end, where the step asks for that."""
    return {"credentials": channel.credentials()} if step.get("credentials") else {}


async def send_with(channel: UnixSocket, octets: bytes, recipe: object) -> int:
    """The first octets, and with them the reading end of a pipe that holds the payload and ends after it; how many octets."""
    reading, writing = os.pipe()
    os.write(writing, payload.octets(recipe))  # type: ignore[arg-type]
    os.close(writing)
    try:
        return await channel.send_with(octets, reading)
    finally:
        os.close(reading)


def came_with(channel: UnixSocket) -> dict[str, object]:
    """The descriptor that came first: it is read to its end and closed."""
    with os.fdopen(channel.descriptors.pop(0), "rb") as file:
        octets = file.read()
    return {"descriptor": {"octets": len(octets), "digest": digest(octets)}}
