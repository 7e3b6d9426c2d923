"""What was said over an FTP control connection (RFC 959), and where its data connections are.

Owns which reply answers what, and how both sides name the ends of data connections (RFC 959 4.1.2, RFC 2428). Any octets in, values out:
nothing here raises.
"""

from __future__ import annotations

import re

import msgspec

from harness.model.talk import DATA, REPLY, Said
from harness.model.wire import Flow
from harness.wire.lines import BARE, MAX_SAID, When, bare, command, replies

SENDERS = {"STOR": "client", "APPE": "client", "STOU": "client", "RETR": "server", "LIST": "server", "NLST": "server", "MLSD": "server"}
"""By the verb of a transfer: who sends over the data connection."""
_LISTS = ("LIST", "NLST", "MLSD")
NOT_ENDED, RESET, NO_NEW_PORT = "not-ended", "reset", "no-new-port"
_TELNET = re.compile(rb"\xff[\xfb-\xfe].|\xff[\xf0-\xfa]", re.DOTALL)
"""Options and signals of Telnet between the commands (RFC 1123 4.1.2.12)."""
_six = re.compile(r"(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})").search
_epsv = re.compile(r"\((.)\1\1(\d{1,5})\1\)").search
_eprt = re.compile(r"(.)\d+\1[^|]*?\1(\d{1,5})\1").match


class Transfer(msgspec.Struct):
    """A transfer that was asked for: where it stands in the dialogue, who listens for its data connection at which port (0: nobody said),
    whether that port was named for it, and whether its octets are lines.
    """

    at: int
    verb: str
    listener: str = ""
    port: int = 0
    fresh: bool = False
    lines: bool = False


def dialogue(client: bytes, server: bytes, when_client: When, when_server: When) -> tuple[tuple[Said, ...], tuple[Transfer, ...]]:
    """All that was said, at most 2000 things: the greeting, then each command with its replies; and the transfers in it."""
    answers = replies(server, when_server, each=False)
    if _TELNET.search(client):  # what is no command; places shift by a few octets, and that moves no frame far
        client = _TELNET.sub(b"", client)
    answered = _final(answers, 0)
    found: list[Said] = answers[:answered]
    place = 0
    while place < len(client) and len(found) < MAX_SAID:
        asked, place = command(client, place, when_client)
        end = _final(answers, answered)
        found += [asked, *answers[answered:end]]
        answered = end
    said = (*found, *answers[answered : answered + MAX_SAID])
    return said, tuple(_transfers(said))


def _final(answers: list[Said], start: int) -> int:
    """The place after the next reply that is not preliminary (4.2)."""
    for place in range(start, len(answers)):
        if answers[place].code // 100 != 1:
            return place + 1
    return len(answers)


def _transfers(said: tuple[Said, ...]) -> list[Transfer]:
    found: list[Transfer] = []
    listener, port, fresh, ascii_type = "", 0, False, True
    used: set[int] = set()
    for place, one in enumerate(said):
        if one.kind == REPLY:
            continue
        reply = said[place + 1] if place + 1 < len(said) and said[place + 1].kind == REPLY else None
        well = reply is not None and reply.code // 100 == 2
        if named := _named(one, reply) if well else None:
            listener, port = named
            fresh = listener != "client" or port not in used
        elif one.verb == "TYPE" and well:
            ascii_type = one.text[5:6].upper() in ("A", "E")
        elif one.verb in SENDERS and reply is not None and reply.code // 100 in (1, 2):
            found.append(Transfer(place, one.verb, listener, port, fresh, ascii_type or one.verb in _LISTS))
            used |= {port} if listener == "client" else set()
            fresh = False
    return found


def _named(one: Said, reply: Said | None) -> tuple[str, int] | None:
    """Who listens where, after a command that settles it."""
    text = one.text.partition(" ")[2] if one.verb in ("PORT", "EPRT") else reply.text[4:] if reply else ""
    if one.verb in ("PORT", "PASV"):
        six = _six(text)
        return ("client" if one.verb == "PORT" else "server", int(six[5]) * 256 + int(six[6])) if six else None
    if one.verb in ("EPSV", "EPRT"):
        match = _epsv(text) if one.verb == "EPSV" else _eprt(text)
        return ("server" if one.verb == "EPSV" else "client", int(match[2])) if match else None
    return None


def carried(transfer: Transfer, flow: Flow, octets: bytes, began: int, frame: int) -> Said:
    """What the data connection of a transfer carried, as a thing that its sender said."""
    by = SENDERS[transfer.verb]
    sent = flow.client if by == "client" else flow.server
    problems = [] if sent.fin_frame or sent.rst_frame else [NOT_ENDED]
    problems += [RESET] if sent.rst_frame and not sent.fin_frame else []
    problems += [BARE] if transfer.lines and bare(octets) else []
    problems += [] if transfer.fresh else [NO_NEW_PORT]
    return Said(by, DATA, transfer.verb, 0, sent.octets, sent.digest, began, max(sent.last_octet, sent.fin_time), frame, tuple(problems))


def with_data(said: tuple[Said, ...], data: dict[int, Said]) -> tuple[Said, ...]:
    """The dialogue with what was carried behind the commands of the transfers, by their places."""
    return tuple(one for place, spoken in enumerate(said) for one in (spoken, data.get(place)) if one is not None)
