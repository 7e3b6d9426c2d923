"""The smtp service: aiosmtpd, and what of a recipient or sender it refuses (``smtp.md``)."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

import sockets
from loop_service import Hosted, LoopService, Stop
from report import Output, Reporter, digest

MAX_CONTENT = 64 * 1024 * 1024
_TO_RCPT = {"nobody": "550 5.1.1 There is no such mailbox", "later": "450 4.2.1 Not now"}
_TO_CONTENT = {"picky": "554 5.6.0 Not such content", "busy": "451 4.3.0 Not now"}
_TO_MAIL = {"banned": "550 5.7.1 Not from there"}


def _mailbox(address: str | None) -> str:
    """The local part, in lower case."""
    return (address or "").partition("@")[0].lower()


class _Handler:
    """What aiosmtpd asks while a transaction goes on."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    async def handle_MAIL(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        """The reply to MAIL."""
        if refusal := _TO_MAIL.get(_mailbox(address)):
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        """The reply to RCPT."""
        if refusal := _TO_RCPT.get(_mailbox(address)):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The reply to the content."""
        for recipient in envelope.rcpt_tos:
            if refusal := _TO_CONTENT.get(_mailbox(recipient)):
                return refusal
        content = envelope.original_content or b""
        self._reporter.step(
            "mail",
            **{"from": (envelope.mail_from or "").removeprefix("<>")},
            recipients=list(envelope.rcpt_tos),
            octets=len(content),
            digest=digest(content),
        )
        self._reporter.flush()
        return "250 2.0.0 OK"


class _Connection(SMTP):
    """One connection, and its report."""

    def __init__(self, reporter: Reporter) -> None:
        super().__init__(_Handler(reporter), data_size_limit=MAX_CONTENT, hostname="python.example", ident="Python aiosmtpd")
        self._reporter = reporter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It was accepted."""
        local, remote = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        self._reporter.step("accepted", local=sockets.shown(local), remote=sockets.shown(remote))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """It is no more."""
        super().connection_lost(error)
        if error is not None and sockets.error_name(error) == "reset":
            self._reporter.step("reset", by="them")
        self._reporter.step("closed")
        self._reporter.done()


async def _begin(hosted: Hosted, listener: socket.socket) -> Stop:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(hosted.reporter()), sock=listener)

    async def stop() -> None:
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    return stop


class Service(LoopService):
    """A listening smtp service."""

    def __init__(self, command: dict[str, Any], output: Output) -> None:
        super().__init__({**command, "site": []}, output, _begin)
