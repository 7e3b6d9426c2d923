"""RTP and RTCP packets read (RFC 3550), told apart as RFC 5761 4 has it. Any octets in, values out: nothing here raises."""

from __future__ import annotations

import hashlib
import struct

from harness.model.media import BYE, RR, SDES, SR, Block, Media, Rtcp, Rtp

_VERSION = 2
_CNAME = 1
_block = struct.Struct("!IB3sIIII").iter_unpack


def read(octets: bytes) -> Media:
    """The packet in a datagram; one that is none says why."""
    if len(octets) >= 2 and 192 <= octets[1] <= 223:
        return _rtcp(octets)
    return _rtp(octets)


def _rtp(octets: bytes) -> Rtp:
    if len(octets) < 12 or octets[0] >> 6 != _VERSION:
        return Rtp(problem="shorter than a header" if len(octets) < 12 else f"version {octets[0] >> 6}")
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", octets)
    count = first & 15
    start, end = 12 + 4 * count, len(octets)
    if first & 0x10 and start + 4 <= end:
        start += 4 + 4 * int.from_bytes(octets[start + 2 : start + 4], "big")
    elif first & 0x10:
        start = end + 1
    padding = octets[-1] if first & 0x20 else 0
    if start + padding > end or (first & 0x20 and not padding):
        return Rtp(problem="CSRC list, extension or padding longer than the packet")
    csrc = struct.unpack_from(f"!{count}I", octets, 12)
    payload = octets[start : end - padding]
    return Rtp(ssrc, second & 0x7F, sequence, timestamp, bool(second & 0x80), csrc, len(payload), hashlib.sha256(payload).hexdigest())


def _rtcp(octets: bytes) -> Rtcp:
    kinds: list[int] = []
    told: dict[str, object] = {}
    cname: list[int] = []
    bye: list[int] = []
    start = 0
    while start + 4 <= len(octets):
        first, kind = octets[start], octets[start + 1]
        end = start + 4 + 4 * int.from_bytes(octets[start + 2 : start + 4], "big")
        if first >> 6 != _VERSION or end > len(octets):
            return Rtcp(tuple(kinds), problem="lengths that do not add up" if end > len(octets) else f"version {first >> 6}")
        body = octets[start + 4 : end]
        if not kinds:
            if kind not in (SR, RR) or first & 0x20:
                return Rtcp((kind,), problem="the first packet is neither SR nor RR, or is padded")
            told = _report(kind, first & 31, body)
        elif kind == SDES:
            cname += _chunks(first & 31, body)
        elif kind == BYE:
            bye += struct.unpack_from(f"!{min(first & 31, len(body) // 4)}I", body)
        kinds.append(kind)
        start = end
    if start != len(octets) or not kinds or told is None:
        return Rtcp(tuple(kinds), problem="lengths that do not add up")
    return Rtcp(tuple(kinds), **told, cname=tuple(cname), bye=tuple(bye))  # type: ignore[arg-type]


def _report(kind: int, count: int, body: bytes) -> dict[str, object]:
    """The members of an SR or RR; what is too short for its blocks has none."""
    head = 24 if kind == SR else 4
    if len(body) < head + 24 * count:
        return {"problem": "report blocks longer than the packet"}
    told: dict[str, object] = {"ssrc": int.from_bytes(body[:4], "big")}
    if kind == SR:
        ntp, rtp, packets, sent = struct.unpack_from("!QIII", body, 4)
        told |= {"ntp": ntp, "rtp": rtp, "packets": packets, "octets": sent}
    blocks = (
        Block(ssrc, fraction, int.from_bytes(lost, "big", signed=True), highest, jitter, lsr, dlsr)
        for ssrc, fraction, lost, highest, jitter, lsr, dlsr in _block(body[head : head + 24 * count])
    )
    return {**told, "blocks": tuple(blocks)}


def _chunks(count: int, body: bytes) -> list[int]:
    """The sources whose CNAME an SDES tells (6.5)."""
    found: list[int] = []
    place = 0
    for _ in range(count):
        ssrc, place = int.from_bytes(body[place : place + 4], "big"), place + 4
        while place + 1 < len(body) and body[place]:
            if body[place] == _CNAME and body[place + 1] and place + 2 + body[place + 1] <= len(body):
                found.append(ssrc)
            place += 2 + body[place + 1]
        place = (place // 4 + 1) * 4
    return found
