"""What native senders and receivers of RTP did: the stream that was to be sent, what the receiver found, and what was reported back (RFC 3550)."""

from __future__ import annotations

from harness.judge.base import Findings, amount, at, failure, first
from harness.model.case import Case
from harness.model.media import SR, Block, Rtcp, Rtp, Stream, same_packets
from harness.model.result import CONTRACT, DISAGREE, MISREPORT, NONCONFORMANT
from harness.model.trace import Step, Trace

_HEADER = "RFC3550-5.1-header"


def judge(case: Case, trace: Trace, findings: Findings) -> None:
    """Adds what is wrong with a stream and the reports on it."""
    stream = case.scenario.stream
    assert stream is not None
    watched = not trace.wire.absent and bool(trace.wire.datagrams)
    if watched:
        _sent(stream, trace, findings)
    if findings:
        return
    _reported(stream, trace, watched=watched, findings=findings)
    if not findings:
        _found(stream, trace, watched=watched, findings=findings)


def _sent(stream: Stream, trace: Trace, findings: Findings) -> None:
    """The RTP packets that left the client are those that it was told to send."""
    left = [(d, d.media) for d in trace.wire.datagrams if d.by == "client" and d.left]
    seen = [media for _, media in left if isinstance(media, Rtp)]
    wanted = [stream.packet(number) for number in stream.order]
    place = same_packets(seen, wanted)
    if place < 0 or any(one.problem for one in seen):
        return  # what is no packet is a rule's matter
    if first(trace.client.steps, "failed") is not None and place == len(seen):
        return  # it broke off, and says so
    says = f"packet {place + 1} that leaves the client is not the one that it was to send"
    expected, observed = (_words(packets[place]) if place < len(packets) else "none" for packets in (wanted, seen))
    frames = tuple(f"frame {d.number}" for d, media in left if isinstance(media, Rtp))
    findings.add(NONCONFORMANT, "client", says, expected, observed, requirement=_HEADER, evidence=frames[place : place + 1])


def _words(packet: Rtp) -> str:
    more = (", marked" if packet.marker else "") + (f", {len(packet.csrc)} CSRCs" if packet.csrc else "")
    return f"number {packet.sequence}, timestamp {packet.timestamp}, type {packet.payload_type}, {amount(packet.octets, packet.digest)}{more}"


def _reported(stream: Stream, trace: Trace, *, watched: bool, findings: Findings) -> None:
    """As many reports came back as were asked for, and say what arrived; the client tells of them as they are."""
    steps = trace.client.steps
    told = [(i, s) for i, s in enumerate(steps) if s.step == "report"]
    failed = next((i for i, s in enumerate(steps) if s.step == "failed"), None)
    wanted = stream.blocks()
    if failed is not None:
        evidence = (at("client", failed),)
        asked = sum(isinstance(d.media, Rtcp) and d.media.kinds[:1] == (SR,) for d in trace.wire.datagrams if d.by == "client")
        side = "server" if asked or not watched else "client"
        says = "a report that was asked for did not come"
        findings.add(NONCONFORMANT, side, says, f"{len(wanted)} reports", f"{len(told)}, then: {failure(steps[failed])}", evidence=evidence)
        return
    seen = [block for d in trace.wire.datagrams if d.by == "server" and d.arrived and isinstance(d.media, Rtcp) for block in d.media.blocks]
    if watched and [_block(s) for _, s in told] != seen:
        findings.add(MISREPORT, "client", "the client tells of other report blocks than came", _list(seen), _list([_block(s) for _, s in told]))
    elif len(told) != len(wanted):
        side = "client" if not told and not watched else "server"
        findings.add(NONCONFORMANT, side, "another number of reports came than was asked for", str(len(wanted)), str(len(told)))
    elif not watched:
        for block, (place, step) in zip(wanted, told, strict=True):
            got = _block(step)
            if (got.fraction, got.lost, got.highest) != (block.fraction, block.lost, block.highest):
                says = "the receiver reports something else than was sent to it"
                findings.add(DISAGREE, "both", says, _list([block]), _list([got]), evidence=(at("client", place),))


def _block(step: Step) -> Block:
    return Block(
        step.ssrc or 0, step.fraction or 0, step.lost or 0, step.highest or 0, step.jitter or 0, step.lsr or 0, step.dlsr or 0
    )  # fmt: skip


def _list(blocks: list[Block]) -> str:
    return "; ".join(f"{b.lost} lost, {b.fraction}/256, highest {b.highest}, jitter {b.jitter}" for b in blocks) or "none"


def _found(stream: Stream, trace: Trace, *, watched: bool, findings: Findings) -> None:
    """What the server tells of the stream when it is over."""
    told = [s for c in trace.server.connections for s in c.steps if s.step == "stream"]
    kind, side = (NONCONFORMANT, "server") if watched else (DISAGREE, "both")
    if len(told) != 1:
        findings.add(CONTRACT, "server", "the server tells of another number of streams than ended", "1", str(len(told)))
        return
    step, last, content = told[0], stream.blocks()[-1], stream.content()
    arrived = sum(isinstance(d.media, Rtp) and d.arrived for d in trace.wire.datagrams) if watched else len(stream.order)
    if arrived != len(stream.order):
        return  # the network lost some: the rules look at what the reports say of that
    for what, wanted, got in (
        ("source", stream.told["ssrc"], step.ssrc),
        ("number of packets", len(stream.order), step.packets),
        ("number of packets lost", last.lost, step.lost),
        ("highest sequence number", last.highest, step.highest),
    ):
        if wanted != got:
            findings.add(kind, side, f"the server tells another {what} of the stream", str(wanted), str(got))
    if not findings:
        findings.content(kind, side, "the server puts other octets together than the stream carried", content, step)
