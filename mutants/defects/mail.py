"""What goes wrong with mail (``peers/smtp.md``)."""

from __future__ import annotations

import re
import smtplib
from typing import Any

import smtp_client
import smtp_service
from payload import octets

from .base import defect

# -- servers --------------------------------------------------------------------------------------------------


class _Pushes(smtp_service._Connection):
    """``change`` says what is sent instead of each reply."""

    def change(self, reply: str) -> str:
        raise NotImplementedError

    async def push(self, status: Any) -> None:
        await super().push(self.change(status if isinstance(status, str) else status.decode()))


@defect("smtp-greets-with-200")
class Greets200(_Pushes):
    """Greets with 200."""

    def change(self, reply: str) -> str:
        return reply.replace("220 ", "200 ", 1)


@defect("smtp-ehlo-never-ends")
class EhloNeverEnds(_Pushes):
    """Leaves the answer to EHLO without a last line."""

    def change(self, reply: str) -> str:
        return reply.replace("250 HELP", "250-HELP")


@defect("smtp-codes-differ")
class CodesDiffer(_Pushes):
    """Gives the lines of the answer to EHLO different codes."""

    def change(self, reply: str) -> str:
        return reply.replace("250-8BITMIME", "251-8BITMIME")


@defect("smtp-reply-without-code")
class NoCode(_Pushes):
    """Answers RSET with words alone."""

    def change(self, reply: str) -> str:
        return "Fine" if reply == "250 OK" else reply


@defect("smtp-quit-250")
class Quit250(_Pushes):
    """Answers QUIT with 250."""

    def change(self, reply: str) -> str:
        return reply.replace("221 ", "250 ", 1)


@defect("smtp-data-250")
class Data250(_Pushes):
    """Answers DATA with 250."""

    def change(self, reply: str) -> str:
        return reply.replace("354 ", "250 ", 1)


class _Reads(smtp_service._Connection):
    """``change`` says what is read instead of each piece."""

    def change(self, data: bytes) -> bytes:
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        super().data_received(self.change(data))


@defect("smtp-line-feeds-end-the-content")
class LineFeedsEnd(_Reads):
    """Takes a dot between bare line feeds for the end of the content."""

    def change(self, data: bytes) -> bytes:
        return re.sub(rb"\r?\n\.\r?\n", b"\r\n.\r\n", data)


@defect("smtp-verbs-in-upper-case")
class UpperCase(_Reads):
    """Knows verbs in upper case alone."""

    def change(self, data: bytes) -> bytes:
        verb = re.match(rb"(?i)(ehlo|mail|rcpt|data|noop|quit)", data)
        return b"X" + data if verb and not verb[0].isupper() else data


@defect("smtp-second-ehlo-keeps-the-transaction")
class KeepsTransaction(smtp_service._Connection):
    """Goes on with the transaction after a second EHLO."""

    async def smtp_EHLO(self, hostname: str) -> None:
        held = self.envelope
        await super().smtp_EHLO(hostname)
        self.envelope = held or self.envelope


@defect("smtp-no-helo")
class NoHelo(smtp_service._Connection):
    """Does not know HELO."""

    async def smtp_HELO(self, hostname: str) -> None:
        await self.push("502 5.5.1 No such command")


@defect("smtp-mail-in-mail")
class MailInMail(smtp_service._Connection):
    """Takes MAIL inside a transaction."""

    async def smtp_MAIL(self, arg: str | None) -> None:
        self.envelope.mail_from = None
        await super().smtp_MAIL(arg)


@defect("smtp-rcpt-without-mail")
class RcptWithoutMail(smtp_service._Connection):
    """Takes RCPT without MAIL."""

    async def smtp_RCPT(self, arg: str | None) -> None:
        self.envelope.mail_from = self.envelope.mail_from or "nobody@client.example"
        await super().smtp_RCPT(arg)


@defect("smtp-data-without-recipients")
class DataWithoutRecipients(smtp_service._Connection):
    """Takes DATA without a recipient."""

    async def smtp_DATA(self, arg: str | None) -> None:
        self.envelope.mail_from = self.envelope.mail_from or "nobody@client.example"
        self.envelope.rcpt_tos = self.envelope.rcpt_tos or ["somebody@server.example"]
        await super().smtp_DATA(arg)


@defect("smtp-rset-does-nothing")
class RsetDoesNothing(smtp_service._Connection):
    """Answers RSET and forgets nothing."""

    async def smtp_RSET(self, arg: str | None) -> None:
        await self.push("250 OK")


@defect("smtp-noop-resets")
class NoopResets(smtp_service._Connection):
    """Forgets the transaction at NOOP."""

    async def smtp_NOOP(self, arg: str | None) -> None:
        self._set_post_data_state()
        await self.push("250 OK")


@defect("smtp-vrfy-needs-mail")
class NoopNeedsMail(smtp_service._Connection):
    """Answers VRFY inside a transaction alone."""

    async def smtp_HELP(self, arg: str | None) -> None:
        await self.push("503 5.5.1 MAIL first")


@defect("smtp-no-vrfy")
class NoVrfy(smtp_service._Connection):
    """Does not know VRFY."""

    async def smtp_VRFY(self, arg: str | None) -> None:
        await self.push("500 5.5.2 No such command")


@defect("smtp-looks-the-name-up")
class LooksUp(smtp_service._Connection):
    """Refuses mail of a client whose name is nobody's."""

    async def smtp_MAIL(self, arg: str | None) -> None:
        if str(self.session.host_name).endswith(".invalid"):
            await self.push("550 5.7.1 Who are you?")
        else:
            await super().smtp_MAIL(arg)


@defect("smtp-unknown-is-fine")
class UnknownIsFine(_Pushes):
    """Answers what it does not know with 250."""

    def change(self, reply: str) -> str:
        return "250 OK" if reply.startswith("500 ") else reply


class _Refuses(smtp_service._Handler):
    """``refusal`` says with what a recipient is refused."""

    def refusal(self, envelope: Any, address: str) -> str:
        raise NotImplementedError

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        return self.refusal(envelope, address) or await super().handle_RCPT(server, session, envelope, address, options)


@defect("smtp-no-postmaster")
class NoPostmaster(_Refuses):
    """Has no postmaster."""

    def refusal(self, envelope: Any, address: str) -> str:
        return "550 5.1.1 No such mailbox" if address.lower().startswith("postmaster") else ""


@defect("smtp-short-local-parts")
class ShortLocalParts(_Refuses):
    """Refuses local parts of more than 60 octets."""

    def refusal(self, envelope: Any, address: str) -> str:
        return "501 5.1.3 Too long" if len(address.partition("@")[0]) > 60 else ""


@defect("smtp-few-recipients")
class FewRecipients(_Refuses):
    """Has no room for more than 50 recipients."""

    def refusal(self, envelope: Any, address: str) -> str:
        return "452 4.5.3 Too many" if len(envelope.rcpt_tos) >= 50 else ""


class _Senders(smtp_service._Handler):
    def refusal(self, address: str) -> str:
        raise NotImplementedError

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        return self.refusal(address) or await super().handle_MAIL(server, session, envelope, address, options)


@defect("smtp-short-domains")
class ShortDomains(_Senders):
    """Refuses domains of more than 200 octets."""

    def refusal(self, address: str) -> str:
        return "501 5.1.8 Too long" if len(address.partition("@")[2]) > 200 else ""


@defect("smtp-no-null-sender")
class NoNullSender(_Senders):
    """Wants a reverse-path."""

    def refusal(self, address: str) -> str:
        return "" if "@" in address else "550 5.7.1 Who are you?"


@defect("smtp-short-commands")
class ShortCommands(smtp_service._Connection):
    """Takes command lines of up to 256 octets."""

    async def smtp_NOOP(self, arg: str | None) -> None:
        await self.push("500 5.5.2 Line too long" if arg and len(arg) > 250 else "250 OK")


@defect("smtp-short-lines")
class ShortLines(smtp_service._Connection):
    """Takes lines of up to 500 octets."""

    line_length_limit = 500


class _Keeps(smtp_service._Handler):
    """``change`` says what is kept of a content, or None for nothing."""

    def change(self, content: bytes) -> bytes | None:
        raise NotImplementedError

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        kept = self.change(envelope.original_content or b"")
        if kept is None:
            return "250 2.0.0 OK"
        envelope.original_content = kept
        return await super().handle_DATA(server, session, envelope)


@defect("smtp-does-not-unstuff")
class DoesNotUnstuff(_Keeps):
    """Leaves the dots of transparency in."""

    def change(self, content: bytes) -> bytes | None:
        return re.sub(rb"(?m)^\.", b"..", content)


@defect("smtp-loses-a-message")
class LosesAMessage(_Keeps):
    """Forgets a message that it took."""

    def change(self, content: bytes) -> bytes | None:
        return None


# -- clients --------------------------------------------------------------------------------------------------


@defect("smtp-sends-bare-line-feeds")
class BareLineFeeds(smtp_client._Client):
    """Ends the lines of its commands with a line feed alone."""

    def putcmd(self, cmd: str, args: str = "") -> None:
        self.send(f"{cmd} {args}".strip() + "\n")


@defect("smtp-talks-before-the-greeting")
class TalksFirst(smtp_client._Client):
    """Says EHLO before it was greeted."""

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        sock = super()._get_socket(host, port, timeout)
        sock.sendall(b"EHLO client.example\r\n")
        return sock

    def putcmd(self, cmd: str, args: str = "") -> None:
        if cmd.upper() != "EHLO":
            super().putcmd(cmd, args)


@defect("smtp-opens-with-noop")
class OpensWithNoop(smtp_client._Client):
    """Says NOOP before EHLO."""

    def ehlo_or_helo_if_needed(self) -> None:
        self.noop()
        super().ehlo_or_helo_if_needed()


@defect("smtp-no-fallback")
class NoFallback(smtp_client._Client):
    """Gives up where EHLO is refused."""

    def ehlo_or_helo_if_needed(self) -> None:
        code, words = self.ehlo()
        if code != 250:
            raise smtplib.SMTPHeloError(code, words)


@defect("smtp-goes-without-quit")
class NoQuit(smtp_client._Client):
    """Closes without QUIT."""

    def quit(self) -> tuple[int, bytes]:
        return 221, b""


@defect("smtp-does-not-wait-for-replies")
class DoesNotWait(smtp_client._Client):
    """Sends RCPT with MAIL, without waiting for its reply."""

    def mail(self, sender: str, options: Any = ()) -> tuple[int, bytes]:
        self.send(f"MAIL FROM:<{sender}>\r\nRCPT TO:<reader@server.example>\r\n")
        return self.getreply()

    def rcpt(self, recip: str, options: Any = ()) -> tuple[int, bytes]:
        return self.getreply()


@defect("smtp-does-not-stuff")
class DoesNotStuff(smtp_client._Client):
    """Sends lines that begin with a dot as they are."""

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, words = self.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, words)
        self.send(msg + b".\r\n")
        return self.getreply()


@defect("smtp-folds-local-parts")
class FoldsLocalParts(smtp_client.Asking):
    """Puts local parts into lower case."""

    def _deliver(self, client: smtplib.SMTP, message: dict[str, Any]) -> None:
        octets(message["content"])
        super()._deliver(client, {**message, "from": message["from"].lower(), "recipients": [r.lower() for r in message["recipients"]]})
