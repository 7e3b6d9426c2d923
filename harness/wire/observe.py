"""From captured frames to facts: one TCP connection's course, or the datagrams of one client. Sans-IO, bounded, never raises on any frame.

Owns what is a fact and in which frame it shows. Knows no peer, no report and no requirement: whether a fact is right is the judge's.
"""

from __future__ import annotations

import hashlib
import ipaddress
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from harness.model.wire import SHOWN_FRAMES, Address, Datagram, Flow, Frame, Sent, Slice, Unreachable
from harness.wire import checksum, packet, rtp
from harness.wire.fragments import Fragments
from harness.wire.packet import ACK, FIN, PSH, RST, SYN, Packet
from harness.wire.stream import Stream

Entry = tuple[int, bool, bytes]
"""A captured frame: microseconds on the harness's clock, whether it left its host (else it arrived there), its octets."""
_IDLE = 400_000
"""Microseconds of silence before a segment that only asks for an answer can be a keep-alive."""
_MSS, _SCALE = 2, 3
_TIMESTAMPS = b"\x01\x01\x08\x0a"
"""How options begin that are nothing but timestamps, as Linux writes them: no other segment needs a closer look (RFC 7323 3.2)."""
_UNREACHABLE = {(1, 3, 3): "port", (1, 3, 1): "host", (1, 3, 0): "network", (58, 1, 4): "port", (58, 1, 3): "host", (58, 1, 0): "network"}
_MARKS = 4096
_EACH, _EVERY = 256, 16
"""Checksums are computed for so many frames at the beginning of a connection, then for every so-manieth, and for all but plain data."""


@lru_cache(maxsize=4096)
def packed(address: str) -> bytes:
    """The address as it stands in a header."""
    return ipaddress.ip_address(address).packed


@lru_cache(maxsize=4096)
def shown(address: bytes) -> str:
    """The address as people write it."""
    return str(ipaddress.ip_address(address)) if len(address) in (4, 16) else ""


class Side:
    """One side of a connection, followed frame by frame."""

    __slots__ = (
        "acked",
        "after_fin",
        "bad_checksum",
        "conflict",
        "edge",
        "edge_left",
        "ends",
        "fin",
        "fin_acked",
        "fin_time",
        "idle",
        "keepalive",
        "last",
        "malformed",
        "malformed_why",
        "marks",
        "mss",
        "next",
        "origin",
        "other",
        "probed",
        "reopened",
        "rst",
        "scale",
        "segments",
        "slow",
        "slow_frame",
        "stream",
        "syns",
        "window",
        "zero",
    )

    def __init__(self) -> None:
        self.stream = Stream()
        self.other: Side
        self.origin: int | None = None
        self.next = 0
        """The sequence number after the last one sent, counted from the SYN."""
        self.acked = 0
        """What this side has acknowledged of the other's, counted likewise."""
        self.marks: list[tuple[int, int, int]] = []
        """For the first segments with new octets: how many octets there are with it, when it left, its frame."""
        self.ends: deque[tuple[int, int]] = deque()
        self.syns: list[int] = []
        self.mss: int | None = None
        self.scale = -1
        self.window = -1
        self.edge = -1
        self.fin_acked = False
        self.segments = self.probed = self.slow = 0
        self.fin = self.rst = self.after_fin = self.bad_checksum = self.malformed = self.conflict = 0
        self.fin_time = self.last = self.idle = 0
        self.slow_frame = self.edge_left = self.keepalive = self.zero = 0
        self.malformed_why = ""
        self.reopened = -1

    def take(self, number: int, t: int, frame: bytes, p: Packet) -> tuple[int, str]:
        """Follows one segment; returns its sequence number counted from the SYN, and a word for the ladder."""
        problem = p.problem or (_options_problem(p.options) if p.options else "")
        if problem and not self.malformed:
            self.malformed, self.malformed_why = number, problem
        looked_at = number <= _EACH or p.flags & ~(ACK | PSH) or not number % _EVERY
        if looked_at and not checksum.surely_right(frame, p) and (checksum.transport(frame, p) == "bad" or checksum.header_ok(frame, p) is False):
            self.bad_checksum = self.bad_checksum or number
            return self.relative(p.seq), "bad checksum"
        if self.origin is None:
            self.origin = p.seq if p.flags & SYN else (p.seq - 1) & 0xFFFFFFFF
        if p.flags & SYN:
            self._syn(t, p)
        at = self.relative(p.seq)
        if p.flags & RST:
            self.rst = self.rst or number
            return at, ""
        note = self._octets(number, t, frame, p, at)
        if p.flags & ACK:
            self._acknowledge(number, t, p)
        return at, note

    def left_at(self, place: int) -> tuple[int, int]:
        """When the octet at that place of the stream left, and in which frame; of one beyond all marks, the last."""
        found = bisect_right(self.marks, place, key=lambda mark: mark[0])
        _, t, number = self.marks[min(found, len(self.marks) - 1)] if self.marks else (0, 0, 0)
        return t, number

    def relative(self, seq: int) -> int:
        """Counted from this side's SYN, negative just before it."""
        distance = (seq - (self.origin or 0)) & 0xFFFFFFFF
        return distance if distance < 0xC0000000 else distance - 0x100000000

    def _syn(self, t: int, p: Packet) -> None:
        self.syns.append(t)
        for kind, value in packet.tcp_options(p.options):
            if kind == _MSS and len(value) == 2:
                self.mss = int.from_bytes(value, "big")
            elif kind == _SCALE and len(value) == 1:
                self.scale = min(value[0], 14)

    def _octets(self, number: int, t: int, frame: bytes, p: Packet, at: int) -> str:
        size = p.data_end - p.data_start
        if not size and not p.flags & (SYN | FIN):
            return self._bare(number, at)
        if self.other.window == 0 and size:
            self.probed += 1
        conflicts = self.stream.conflicts
        word = self.stream.add(p.seq, frame[p.data_start : p.data_end], syn=bool(p.flags & SYN), fin=bool(p.flags & FIN))
        if self.stream.conflicts > conflicts:
            self.conflict = self.conflict or number
        if p.flags & FIN:
            self.fin, self.fin_time = (self.fin, self.fin_time) if self.fin else (number, t)
        end = at + size + bool(p.flags & SYN) + bool(p.flags & FIN)
        if word == "beyond-fin":
            self.after_fin = self.after_fin or number
        elif end > self.next:
            self.next = end
            if size:
                self.segments += 1
                self.last = t
                self.ends.append((end, t))
                if len(self.marks) < _MARKS:
                    self.marks.append((end - 1, t, number))
        elif size == 1 and at == self.next - 1 and self.other.acked >= self.next and self.other.window and self.idle >= _IDLE:
            self.keepalive = self.keepalive or number
        return "sent again" if word in ("again", "partly-again") else "" if word in ("new", "empty") else word

    def _bare(self, number: int, at: int) -> str:
        """A segment without data: one that repeats an old sequence number only asks for an answer (RFC 9293 3.8.4, 3.8.6.1)."""
        if self.fin or at != self.next - 1 or self.other.acked < self.next:
            return ""
        if self.other.window == 0:
            self.probed += 1
            return "window probe"
        if self.idle < _IDLE:
            return ""  # an acknowledgement that another processor sent a moment too late
        self.keepalive = self.keepalive or number
        return "keep-alive"

    def _acknowledge(self, number: int, t: int, p: Packet) -> None:
        other = self.other
        ack = other.relative(p.ack)
        if ack > self.acked:
            self.acked = ack
        while other.ends and other.ends[0][0] <= ack:
            waited = t - other.ends.popleft()[1]
            if waited > self.slow:
                self.slow, self.slow_frame = waited, number
        if other.fin and ack >= other.next:
            other.fin_acked = True
        self._offer(number, ack, p)

    def _offer(self, number: int, ack: int, p: Packet) -> None:
        """The window offered with this segment (RFC 9293 3.8.6, RFC 7323 2.3)."""
        scale = self.scale if self.scale > 0 and self.other.scale >= 0 and not p.flags & SYN else 0
        self.window = p.window << scale
        if self.window == 0:
            self.zero = self.zero or number
        elif self.zero and self.reopened < 0:
            self.reopened = self.window
        edge = ack + self.window
        if edge > self.edge:
            self.edge = edge
        elif edge + (1 << scale) <= self.edge:
            self.edge_left = self.edge_left or number

    def facts(self, cuts: Iterable[Sequence[int]]) -> Sent:
        """What is known of this side; ``cuts``: for each report, the lengths of the pieces that it tells of."""
        stream = self.stream
        digest = stream.digest()
        return Sent(
            octets=stream.octets,
            digest=digest,
            slices=_slices(stream, digest, cuts),
            whole=not stream.holes and not stream.capped,
            syn_times=tuple(self.syns),
            mss=self.mss,
            last_octet=self.last,
            fin_frame=self.fin,
            fin_time=self.fin_time,
            fin_acked=self.fin_acked,
            rst_frame=self.rst,
            segments=self.segments,
            again=stream.again,
            conflict_frame=self.conflict,
            after_fin_frame=self.after_fin,
            bad_checksum_frame=self.bad_checksum,
            malformed_frame=self.malformed,
            malformed=self.malformed_why,
            slowest_ack=self.slow,
            slowest_ack_frame=self.slow_frame,
            edge_moved_left_frame=self.edge_left,
            keepalive_frame=self.keepalive,
            zero_window_frame=self.zero,
            reopened_with=self.reopened,
            probed=self.probed,
        )


_NOBODY = Side()


def _options_problem(options: bytes) -> str:
    """What is wrong with the lengths of TCP options (RFC 9293 3.1); empty if nothing is."""
    if len(options) == 12 and options[:4] == _TIMESTAMPS:
        return ""
    at, end = 0, len(options)
    while at < end and options[at]:
        size = 1 if options[at] == 1 else options[at + 1] if at + 1 < end else 0
        if at + size > end or (size < 2 and options[at] != 1):
            return f"TCP option {options[at]} says {size} octets for itself and {end - at} are there"
        at += size
    return ""


def _slices(stream: Stream, digest: str, cuts: Iterable[Sequence[int]]) -> tuple[Slice, ...]:
    """The pieces of a stream that reports tell of, as far as the stream has them."""
    wanted: dict[tuple[int, int], None] = {}
    for lengths in cuts:
        start = 0
        for length in lengths:
            if start + length <= stream.octets:
                wanted[start, length] = None
            start += length
    if wanted.keys() <= {(0, stream.octets)}:
        return tuple(Slice(start, length, digest) for start, length in wanted)
    octets = stream.data()
    whole = (0, stream.octets)
    return tuple(
        Slice(start, length, digest if (start, length) == whole else hashlib.sha256(octets[start : start + length]).hexdigest())
        for start, length in wanted
    )


class Followed(NamedTuple):
    """A connection that was followed to its end, and what there is to read in it."""

    flow: Flow
    frames: list[Frame]
    client: Side
    server: Side


def flow(
    entries: Sequence[Entry],
    client: Address,
    server: Address,
    client_cuts: Iterable[Sequence[int]] = (),
    server_cuts: Iterable[Sequence[int]] = (),
    *,
    shown: bool = True,
) -> Followed:
    """One connection's course, the frames of it that a ladder shows (the first and the last), and both sides with what they sent.

    ``entries``: its frames in the order of time, only those that left their hosts.
    """
    sides = {"client": Side(), "server": Side()}
    sides["client"].other, sides["server"].other = sides["server"], sides["client"]
    from_client = (packed(client[0]), client[1])
    frames: list[Frame] = []
    established, before = False, 0
    middle = range(SHOWN_FRAMES - SHOWN_FRAMES // 4 + 1, len(entries) - SHOWN_FRAMES // 4 + 1)
    for number, (t, _, octets) in enumerate(entries, 1):
        p = packet.decode(octets)
        if p.protocol != packet.TCP:
            frames.append(_other(number, t, "client" if p.source == from_client[0] else "server", p))
            continue
        by = "client" if (p.source, p.source_port) == from_client else "server"
        side = sides[by]
        side.idle, before = t - before, t
        at, note = side.take(number, t, octets, p)
        established = established or (by == "client" and not p.flags & (SYN | RST) and bool(side.syns and side.other.syns))
        if not shown or number in middle:
            continue
        ack = side.other.relative(p.ack) if p.flags & ACK else 0
        frames.append(Frame(number, t, by, "tcp", packet.flags_text(p.flags), at, ack, p.data_end - p.data_start, p.window, note or p.problem))
    first, second = sides["client"], sides["server"]
    settled = bool(first.rst or second.rst or (first.fin_acked and second.fin_acked))
    seen = Flow(client, server, first.facts(client_cuts), second.facts(server_cuts), established, settled)
    first.other = second.other = _NOBODY  # no circle is left behind for the collector
    return Followed(seen, frames, first, second)


def _other(number: int, t: int, by: str, p: Packet) -> Frame:
    kind = "icmp" if p.icmp_type >= 0 else "udp" if p.protocol == packet.UDP else "arp" if p.ethertype == 0x0806 else "other"
    return Frame(number, t, by, kind, note=p.problem)


class _Found(msgspec.Struct):
    """A datagram on its way to being known."""

    number: int
    t: int
    frame: bytes
    packet: Packet
    left: bool
    arrived: bool
    fragments: int


def datagrams(entries: Sequence[Entry], client: Address, talk: str = "") -> tuple[tuple[Datagram, ...], tuple[Unreachable, ...], list[Frame]]:
    """The datagrams from and to ``client`` (address and port), the errors about them, and all frames for the ladder. ``talk``: what they
    hold is read, too, where it is ``rtp``.
    """
    host, port = packed(client[0]), client[1]
    found: list[_Found] = []
    on_the_way: dict[bytes, list[_Found]] = {}
    together = {True: Fragments(), False: Fragments()}
    pieces: dict[tuple[bool, bytes, int], int] = {}
    errors: list[Unreachable] = []
    frames: list[Frame] = []
    number = 0
    for t, left, octets in entries:
        p = packet.decode(octets)
        number += left
        by = "client" if p.source == host and (p.source_port == port or p.protocol != packet.UDP) else "server"
        if p.icmp_type >= 0:
            if left:
                frames.append(Frame(number, t, by, "icmp", note=f"type {p.icmp_type} code {p.icmp_code}"))
                _error(number, t, by, octets, p, errors)
            continue
        whole, count = octets, 1
        if p.fragment is not None:
            if left:
                frames.append(Frame(number, t, by, "fragment", octets=p.data_end - p.data_start, note=f"at {p.fragment[1]}"))
            place = (left, p.source, p.fragment[0])
            count = pieces[place] = pieces.get(place, 0) + 1
            complete = together[left].add(octets, p)
            if complete is None:
                continue
            whole = complete
            p = packet.decode(whole)
            by = "client" if (p.source, p.source_port) == (host, port) else "server"
        if p.protocol != packet.UDP:
            if left:
                frames.append(_other(number, t, by, p))
            continue
        if left:
            frames.append(Frame(number, t, by, "udp", octets=p.data_end - p.data_start, note=p.problem))
            one = _Found(number, t, whole, p, True, False, count)
            found.append(one)
            on_the_way.setdefault(whole, []).append(one)
        else:
            waiting = on_the_way.get(whole)
            if waiting:
                waiting.pop(0).arrived = True
            else:
                found.append(_Found(number, t, whole, p, False, True, count))
    return tuple(_datagram(one, host, port, talk) for one in found), tuple(errors), frames


def _datagram(one: _Found, host: bytes, port: int, talk: str) -> Datagram:
    p, frame = one.packet, one.frame
    by = "client" if (p.source, p.source_port) == (host, port) else "server"
    whole = p.ip_end - p.transport_start == p.length
    octets = frame[p.data_start : p.data_end if whole else p.ip_end]
    state = checksum.transport(frame, p) if whole else "unknown"
    source, destination = (shown(p.source), p.source_port), (shown(p.destination), p.destination_port)
    digest = hashlib.sha256(octets).hexdigest()
    hops = frame[22] if len(p.source) == 4 else frame[21]
    media = rtp.read(octets) if talk == "rtp" else None
    return Datagram(
        one.number, one.t, by, len(octets), digest, source, destination, state, p.length, one.left, one.arrived, one.fragments, hops, media
    )  # fmt: skip


def _error(number: int, t: int, by: str, octets: bytes, p: Packet, errors: list[Unreachable]) -> None:
    about = packet.quoted(octets, p)
    if about is None:
        return
    what = _UNREACHABLE.get((p.protocol, p.icmp_type, p.icmp_code), "other")
    source, destination = (shown(about.source), about.source_port), (shown(about.destination), about.destination_port)
    errors.append(Unreachable(number, t, by, what, source, destination))
