"""RFC 3550, RTP and RTCP: what every stream must show of it on the wire, and what receivers must say of what arrived."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.judge.rules.base import Always, Content, Rule, Shown, Wrong
from harness.model.media import RATE, RATES, RR, SDES, SR, Block, Rtcp, Rtp, Statistics
from harness.model.wire import Address, Datagram, Wire

_RTP, _COMPOUND, _CNAME = "RFC3550-5.1-header", "RFC3550-6.1-compound", "RFC3550-6.1-cname"
_COUNTS, _LOST, _FRACTION = "RFC3550-6.4.1-sender-counts", "RFC3550-6.4.1-cumulative-lost", "RFC3550-6.4.1-fraction-lost"
_HIGHEST, _JITTER, _LSR, _DLSR = "RFC3550-6.4.1-extended-highest", "RFC3550-6.4.1-jitter", "RFC3550-6.4.1-lsr", "RFC3550-6.4.1-dlsr"
_INVALID_RTP, _INVALID_RTCP, _BYE = "RFC3550-A.1-invalid-ignored", "RFC3550-A.2-invalid-rtcp", "RFC3550-6.3.7-bye"
CHECKS = {
    _RTP: "the header, CSRC list, extension and padding of every RTP packet",
    _COMPOUND: "the packets of every RTCP datagram, and their lengths",
    _CNAME: "a CNAME in every RTCP datagram",
    _COUNTS: "packets and octets in every SR, against those that left before it",
    _LOST: "packets lost in every report block, against what arrived",
    _FRACTION: "the fraction lost in every report block, against what arrived since the one before",
    _HIGHEST: "the highest sequence number in every report block, against what arrived",
    _JITTER: "the jitter in every report block, against when packets arrived",
    _LSR: "the time of the last SR in every report block",
    _DLSR: "the delay since the last SR in every report block",
    _INVALID_RTP: "whether report blocks count what is no valid packet",
    _INVALID_RTCP: "whether report blocks speak of an SR that is none",
    _BYE: "whether report blocks go on with a source that has left",
}
_LATE = 0.02
"""Seconds that a receiver's own clock may add to when a packet came: it reads it when it is scheduled. Jitter may differ by that, and by
half of itself."""


def _media(wire: Wire) -> Iterator[tuple[Datagram, Rtp | Rtcp]]:
    for datagram in wire.datagrams:
        if datagram.media is not None:
            yield datagram, datagram.media


def _grammar(wire: Wire, _: Address) -> Iterable[Shown]:
    for datagram, media in _media(wire):
        if not datagram.left:
            continue
        if isinstance(media, Rtp):
            if media.problem:
                yield Shown(
                    datagram.by, f"an RTP packet of the {datagram.by}'s is malformed", "a whole packet", media.problem, _RTP, (datagram.number,)
                )
        elif media.problem:
            says = f"an RTCP datagram of the {datagram.by}'s is malformed"
            yield Shown(datagram.by, says, "a compound packet", media.problem, _COMPOUND, (datagram.number,))
        elif SDES not in media.kinds or media.ssrc not in media.cname:
            says = f"an RTCP datagram of the {datagram.by}'s tells no CNAME"
            yield Shown(datagram.by, says, "SR or RR, then SDES with a CNAME", ", ".join(map(str, media.kinds)), _CNAME, (datagram.number,))


def _sender(wire: Wire, _: Address) -> Iterable[Shown]:
    """Each SR counts what its source sent before it."""
    sent: dict[tuple[str, int], tuple[int, int]] = {}
    for datagram, media in _media(wire):
        if not datagram.left or media.problem:
            continue
        key = datagram.by, media.ssrc
        packets, octets = sent.get(key, (0, 0))
        if isinstance(media, Rtp):
            sent[key] = packets + 1, octets + media.octets
        elif media.kinds[0] == SR and (media.packets, media.octets) != (packets & 0xFFFFFFFF, octets & 0xFFFFFFFF):
            says, expected = f"an SR of the {datagram.by}'s counts something else than it sent", f"{packets} packets, {octets} octets"
            yield Shown(datagram.by, says, expected, f"{media.packets} packets, {media.octets} octets", _COUNTS, (datagram.number,))


class _Receiver:
    """What a receiver could know of one source: what arrived there, in that order; and what explains it if it reports something else."""

    def __init__(self, rate: int, explains: str) -> None:
        self.statistics = Statistics(rate)
        self.rate = rate
        self.report: tuple[int, int] | None = None
        self.explains = explains


def _receiver(wire: Wire, _: Address) -> Iterable[Shown]:
    """Each report block says what arrived before it. What a datagram brought counts from its arrival, and a report from when it left."""
    sources: dict[tuple[str, int], _Receiver] = {}
    left: set[tuple[str, int]] = set()
    for datagram, media in sorted(_media(wire), key=lambda one: one[0].t):
        if media.problem:
            for (sender, _ssrc), source in sources.items():
                if sender == datagram.by and datagram.arrived:
                    source.explains = _INVALID_RTP if isinstance(media, Rtp) else _INVALID_RTCP
            continue
        if isinstance(media, Rtp):
            if datagram.arrived:
                key = datagram.by, media.ssrc
                one = sources.setdefault(key, _Receiver(RATES.get(media.payload_type, RATE), _BYE if key in left else ""))
                one.statistics.take(media.sequence, media.timestamp, datagram.t / 1e6)
            continue
        for block in media.blocks if media.kinds[0] in (SR, RR) and datagram.left else ():
            known = sources.get(("client" if datagram.by == "server" else "server", block.ssrc))
            if known is not None:
                yield from _block(datagram, block, known)
        if media.kinds[0] == SR and datagram.arrived and (known := sources.get((datagram.by, media.ssrc))):
            known.report = media.ntp >> 16 & 0xFFFFFFFF, datagram.t
        for ssrc in media.bye if datagram.arrived else ():
            sources.pop((datagram.by, ssrc), None)
            left.add((datagram.by, ssrc))


def _block(datagram: Datagram, block: Block, known: _Receiver) -> Iterable[Shown]:
    statistics, by = known.statistics, datagram.by
    jitter = statistics.jitter
    lsr, at = known.report or (0, 0)
    waited = (datagram.t - at) / 1e6 if known.report else 0.0
    for what, right, wanted, got, requirement in (
        ("packets lost", block.lost == statistics.lost, statistics.lost, block.lost, _LOST),
        ("the fraction lost", block.fraction == (fraction := statistics.fraction()), fraction, block.fraction, _FRACTION),
        ("the highest sequence number", block.highest == statistics.highest & 0xFFFFFFFF, statistics.highest, block.highest, _HIGHEST),
        ("jitter", abs(block.jitter - jitter) <= jitter / 2 + _LATE * known.rate, f"about {jitter:.0f}", block.jitter, _JITTER),
        ("the last SR", block.lsr == lsr, f"{lsr:#x}", f"{block.lsr:#x}", _LSR),
        ("the delay since the last SR", block.dlsr <= (waited + 0.001) * 65536, f"at most {waited:.4f} s", f"{block.dlsr / 65536:.4f} s", _DLSR),
    ):
        if not right:
            says = f"a report block of the {by}'s tells another value of {what} than the wire shows"
            yield Shown(by, says, str(wanted), str(got), known.explains or requirement, (datagram.number,))


def _is_report(content: Content) -> list[Wrong]:
    """A datagram that reports reception: RR or SR with a block, then SDES. What the block says is held against the wire."""
    kinds = list(content.octets[1:2])
    if content.total < 32 or kinds not in ([RR], [SR]) or not content.octets[0] & 31:
        return [Wrong("RR with a report block, and SDES", f"{content.total} octets, type {kinds}")]
    return []


RULES: dict[str, Rule] = {"rtcp-report": _is_report}
ALWAYS: tuple[Always, ...] = (_grammar, _sender, _receiver)
