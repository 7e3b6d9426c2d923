"""Sockets as the contract wants them: families, addresses, options, and the names of errors."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct

BACKLOG = 1024
CHUNK = 262144
_NAMES = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.EPIPE: "reset",
    errno.ECONNABORTED: "reset",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EADDRINUSE: "address-in-use",
    errno.EADDRNOTAVAIL: "address-not-available",
    errno.EEXIST: "address-in-use",
    errno.ENOENT: "missing",
    errno.ESRCH: "missing",
}


class Ended(Exception):
    """The stream ended before that."""


class Named(Exception):
    """A failure that the contract has a name for, where the system's number means other things, too."""

    def __init__(self, name: str, says: str) -> None:
        super().__init__(says)
        self.name = name


def family(address: str) -> socket.AddressFamily:
    """The family that an address is written in."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def make(transport: str, address: str) -> socket.socket:
    """A non-blocking socket."""
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    made = socket.socket(family(address), kind)
    made.setblocking(False)
    if made.family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made


def reuse(listener: socket.socket) -> None:
    """SO_REUSEADDR, where it means what POSIX says."""
    if os.name != "nt":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def no_delay(stream: socket.socket) -> None:
    """TCP_NODELAY."""
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def abort(stream: socket.socket) -> None:
    """Closes with RST."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0))
    stream.close()


async def ready(fd: int, *, writing: bool) -> None:
    """Returns when the descriptor can be read or written."""
    loop = asyncio.get_running_loop()
    known = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    add(fd, lambda: known.done() or known.set_result(None))
    try:
        await known
    finally:
        remove(fd)


def shown(address: tuple[object, ...]) -> list[object]:
    """An address as the contract writes it."""
    return [str(address[0]).partition("%")[0], address[1]]


def error_name(error: BaseException) -> str:
    """The contract's word for an error."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, Ended):
        return "ended"
    if isinstance(error, Named):
        return error.name
    return _NAMES.get(getattr(error, "errno", None) or 0, "other")
