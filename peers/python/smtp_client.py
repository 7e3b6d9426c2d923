"""Asking by SMTP: the standard library's smtplib (``smtp.md``)."""

from __future__ import annotations

import contextlib
import smtplib
import socket
from collections.abc import Callable
from typing import Any

import exchange
from payload import octets
from report import Reporter, digest
from script import BadCommand

NAME = "client.example"


def check(command: dict[str, Any]) -> None:
    """Refuses what is no list of messages."""
    for message in command["messages"]:
        if not isinstance(message["from"], str) or not all(isinstance(r, str) for r in message["recipients"]):
            raise BadCommand("'from' is a text, 'recipients' are texts")
        octets(message["content"])


class _Client(smtplib.SMTP):
    """smtplib's client, whose connection is told."""

    def __init__(self, asking: Asking, timeout: float) -> None:
        self._asking = asking
        super().__init__(local_hostname=NAME, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        self._asking.connecting()
        sock: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._asking.connected(sock)
        return sock


class Asking(exchange.Asking):
    """One session."""

    def __init__(self, command: dict[str, Any], reporter: Reporter, on_done: Callable[[], None]) -> None:
        super().__init__(command, reporter, on_done)
        self._at = -1

    def run(self) -> None:
        """Holds it."""
        client = _Client(self, exchange.seconds(self.command))
        try:
            if self._begins(client):
                for message in self.command["messages"]:
                    self._at += 1
                    self._deliver(client, message)
                client.quit()
        except (smtplib.SMTPException, OSError) as error:
            self.reporter.step("failed", at=self._at, error=_name(error), says=str(error))
        finally:
            client.close()
            self.closed()

    def _begins(self, client: smtplib.SMTP) -> bool:
        """Greeting and EHLO, or HELO. Where they are refused, the first message has that status."""
        try:
            code, words = client.connect(self.command["address"], self.command["port"])
            if code != 220:
                raise smtplib.SMTPConnectError(code, words)
            client.ehlo_or_helo_if_needed()
        except smtplib.SMTPResponseException as error:
            if error.smtp_code < 200:
                raise
            self._told(self.command["messages"][0], error.smtp_code, {})
            with contextlib.suppress(smtplib.SMTPException, OSError):
                client.quit()
            return False
        return True

    def _deliver(self, client: smtplib.SMTP, message: dict[str, Any]) -> None:
        content = octets(message["content"])
        options = ["BODY=8BITMIME"] if not content.isascii() and client.has_extn("8bitmime") else []
        try:
            refused = client.sendmail(message["from"], message["recipients"], content, options)
        except smtplib.SMTPRecipientsRefused as error:
            last = list(error.recipients.values())[-1]
            self._told(message, int(last[0]), error.recipients)
        except smtplib.SMTPResponseException as error:  # of the sender or the content
            if error.smtp_code < 200:
                raise
            self._told(message, error.smtp_code, {})
        else:
            self._told(message, 250, refused)

    def _told(self, message: dict[str, Any], status: int, refused: dict[str, Any]) -> None:
        content = octets(message["content"])
        more = {"refused": [[r, int(reply[0])] for r, reply in refused.items()]} if refused else {}
        self.reporter.step("mail", status=status, octets=len(content), digest=digest(content), **more)


def _name(error: BaseException) -> str:
    """The contract's word for what broke the session off."""
    name = exchange.error_name(error)
    return "ended" if name == "other" and isinstance(error, smtplib.SMTPServerDisconnected) else name
