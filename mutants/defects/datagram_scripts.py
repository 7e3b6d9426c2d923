"""UDP scripts that do something else than they report."""

from __future__ import annotations

import socket
from typing import Any

import script
import sockets
from report import digest

from .base import Liar, Told, another_port, defect
from .datagram_services import SO_NO_CHECK


class _Aside:
    """An event loop whose sends go nowhere."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop

    async def sock_sendto(self, sock: socket.socket, octets: bytes, remote: Any) -> None:
        if not sock.getsockname()[1]:
            sock.bind(("", 0))  # as the first send would

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)


@defect("udp-client-reports-success-without-sending")
class SendsNothing(script.UdpScript):
    """Reports datagrams as sent and sends none."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.loop = _Aside(self.loop)


@defect("udp-client-reports-another-local-port")
class AnotherLocalPort(Liar, script.UdpScript):
    """Reports another port than its datagrams leave from."""

    def tell(self, name: str, members: dict[str, Any]) -> Told:
        return name, {**members, "local": another_port(members["local"])} if "local" in members else members


@defect("udp-client-makes-up-the-digest-it-receives")
class MakesUpReceived(Liar, script.UdpScript):
    """Reports digests of received datagrams that it did not compute."""

    def tell(self, name: str, members: dict[str, Any]) -> Told:
        return name, {**members, "digest": digest(b"made up")} if name == "received" else members


@defect("udp-client-sends-without-checksum")
class NoChecksum(script.UdpScript):
    """Turns the checksum of its datagrams off (IPv4)."""

    def make(self) -> socket.socket:
        made = super().make()
        made.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        return made


@defect("udp-client-hears-of-no-icmp-error")
class HearsOfNoError(script.UdpScript):
    """Leaves its socket unconnected, so that the system cannot hand ICMP errors up."""

    async def do_connect(self, step: dict[str, Any]) -> None:
        assert self.sock is not None
        await super().do_connect(step)
        local = self.sock.getsockname()
        self.sock.close()
        self.sock = sockets.make("udp", local[0])
        self.sock.bind(local)
        self.connected = False
