"""Smoke's own side of a conversation: plain sockets over loopback, with nothing between a rule and the octets.

Owns streams, listeners and datagram sockets, and how a stream ended. Knows neither the contract nor the peer.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys

FIN, RST = "FIN", "RST"
LIMIT = 32 * 1024 * 1024
_CHUNK = 262144
Address = tuple[str, int]


def family_of(address: str) -> socket.AddressFamily:
    """The family that an address is written in."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _named(name: tuple[object, ...]) -> Address:
    return str(name[0]), int(str(name[1]))


def _shut(sock: socket.socket) -> None:
    """Closes a socket that somebody may still wait for: the loop must forget it before its number is given to another."""
    loop = asyncio.get_running_loop()
    if sock.fileno() >= 0:
        loop.remove_reader(sock)
        loop.remove_writer(sock)
    sock.close()


class Wire:
    """One TCP connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.local, self.remote = _named(sock.getsockname()), _named(sock.getpeername())
        self._rest = b""
        self._loop = asyncio.get_running_loop()

    async def send(self, octets: bytes) -> None:
        """Sends all of it. Raises ``OSError`` when the connection was reset."""
        await self._loop.sock_sendall(self.sock, octets)

    async def read(self) -> bytes:
        """The next octets; none at the FIN. Raises ``OSError`` at the RST."""
        if self._rest:
            octets, self._rest = self._rest, b""
            return octets
        return await self._loop.sock_recv(self.sock, _CHUNK)

    async def exactly(self, count: int) -> bytes:
        """That many octets, or fewer if the stream ended."""
        found = bytearray()
        while len(found) < count and (piece := await self.read()):
            found += piece
        self._rest = bytes(found[count:]) + self._rest
        return bytes(found[:count])

    async def through(self, mark: bytes) -> bytes:
        """Octets up to and with ``mark``, or what there was before the end."""
        found = b""
        while mark not in found and len(found) < LIMIT and (piece := await self.read()):
            found += piece
        at = found.find(mark)
        end = at + len(mark) if at >= 0 else len(found)
        self._rest = found[end:] + self._rest
        return found[:end]

    async def rest(self) -> tuple[bytes, str]:
        """All that still comes, and how it ended: ``FIN`` or ``RST``."""
        found = bytearray()
        try:
            while len(found) < LIMIT and (piece := await self.read()):
                found += piece
        except ConnectionError:
            return bytes(found), RST
        return bytes(found), FIN

    def half_close(self) -> None:
        """Ends the sending direction."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0))
        _shut(self.sock)

    def close(self) -> None:
        """Closes."""
        _shut(self.sock)


class Listener:
    """A listening socket; ``buffer`` makes the buffers of its connections that small."""

    def __init__(self, address: str, backlog: int = 256, *, buffer: int = 0) -> None:
        self.sock = socket.socket(family_of(address), socket.SOCK_STREAM)
        self.sock.setblocking(False)
        if buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        self.sock.bind((address, 0))
        self.sock.listen(backlog)
        self.local = _named(self.sock.getsockname())
        self.port = self.local[1]
        self.accepted: list[Wire] = []

    async def accept(self) -> Wire:
        """The next connection."""
        sock, _ = await asyncio.get_running_loop().sock_accept(self.sock)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.accepted.append(Wire(sock))
        return self.accepted[-1]

    def close(self) -> None:
        """Closes it and all its connections."""
        for wire in self.accepted:
            wire.close()
        _shut(self.sock)


class Reserved:
    """A TCP port that is taken and answered by nobody: a connect is refused."""

    def __init__(self, address: str) -> None:
        self.sock = socket.socket(family_of(address), socket.SOCK_STREAM)
        self.sock.bind((address, 0))
        self.port = _named(self.sock.getsockname())[1]

    def close(self) -> None:
        """Gives the port back."""
        self.sock.close()


class Datagrams:
    """A UDP socket."""

    def __init__(self, address: str, port: int = 0) -> None:
        self.sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.bind((address, port))
        self.local = _named(self.sock.getsockname())
        self.port = self.local[1]

    def send(self, octets: bytes, remote: Address) -> None:
        """One datagram."""
        self.sock.sendto(octets, remote)

    async def receive(self) -> tuple[bytes, Address]:
        """The next datagram, and who sent it."""
        octets, remote = await asyncio.get_running_loop().sock_recvfrom(self.sock, 65536)
        return octets, _named(remote)

    def close(self) -> None:
        """Closes."""
        _shut(self.sock)


async def connect(address: str, port: int) -> Wire:
    """A new connection. Raises ``OSError``."""
    sock = socket.socket(family_of(address), socket.SOCK_STREAM)
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Wire(sock)
    except BaseException:
        sock.close()
        raise
