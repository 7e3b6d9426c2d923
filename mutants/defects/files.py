"""What goes wrong with files (``peers/ftp.md``)."""

from __future__ import annotations

import re
import socket
import struct
from typing import Any

import ftp_client
import ftp_service
from payload import octets

from .base import defect

# -- servers --------------------------------------------------------------------------------------------------


class _Says(ftp_service.Session):
    """``change`` says what is replied instead; of nothing, nothing is."""

    def change(self, reply: str) -> str:
        raise NotImplementedError

    def push(self, data: str) -> None:
        if changed := self.change(data):
            super().push(changed)


@defect("ftp-greets-with-200")
class Greets200(_Says):
    """Greets with 200."""

    def change(self, reply: str) -> str:
        return reply.replace("220 ", "200 ", 1)


@defect("ftp-quit-200")
class Quit200(_Says):
    """Answers QUIT with 200."""

    def change(self, reply: str) -> str:
        return reply.replace("221 ", "200 ", 1)


@defect("ftp-reply-without-code")
class NoCode(_Says):
    """Answers QUIT with words alone."""

    def change(self, reply: str) -> str:
        return reply.removeprefix("221 ")


@defect("ftp-knows-no-mode")
class NoMode(_Says):
    """Answers MODE S with 504."""

    def change(self, reply: str) -> str:
        return "504 No.\r\n" if reply.startswith("200 Transfer mode") else reply


@defect("ftp-lets-everybody-in")
class LetsIn(ftp_service.Session):
    """Lets in who is refused."""

    def ftp_PASS(self, line: str) -> None:
        self.username = "anybody"
        super().ftp_PASS(line)


@defect("ftp-rnto-alone")
class RntoAlone(_Says):
    """Answers RNTO without RNFR with 250."""

    def change(self, reply: str) -> str:
        return "250 Done.\r\n" if reply.startswith("503 Bad sequence of commands: use RNFR") else reply


@defect("ftp-quotes-not-doubled")
class PlainQuotes(_Says):
    """Leaves a quote in a path as it is."""

    def change(self, reply: str) -> str:
        return reply.replace('""', '"') if reply.startswith("257") else reply


@defect("ftp-bad-port-taken")
class BadPort(_Says):
    """Answers a PORT that it does not understand with 200."""

    def change(self, reply: str) -> str:
        return "200 Fine.\r\n" if reply.startswith("501 Invalid PORT") else reply


@defect("ftp-no-pasv")
class NoPasv(ftp_service.Session):
    """Does not know PASV."""

    def ftp_PASV(self, line: str) -> None:
        self.respond("502 No.")


@defect("ftp-pasv-of-another-address")
class OtherAddress(_Says):
    """Names another address in its answer to PASV."""

    def change(self, reply: str) -> str:
        return re.sub(r"\(\d+,\d+,\d+,\d+,", "(198,18,77,77,", reply) if reply.startswith("227") else reply


@defect("ftp-epsv-with-an-address")
class EpsvAddress(_Says):
    """Names its address, too, in its answer to EPSV."""

    def change(self, reply: str) -> str:
        return reply.replace("(|||", "(|1|198.18.0.1|") if reply.startswith("229") else reply


@defect("ftp-epsv-all-means-nothing")
class EpsvAll(ftp_service.Session):
    """Takes PASV after EPSV ALL."""

    def ftp_PASV(self, line: str) -> None:
        self._epsvall = False
        super().ftp_PASV(line)


@defect("ftp-no-abor")
class NoAbor(ftp_service.Session):
    """Does not know ABOR."""

    def ftp_ABOR(self, line: str) -> None:
        self.respond("502 No.")


@defect("ftp-deaf-while-waiting")
class Deaf(ftp_service.Session):
    """Passes over ABOR while a transfer waits."""

    def ftp_ABOR(self, line: str) -> None:
        if self._dtp_acceptor is None:
            super().ftp_ABOR(line)


@defect("ftp-no-preliminary-reply")
class NoPreliminary(_Says):
    """Says nothing before a transfer."""

    def change(self, reply: str) -> str:
        return "" if reply[:3] in ("125", "150") else reply


@defect("ftp-verbs-in-upper-case")
class UpperCase(ftp_service.Session):
    """Knows verbs in upper case alone."""

    def found_terminator(self) -> None:
        line = b"".join(self._in_buffer)
        if line[:4].upper() != line[:4]:
            self._in_buffer = [b"X" + line]
        super().found_terminator()


@defect("ftp-needs-whole-commands")
class WholeCommands(ftp_service.Session):
    """Drops the beginning of a command that comes in pieces."""

    def collect_incoming_data(self, data: bytes) -> None:
        self._in_buffer = []
        super().collect_incoming_data(data)


@defect("ftp-no-syst")
class NoSyst(ftp_service.Session):
    """Does not know SYST."""

    def ftp_SYST(self, line: str) -> None:
        self.respond("502 No.")


@defect("ftp-no-older-forms")
class NoOlder(ftp_service.Session):
    """Does not know XPWD."""

    def ftp_XPWD(self, line: str) -> None:
        self.respond("500 No.")


@defect("ftp-list-with-line-feeds")
class ListLines(ftp_service.Session):
    """Ends the lines of a list with LF alone."""

    def push_dtp_data(self, data: Any, isproducer: bool = False, file: Any = None, cmd: str | None = None) -> None:
        super().push_dtp_data(data if isproducer else data.replace(b"\r\n", b"\n"), isproducer, file, cmd)


@defect("ftp-ascii-as-it-is")
class AsciiAsIs(ftp_service.Session):
    """Sends a file in TYPE A as it is."""

    def ftp_RETR(self, file: str) -> None:
        self._current_type = "i"
        super().ftp_RETR(file)


@defect("ftp-drops-an-octet")
class DropsOctet(ftp_service.Session):
    """Sends a file without its first octet, and says that all is well."""

    def ftp_RETR(self, file: str) -> None:
        self._restart_position = 1
        super().ftp_RETR(file)


class _Resetting(ftp_service.FTPHandler.dtp_handler):  # type: ignore[misc]
    def close(self) -> None:
        if self.socket is not None and not self._closed:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().close()


@defect("ftp-resets-data-connections")
class ResetsData(ftp_service.Session):
    """Ends data connections with a reset."""

    dtp_handler = _Resetting


# -- clients --------------------------------------------------------------------------------------------------


@defect("ftp-client-speaks-first")
class SpeaksFirst(ftp_client.Client):
    """Says something before it is greeted."""

    def getresp(self) -> str:
        if not self._told:
            assert self.sock is not None
            self.sock.sendall(b"NOOP\r\n")
        return super().getresp()


@defect("ftp-client-acts-on-the-text")
class ActsOnText(ftp_client.Client):
    """Takes every reply for good that has a good code somewhere."""

    def getmultiline(self) -> str:
        reply = super().getmultiline()
        found = re.search(r"\b(23\d)\b", reply[3:])
        return f"{found[1]} {reply[4:]}" if found and reply[0] == "5" else reply


@defect("ftp-client-line-feeds-in-ascii")
class AsciiLineFeeds(ftp_client.Asking):
    """Sends lines in TYPE A with LF alone."""

    def _up(self, verb: str, operation: dict[str, Any]) -> dict[str, object]:
        if operation.get("type") != "ascii":
            return super()._up(verb, operation)
        content = octets(operation["content"])
        self.ftp.voidcmd("TYPE A")
        with self.ftp.transfercmd(f"{verb} {operation['name']}") as data:
            data.sendall(content)
        self.ftp.voidresp()
        return ftp_client._amount(content)


@defect("ftp-client-one-port-for-all")
class OnePort(ftp_client.Client):
    """Names the same port for every transfer."""

    _port = 0

    def makeport(self) -> socket.socket:
        assert self.sock is not None
        made = socket.create_server((self.sock.getsockname()[0], self._port), family=self.af, backlog=1)
        self._port = made.getsockname()[1]
        command = self.sendport if self.af == socket.AF_INET else self.sendeprt
        command(self.sock.getsockname()[0], self._port)
        return made


@defect("ftp-client-port-of-five-numbers")
class FiveNumbers(ftp_client.Client):
    """Says PORT with five numbers."""

    def sendport(self, host: str, port: int) -> str:
        return self.voidcmd("PORT " + ",".join([*host.split("."), str(port)]))


@defect("ftp-client-eprt-in-brackets")
class EprtBrackets(ftp_client.Client):
    """Puts the address of an EPRT into brackets."""

    def sendeprt(self, host: str, port: int) -> str:
        return self.voidcmd(f"EPRT |2|[{host}]|{port}|")


@defect("ftp-client-changes-names")
class ChangesNames(ftp_client.Client):
    """Stores under names in upper case."""

    def putcmd(self, line: str) -> None:
        super().putcmd(line.upper() if line.startswith("STOR ") else line)


@defect("ftp-client-loses-the-last-octet")
class LosesLast(ftp_client.Asking):
    """Tells of a file without its last octet."""

    def do_retrieve(self, operation: dict[str, Any]) -> dict[str, object]:
        came = super().do_retrieve(operation)
        return {**came, "octets": came["octets"] - 1} if came["octets"] else came  # type: ignore[operator]
