"""RFC 959, FTP, with RFC 1123 4.1 and RFC 2428: what every session must show of it on the wire."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator

from harness.judge.rules.base import Always, Shown, answered, of, spoken
from harness.model.talk import COMMAND, DATA, REPLY, Said
from harness.model.wire import Address, Flow, Wire

_LISTS = ("LIST", "NLST", "MLSD")
_OF_DATA = {
    "bare-line-end": ("RFC959-3.1.1-ascii-crlf", "has a line that does not end in CRLF", "CRLF"),
    "reset": ("RFC959-3.2-close-ends-stream-file", "ends in a reset", "a close"),
    "no-new-port": ("RFC1123-4.1.2.5-port-each-transfer", "goes to a port that was not named for it", "PORT, PASV or their like before each"),
}
_LIST_LINES = ("RFC1123-4.1.2.7-list-ascii", "has a line that does not end in CRLF", "CRLF")
CHECKS = {
    "RFC959-3.1.1-ascii-crlf": "every line that a data connection carries in TYPE A",
    "RFC959-3.2-close-ends-stream-file": "how every data connection ends",
    "RFC959-4.1.2-pasv-227": "the six numbers in every answer to PASV",
    "RFC959-4.1.2-port-six-numbers": "the six numbers in every PORT",
    "RFC959-4.2-reply-format": "the first and the last line of every reply",
    "RFC959-5.4-220-first": "who speaks first, and how",
    "RFC959-5.4-quit-221": "the answer to QUIT",
    "RFC959-5.4-transfer-150-226": "the replies around every data connection",
    "RFC959-5.4-user-pass": "the answers to USER and PASS",
    "RFC1123-4.1.2.5-port-each-transfer": "what comes before every transfer",
    "RFC1123-4.1.2.7-list-ascii": "the line ends of every list",
    "RFC2428-2-eprt-format": "the argument of every EPRT",
    "RFC2428-3-epsv-229": "the port in every answer to EPSV",
}
_six = re.compile(r"(?<!\d)(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})(?!\d)")
_eprt = re.compile(r"EPRT ([!-~])([12])\1([^\s]+?)\1(\d{1,5})\1$", re.IGNORECASE)
_epsv = re.compile(r"\(([!-~])\1\1(\d{1,5})\1\)")


def _sessions(wire: Wire) -> list[Flow]:
    return of(wire, "ftp")


def _grammar(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in _sessions(wire):
        for said in flow.dialogue:
            if said.kind == REPLY and {"no-code", "bare-line-end"} & set(said.problems):
                yield spoken(said, "is no reply", "three digits, SP or '-', text, CRLF", said.problems[0], "RFC959-4.2-reply-format")


def _opening(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in _sessions(wire):
        first = flow.dialogue[0] if flow.dialogue else None
        command = next((s for s in flow.dialogue if s.kind == COMMAND), None)
        if first is not None and first.kind == REPLY and first.code not in (120, 220, 421):
            yield spoken(first, "is no greeting", "120, 220 or 421", str(first.code), "RFC959-5.4-220-first")
        if command is not None and (first is command or (first is not None and command.began < first.ended)):
            yield spoken(command, "leaves before the greeting came", "after it", "before", "RFC959-5.4-220-first")


_DUE = {
    "USER": ((2, 3, 4, 5), "230, 331, 332 or a refusal", "RFC959-5.4-user-pass", (230, 331, 332)),
    "PASS": ((2, 3, 4, 5), "202, 230, 332 or a refusal", "RFC959-5.4-user-pass", (202, 230, 332)),
    "QUIT": ((2, 5), "221", "RFC959-5.4-quit-221", (221,)),
}
"""By verb: the first digits that may be, in words, and the codes of those that say that it went well."""


def _answers(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in _sessions(wire):
        for said, reply in answered(flow):
            if said.verb not in _DUE or said.kind != COMMAND or not reply.code:
                continue
            digits, words, requirement, well = _DUE[said.verb]
            if reply.code // 100 not in digits or (reply.code < 400 and reply.code not in well):
                yield spoken(reply, f"answers {said.verb}", words, str(reply.code), requirement)


def _transfers(flow: Flow) -> Iterator[tuple[Said, Said, list[Said]]]:
    """Each transfer: its command, what was carried, and the replies to it."""
    said = flow.dialogue
    for place, one in enumerate(said):
        if one.kind == DATA:
            replies = []
            for reply in said[place + 1 :]:
                if reply.kind != REPLY:
                    break
                replies.append(reply)
            yield said[place - 1], one, replies


def _data(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in _sessions(wire):
        for command, carried, replies in _transfers(flow):
            well = bool(replies) and replies[-1].code // 100 == 2
            for problem in carried.problems:
                found = _LIST_LINES if problem == "bare-line-end" and carried.verb in _LISTS else _OF_DATA.get(problem)
                if found and (well or problem != "reset"):
                    requirement, says, expected = found
                    by = "client" if problem == "no-new-port" else carried.by
                    yield Shown(by, f"the data of {command.text[:40]!r} {says}", expected, problem, requirement, (carried.frame,))


def _around(wire: Wire, _: Address) -> Iterable[Shown]:
    """A 1xx before the data and a 2xx after it; or a 4xx, 5xx."""
    for flow in _sessions(wire):
        for command, carried, replies in _transfers(flow):
            codes = [reply.code for reply in replies]
            shown = ", ".join(map(str, codes)) or "none"
            if codes and codes[-1] // 100 == 2 and (len(codes) < 2 or codes[0] // 100 != 1):
                says = f"the server answers {command.text[:40]!r} without a preliminary reply"
                yield Shown("server", says, "1xx, then 2xx", shown, "RFC959-5.4-transfer-150-226", (command.frame,))
                continue
            early = codes and codes[-1] // 100 == 2 and carried.by == "client" and replies[-1].ended < carried.ended - _CLOCKS
            if early and "not-ended" not in carried.problems:
                says = f"the server says {codes[-1]} before the data of {command.text[:40]!r} ended"
                yield Shown("server", says, "after it", "before", "RFC959-5.4-transfer-150-226", (replies[-1].frame,))


_CLOCKS = 1000
"""Microseconds that two frames of different hosts may be apart and seem in the wrong order."""


def _addresses(wire: Wire, asked: Address) -> Iterable[Shown]:
    for flow in _sessions(wire):
        for said, reply in answered(flow):
            if said.verb == "PASV" and reply.code // 100 == 2 and (wrong := _not_six(reply.text, asked[0])):
                yield spoken(reply, "answers PASV", f"227 with the address {asked[0]} and a port", wrong, "RFC959-4.1.2-pasv-227")
            if (
                said.verb == "EPSV"
                and reply.code // 100 == 2
                and said.text.upper() != "EPSV ALL"
                and (reply.code != 229 or not _epsv.search(reply.text))
            ):
                yield spoken(reply, "answers EPSV", "229 with (|||port|)", reply.text[:60], "RFC2428-3-epsv-229")
            if said.verb == "PORT" and (wrong := _not_six(said.text, flow.client_address[0])):
                yield spoken(
                    said, "names no end of a data connection", "six numbers: the own address and a port", wrong, "RFC959-4.1.2-port-six-numbers"
                )
            if said.verb == "EPRT" and not _own(said.text, flow.client_address[0]):
                yield spoken(said, "names no end of a data connection", "|family|the own address|port|", said.text[:60], "RFC2428-2-eprt-format")


def _not_six(text: str, address: str) -> str:
    """What is wrong with the six numbers of an address and a port; empty if nothing is."""
    found = _six.search(text)
    numbers = [int(n) for n in found.groups()] if found else []
    if not numbers or max(numbers) > 255 or numbers[4:] == [0, 0]:
        return text[:60]
    own = ".".join(map(str, numbers[:4]))
    return own if own != address and ":" not in address else ""


def _own(text: str, address: str) -> bool:
    found = _eprt.match(text)
    return bool(found) and (found[2] == ("2" if ":" in address else "1")) and _same_address(found[3], address) if found else False


def _same_address(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


ALWAYS: tuple[Always, ...] = (_grammar, _opening, _answers, _data, _around, _addresses)
