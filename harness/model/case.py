"""What is to be done: a scenario is a conversation with its parameters filled in, a case binds it to peers.

Both are frozen and say nothing of sockets, processes or files. ``plan`` makes them, ``run`` performs them,
``judge`` reads them again to know what was asked.
"""

from __future__ import annotations

import re
import sys
from functools import cached_property
from typing import Any

import msgspec

from harness.model import transports
from harness.model.files import Session
from harness.model.mail import Delivery, Message
from harness.model.media import Stream
from harness.model.names import Question, Response
from harness.model.payload import Payload, sha256
from harness.model.probe import Probe

FAMILIES = ("ipv4", "ipv6")
ROLES = ("client", "server")
NOBODY = ("nobody", "black-hole")
"""Instead of a service: a port where nobody listens, on the server's host; an address where no host is."""
REPORTED = {
    "connect": ("connected",), "accept": ("accepted",), "half-close": ("half-closed",), "close": ("closed",), "reset": ("reset", "closed"),
    "block": ("blocked",), "unblock": ("unblocked",), "join": ("joined",), "leave": ("left",),
}  # fmt: skip
"""What is reported of a script's step that went well."""
BURST = 106_496
"""Octets of datagrams that may be under way to one server at once: half of Linux's default socket buffer. UDP promises no delivery, so
what the harness itself made overflow would prove nothing about a peer."""
STALLED_MILLISECONDS = 50
"""So long a receiver may not run while others do."""
ABOUT_MEDIA = 100
"""Octets around the payload of a packet: header, CSRCs, an extension (RFC 3550 5.1)."""
QUEUES = BURST // 8
"""What a conversation over message queues takes of a server's room: eight at once."""
REPLYING = ("smtp", "ftp")
"""Services of commands and replies."""
SPOKEN = (*REPLYING, "dns", "rtp")
"""Services that a script speaks to in their own protocol, and that therefore count as that and not as its transport."""
_TELLING_MORE = frozenset({"signal", "descriptor", "credentials", "priority"})
"""Members of a script's step of which more is told than octets."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_.,:=@%+/-]")


class Check(msgspec.Struct, frozen=True):
    """What a script step must have been answered with: an ``expect`` of a spec, bound to step ``at``.

    ``octets`` is the exact content; ``rule`` names a content rule of ``judge/rules``; ``line`` is a regular expression
    that fits the whole line; ``codes`` are those that a reply may have;
    ``responses``: those of a name server; ``end`` asks for the
    other side's FIN after it; ``quiet`` asks for silence; ``any_order`` compares datagrams as a set. ``fails``: the step must fail, with one of
    these errors of the contract; then it is the last. ``descriptor``: what a
    descriptor that comes with it must hold; ``priority``: that of the message; ``signals``: which must be delivered, each with its value,
    in that order.
    """

    at: int
    octets: Payload | None = None
    rule: str | None = None
    line: str | None = None
    codes: tuple[str, ...] = ()
    responses: tuple[Response, ...] = ()
    size: int | None = None
    end: bool = False
    quiet: bool = False
    count: int = 1
    any_order: bool = False
    descriptor: Payload | None = None
    priority: int | None = None
    signals: tuple[tuple[str, int | None], ...] = ()
    fails: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()


class WireCheck(msgspec.Struct, frozen=True):
    """What the wire must show: a wire rule of ``judge/rules``, and the role that it looks at. ``count`` is what the rule makes of it."""

    rule: str
    by: str
    count: int = 1
    requires: tuple[str, ...] = ()


Told = tuple[str, int | None, str | None]
"""A reported step, as far as a script decides it: its name, octets and digest."""


class Script(msgspec.Struct, frozen=True, dict=True):
    """One side's steps at the socket interface, as the contract's ``script`` command takes them."""

    role: str
    steps: tuple[dict[str, Any], ...]
    checks: tuple[Check, ...] = ()
    reading: str = "eager"

    @cached_property
    def sent(self) -> tuple[tuple[int, Payload], ...]:
        """All payloads this side is told to send, in order, with the number of their step."""
        return tuple(
            (at, payload.successor(k))
            for at, step in enumerate(self.steps)
            if step["do"] == "send" and "payload" in step
            for payload in (msgspec.convert(step["payload"], Payload),)
            for k in range(step.get("count", 1))
        )

    @cached_property
    def stream(self) -> tuple[int, str]:
        """Length and digest of all that this side is told to send, as one stream."""
        octets = b"".join(payload.octets() for _, payload in self.sent)
        return len(octets), sha256(octets)

    @cached_property
    def faultless(self) -> tuple[Told, ...] | None:
        """The one report that fits this script, if its checks leave no choice; else None."""
        told: list[Told] = []
        checks = {check.at: check for check in self.checks}
        if any(check.fails for check in self.checks):
            return None
        for at, step in enumerate(self.steps):
            if step.keys() & _TELLING_MORE:
                return None
            if step["do"] == "send":
                told += [("sent", *p.measure()) for n, p in self.sent if n == at]
            elif step["do"] == "receive":
                check = checks.get(at)
                if check is None or check.octets is None or check.any_order:
                    return None
                wanted = [check.octets.successor(k) for k in range(check.count)]
                told += [("received", *w.measure()) for w in wanted]
                told += [("end", None, None)] if check.end else []
            elif step["do"] in REPORTED:
                told += [(name, None, None) for name in REPORTED[step["do"]]]
        return (*told, *(() if told and told[-1][0] == "closed" else (("closed", None, None),)))


class Answer(msgspec.Struct, frozen=True):
    """What a response must be: ``body`` is a payload, ``"same"`` (the request's content) or None (no content)."""

    status: int
    fields: tuple[tuple[str, str], ...] = ()
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    body: Payload | str | None = None
    body_stated: bool = False
    requires: tuple[str, ...] = ()


class Exchange(msgspec.Struct, frozen=True):
    """One HTTP request, as the contract's ``ask`` takes it, and the response that must come."""

    request: dict[str, Any]
    body: Payload | None
    answer: Answer


def _room(octets: int) -> int:
    """What a datagram takes of Linux's socket buffer: each fragment of at most 1480 octets is kept in memory whose size is a power of two, with
    what the kernel writes beside it.
    """
    whole, rest = divmod(octets + 8, 1480)
    return 2304 * whole + (256 + (1 << (rest + 436 - 1).bit_length()) if rest else 0)


class Scenario(msgspec.Struct, frozen=True, dict=True):
    """A conversation with its parameters filled in: all that does not depend on who holds it.

    Exactly one of ``client`` (a script), ``exchanges`` (HTTP), ``messages`` (SMTP), ``session`` (FTP), ``stream`` (RTP) and ``questions`` (DNS) is
    there; ``arrives``: the messages that a client's script leaves at the server. ``carried``: the role that is put to the test, while any one peer
    will do for the other. ``probe``: one side is put to the test, the other only carries the octets; ``control`` is what the same side must
    be able to do. The server is a service that is shared by many cases, or, where ``server`` is there, a script of its own, or (``NOBODY``)
    there is none. ``times``: so often it is held, one after the other, the server's script on the same port each time; the last one is the
    evidence, or the first that fails. ``clients``: so many hold the client's script at once; the server's steps are gone through once for
    each of them. ``backlog``: what its listener is given.

    ``place``: on two hosts joined by a wire, or on one ``machine``; there ``shares`` says what the two processes must have in common,
    ``at`` another address of the loopback than its first, ``abstract`` that the name is in no folder; ``room`` and ``joined`` are the
    contract's (``peers/machine.md``). ``source``, ``hops``: of multicast, whom alone a server listens to (the ``client`` or some ``other``),
    and how far a client's datagrams go.
    """

    key: str
    says: str
    requires: tuple[str, ...]
    transport: str
    service: str
    client: Script | None = None
    server: Script | None = None
    exchanges: tuple[Exchange, ...] = ()
    messages: tuple[Delivery, ...] = ()
    session: Session | None = None
    stream: Stream | None = None
    questions: tuple[Question, ...] = ()
    arrives: tuple[Message, ...] | None = None
    carried: str = ""
    connections: int | None = None
    probe: Probe | None = None
    control: Scenario | None = None
    wire: tuple[WireCheck, ...] = ()
    families: tuple[str, ...] = FAMILIES
    deadline: int = 10_000
    times: int = 1
    clients: int = 1
    backlog: int | None = None
    place: str = "wire"
    shares: str = ""
    at: str = ""
    abstract: bool = False
    room: dict[str, int] | None = None
    joined: bool = False
    source: str = ""
    hops: int | None = None
    origin: str = ""

    @cached_property
    def burst(self) -> int:
        """What its datagrams may take of a receiver's socket buffer at once, in octets of kernel memory; 0 over TCP.

        Signals are a process's own, so that a conversation of signals takes all that there is room for; and of what a user may keep in
        message queues (RLIMIT_MSGQUEUE) each takes a part. A stream of media sends a packet at a time: so many lie there as
        come while the receiver does not run.
        """
        if self.transport == "signal":
            return sys.maxsize // 2
        if self.transport == "message-queue":
            return QUEUES
        if self.stream is not None:
            return self.stream.within(STALLED_MILLISECONDS) * _room(self.stream.payload.length() + ABOUT_MEDIA)
        if self.transport not in transports.DATAGRAMS or self.client is None:
            return 0
        return sum(_room(p.length()) for _, p in self.client.sent)

    @property
    def client_ability(self) -> str:
        """What the client peer must declare."""
        if self.client:
            return f"script client/{self.transport}"
        return f"ask {self.asks}/{self.transport}"

    @property
    def asks(self) -> str:
        """What a client that is no script speaks."""
        return "smtp" if self.messages else "ftp" if self.session else "rtp" if self.stream else "dns" if self.questions else "http"

    @property
    def tested(self) -> str:
        """The role that is put to the test alone, so that one peer in the other is enough; empty where both are."""
        return self.probe.of if self.probe else self.carried

    @property
    def client_knows(self) -> tuple[str, ...]:
        """Abilities of which a client that only carries it must have one: who neither serves nor asks what replies need not know what a reply is."""
        return tuple(f"{does} {of}/tcp" for of in REPLYING for does in ("ask", "serve")) if self.client and self.service in REPLYING else ()

    @property
    def server_ability(self) -> str:
        """What the server peer must declare; nothing where nobody serves."""
        if self.service in NOBODY:
            return ""
        return f"script server/{self.transport}" if self.server else f"serve {self.service}/{self.transport}"

    @cached_property
    def waits(self) -> int:
        """Milliseconds that its scripts take of their own accord, whoever holds it; of a probe, what its patience may cost."""
        scripts = [s for s in (self.client, self.server) if s]
        own = max((sum(step.get(m, 0) for step in s.steps for m in ("ms", "quiet", "within")) for s in scripts), default=0)
        return self.stream.lasts if self.stream else own * self.times

    @property
    def talk(self) -> str:
        """What its octets are, native or probing, where the witness reads that: ``http``, ``smtp``, ``ftp``, ``rtp`` or nothing."""
        return "http" if self.speaks_http else self.mechanism if self.mechanism in (*REPLYING, "rtp") else ""

    @property
    def speaks_http(self) -> bool:
        """Whether its octets are HTTP's, native or probing."""
        return self.service == "http" or self.probe is not None

    @property
    def protocol(self) -> str:
        """The heading under which a report counts it: http, tcp, udp, or the probes of one side."""
        if self.probe:
            return f"http-{self.probe.of}-probes"
        return "machine" if self.place == "machine" else self.mechanism

    @property
    def mechanism(self) -> str:
        """What it is about: a protocol of the network, or a means of one machine."""
        if self.place == "machine" and self.transport in transports.NETWORKED:
            return f"loopback-{self.transport}"
        if self.speaks_http:
            return "http"
        if self.client is None or self.service in SPOKEN:
            return self.asks if self.client is None else self.service
        return self.transport


class Case(msgspec.Struct, frozen=True):
    """A scenario bound to two peers and an address family; ``attempt`` counts repeats from 1."""

    scenario: Scenario
    client: str
    server: str
    family: str
    attempt: int = 1
    unsupported: str = ""

    @property
    def id(self) -> str:
        """Stable and safe in a shell: letters, digits and ``_.,:=@%+/-`` only; repeats end in ``/run=N``."""
        base = f"{self.scenario.key}/client={self.client}/server={self.server}/{self.family}"
        return base if self.attempt == 1 else f"{base}/run={self.attempt}"


def safe(text: str) -> str:
    """Text as it may stand in a case id: whatever a shell or a file system could take amiss becomes ``_``."""
    return _UNSAFE.sub("_", text)
