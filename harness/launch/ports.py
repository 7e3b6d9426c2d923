"""What is said on a machine's serial port (``platforms/README.md``, "A machine"): the contract's lines, and a few octets that no line can hold.

Owns that protocol, sans what starts the machine.
"""

from __future__ import annotations

import asyncio
import socket
from typing import cast

from harness.launch.base import OnData, OnExit
from harness.launch.process import describe_status
from harness.network.base import Host

END_OF_INPUT, READY, LOGGED, KILL = b"\x04", b"\x05", b"\x0e", b"\x18"
_MARKS = END_OF_INPUT + READY + LOGGED


class Port(asyncio.Protocol):
    """One port: on a ``host`` of its own, or (None) for what shares its machine with others. One peer at a time is on it."""

    def __init__(self, host: Host | None, announces: bool) -> None:
        self.host = host
        self.announces = announces
        self.ready = asyncio.Event()
        self._peer: VirtualProcess | None = None
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._inside = False
        """Whether the beginning of the line that comes was passed on already."""
        self._used = False

    @classmethod
    async def open(cls, sock: socket.socket, host: Host | None, announces: bool) -> Port:
        """The port at this end of a pair of sockets."""
        sock.setblocking(False)
        _, port = await asyncio.get_running_loop().create_unix_connection(lambda: cls(host, announces), sock=sock)
        return port

    @property
    def free(self) -> bool:
        """Whether a peer may be started on it."""
        return self._peer is None and (self.ready.is_set() if self.announces else not self._used)

    def take(self, peer: VirtualProcess) -> None:
        """From now on this one is on it."""
        self._peer, self._used = peer, True
        self.ready.clear()

    def write(self, data: bytes) -> None:
        """Queues octets; nothing happens if the machine is gone."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Ends the connection."""
        if self._transport:
            self._transport.close()

    def lost(self, how: str) -> None:
        """Whoever is on it is no more."""
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.ended(how)

    # -- asyncio ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost("its machine closed the port")

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        self._rest = b""
        said: list[bytes] = []
        for line in data.splitlines(keepends=True) if b"\r" not in data else data.replace(b"\r\n", b"\n").splitlines(keepends=True):
            whole = line.endswith(b"\n")
            if self._inside or line[:1] not in _MARKS or not line:
                said.append(line)
                self._inside = not whole
            elif whole:
                self._say(said)
                self._told(line)
            else:
                self._rest = line
        self._say(said)

    def _say(self, said: list[bytes]) -> None:
        if said and self._peer is not None:
            self._peer.on_output(b"".join(said))
        said.clear()

    def _told(self, line: bytes) -> None:
        """A line that is the machine's own."""
        mark, text = line[:1], line[1:].strip().decode(errors="replace")
        if mark == READY:
            self.ready.set()
        elif mark == LOGGED and self._peer is not None:
            self._peer.on_log(line[1:])
        elif mark == END_OF_INPUT:
            self.lost(_how(text))


def _how(text: str) -> str:
    """How a peer ended, in the words that a process of this machine has."""
    kind, _, number = text.partition(" ")
    if kind == "signal" and number.isdigit():
        return describe_status(-int(number))
    return text or "no status"


class VirtualProcess:
    """A peer on a port."""

    def __init__(self, port: Port, host: Host, start: bytes, on_output: OnData, on_log: OnData, on_exit: OnExit) -> None:
        self.host = host
        self.on_output, self.on_log = on_output, on_log
        self._on_exit = on_exit
        self._port = port
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        port.take(self)
        if port.announces or port.host is not None:
            port.write(start)

    def ended(self, how: str) -> None:
        """It is no more."""
        if not self._over.done():
            self._over.set_result(None)
            self._on_exit(how)

    def write(self, data: bytes) -> None:
        if not self._over.done():
            self._port.write(data)

    def end_input(self) -> None:
        self.write(END_OF_INPUT)

    def kill(self) -> None:
        self.write(KILL)

    async def gone(self) -> None:
        await asyncio.shield(self._over)
