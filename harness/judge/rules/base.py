"""What a rule gets and returns: content rules look at octets, wire rules at what the capture showed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from itertools import pairwise

import msgspec

from harness.model.talk import REPLY, Said
from harness.model.wire import Address, Datagram, Flow, Wire


class Content(msgspec.Struct, frozen=True):
    """What came: ``octets`` (the beginning, if ``total`` is more), the harness's wall clock in seconds since 1970, and the question: what
    this side sent last.
    """

    octets: bytes
    total: int
    clock: float
    question: bytes = b""


class Wrong(msgspec.Struct, frozen=True):
    """One thing wrong with it. Where ``requirement`` is empty, it is the one that the spec cites."""

    expected: str
    observed: str
    requirement: str = ""


Rule = Callable[[Content], list[Wrong]]
_UNPRINTABLE = re.compile(rb"[^\x20-\x7e\r\n]")


def printable(content: Content) -> list[int]:
    """Positions of octets that are neither printable ASCII, SP, CR nor LF."""
    return [match.start() for match in _UNPRINTABLE.finditer(content.octets)]


class Shown(msgspec.Struct, frozen=True):
    """One thing that the wire shows and must not, or must and doesn't: who is to blame, and in which frames it shows."""

    side: str
    says: str
    expected: str
    observed: str
    requirement: str
    frames: tuple[int, ...] = ()


def of(wire: Wire, talk: str) -> list[Flow]:
    """The connections that speak this: ``smtp`` or ``ftp``."""
    return [flow for flow in wire.flows if flow.talk == talk]


def is_group(address: str) -> bool:
    """Whether it is a multicast group's, from where nothing can be sent (RFC 1122 3.2.1.3)."""
    return ipaddress.ip_address(address).is_multicast


def answered(flow: Flow) -> Iterable[tuple[Said, Said]]:
    """Each command, or whatever else a client said, with the first reply to it."""
    for said, reply in pairwise(flow.dialogue):
        if said.kind != REPLY and reply.kind == REPLY:
            yield said, reply


def spoken(said: Said, says: str, expected: str, observed: str, requirement: str) -> Shown:
    """What is wrong with one thing that was said."""
    return Shown(said.by, f"the {said.by}'s {said.text[:40]!r} {says}", expected, observed, requirement, (said.frame,))


def sent_datagram(requirement: str, says: str, wrong: Callable[[Datagram, Address], tuple[str, str] | None]) -> Always:
    """A rule on every datagram as it left its host; the first that breaks it is shown. ``says`` has a place for the role; ``wrong`` gets
    the datagram and the address that the client was given, and returns (expected, observed) or None.
    """

    def rule(wire: Wire, asked: Address) -> Iterable[Shown]:
        for d in wire.datagrams:
            found = wrong(d, asked) if d.left else None
            if found:
                yield Shown(d.by, says.format(d.by), *found, requirement, (d.number,))
                return

    return rule


Always = Callable[[Wire, Address], Iterable[Shown]]
"""A rule that every conversation is held to. It gets what the wire showed and the address that the client was given."""
Asked = Callable[[Wire, str, int], tuple[str, str] | None]
"""A rule that a spec asks for by name: the wire, the role that it looks at, a count; returns (expected, observed), or None if all is well."""
