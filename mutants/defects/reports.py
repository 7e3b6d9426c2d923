"""TCP conversations that go right and are reported wrongly."""

from __future__ import annotations

import errno
from typing import Any

import peer
import script
import services
from report import digest

from .base import Liar, Told, another_port, defect

Members = dict[str, Any]


@defect("client-makes-up-the-digest-it-sends")
@defect("server-makes-up-the-digest-it-sends")
class MakesUpSent(Liar, script.TcpScript):
    """Reports a digest of sent octets that it did not compute."""

    def tell(self, name: str, members: Members) -> Told:
        return name, {**members, "digest": digest(b"made up")} if name == "sent" else members


@defect("client-makes-up-the-digest-it-receives")
class MakesUpReceived(Liar, script.TcpScript):
    """Reports a digest of received octets that it did not compute."""

    def tell(self, name: str, members: Members) -> Told:
        return name, {**members, "digest": digest(b"made up")} if name == "received" else members


@defect("client-reports-another-local-port")
class AnotherLocalPort(Liar, script.TcpScript):
    """Reports another local port than it has."""

    def tell(self, name: str, members: Members) -> Told:
        return name, {**members, "local": another_port(members["local"])} if name == "connected" else members


@defect("client-reports-another-remote-port")
class AnotherRemotePort(Liar, script.TcpScript):
    """Reports to be connected to another port than it was given."""

    def tell(self, name: str, members: Members) -> Told:
        return name, {**members, "remote": another_port(members["remote"])} if name == "connected" else members


@defect("server-reports-another-client-address")
class AnotherClient(Liar, script.TcpScript):
    """Reports a connection from another port than its client has."""

    def tell(self, name: str, members: Members) -> Told:
        return name, {**members, "remote": another_port(members["remote"])} if name == "accepted" else members


@defect("server-reports-another-local-port")
class AcceptedElsewhere(Liar, script.TcpScript):
    """Reports to have accepted on another port than it listens on."""

    def tell(self, name: str, members: Members) -> Told:
        return name, {**members, "local": another_port(members["local"])} if name == "accepted" else members


@defect("client-reports-a-reset-for-an-orderly-end")
@defect("server-reports-a-reset-for-an-orderly-end")
class ResetForEnd(Liar, script.TcpScript):
    """Reports the other side's FIN as a RST."""

    def tell(self, name: str, members: Members) -> Told:
        if name != "end":
            return name, members
        self.reporter.step("reset", by="them")
        return "failed", {"at": self.at, "error": "reset", "says": "Connection reset by peer"}


@defect("client-reports-a-timeout-for-a-refusal")
class TimeoutForRefusal(Liar, script.TcpScript):
    """Reports a refused connection as one that nobody answered."""

    def tell(self, name: str, members: Members) -> Told:
        refused = name == "failed" and members["error"] == "refused"
        return name, {**members, "error": "timeout", "says": errno.errorcode[errno.ETIMEDOUT]} if refused else members


@defect("client-reports-no-steps")
class NoSteps(Liar, script.TcpScript):
    """Reports the end of its conversation and nothing of what it did."""

    def tell(self, name: str, members: Members) -> None:
        return None


@defect("client-does-not-report-its-half-close")
class NoHalfClosed(Liar, script.TcpScript):
    """Does its half-close and does not report it."""

    def tell(self, name: str, members: Members) -> Told | None:
        return None if name == "half-closed" else (name, members)


@defect("client-refuses-what-it-declares")
class Refuses(peer.Peer):
    """Declares TCP scripts and answers them with an error."""

    def do_script(self, command: dict[str, Any]) -> None:
        if command["transport"] == "tcp":
            raise script.BadCommand("not today")
        super().do_script(command)


# -- services -------------------------------------------------------------------------------------------------


@defect("echo-reports-another-client-address")
class EchoAnotherClient(Liar, services.Connection):
    """Reports a connection from another port than its client has."""

    def tell(self, name: str, members: Members) -> Told:
        return name, {**members, "remote": another_port(members["remote"])} if name == "accepted" else members


@defect("echo-makes-up-the-digest-it-sends")
class EchoMakesUpSent(Liar, services.Connection):
    """Reports a digest of sent octets that it did not compute."""

    def tell(self, name: str, members: Members) -> Told:
        return name, {**members, "digest": digest(b"made up")} if name == "sent" else members


@defect("echo-reports-an-octet-more-than-it-sends")
class EchoReportsMore(Liar, services.Connection):
    """Reports an octet more than it sent."""

    def tell(self, name: str, members: Members) -> Told:
        return name, {**members, "octets": members["octets"] + 1} if name == "sent" else members


@defect("echo-reports-an-octet-less-than-it-receives")
class EchoReportsLess(Liar, services.Connection):
    """Reports an octet less than it received."""

    def tell(self, name: str, members: Members) -> Told:
        return name, {**members, "octets": members["octets"] - 1} if name == "received" and members["octets"] else members


@defect("echo-reports-a-reset-for-an-orderly-end")
class EchoResetForEnd(Liar, services.Connection):
    """Reports the client's FIN as a RST."""

    def tell(self, name: str, members: Members) -> Told:
        return ("reset", {"by": "them"}) if name == "end" else (name, members)


@defect("echo-does-not-report-what-it-sends")
class EchoTellsNoSent(Liar, services.Connection):
    """Leaves out how much it sent."""

    def tell(self, name: str, members: Members) -> Told | None:
        return None if name == "sent" else (name, members)


@defect("echo-reports-closed-and-leaves-the-connection-open")
class EchoLeavesOpen(services.Connection):
    """Reports its close and keeps the connection."""

    kept: list[Any] = []  # noqa: RUF012 - for as long as the peer lives

    async def echo(self) -> bool:
        await super().echo()
        self.kept.append(self.sock.dup())
        return True
