"""Promises that hold for arbitrary octets: no exception but the documented one, every cap and every order of offsets kept.

Used by hypothesis (``test_wire_any_octets.py``) and by the coverage-guided fuzzer (``fuzz_wire.py``).
"""

from __future__ import annotations

import io
import itertools

from harness.wire import checksum, packet, pcapng
from harness.wire.fragments import Fragments
from harness.wire.stream import Stream

WORDS = {"new", "again", "partly-again", "early", "beyond-fin", "outside", "empty"}
MAX_OCTETS, MAX_HOLES = 300, 4


def check_packet(frame: bytes, found: packet.Packet) -> None:
    """Offsets in order and within the frame; the rest within its range."""
    offsets = (0, found.ip_start, found.fragment_start, found.transport_start, found.data_start, found.data_end, found.ip_end, len(frame))
    assert all(a <= b for a, b in itertools.pairwise(offsets)), offsets
    assert found.version in (0, 4, 6)
    assert not found.version or len(found.source) == len(found.destination) == {4: 4, 6: 16}[found.version]
    assert len(found.options) <= packet.MAX_OPTIONS
    assert not found.cut or found.problem or found.ip_start > 14
    assert checksum.header_ok(frame, found) in (None, True, False)
    assert checksum.transport(frame, found) in ("ok", "bad", "none", "unknown")
    assert len(list(packet.chain(frame, found))) <= packet.MAX_EXTENSIONS


def check_frame(frame: bytes) -> None:
    """Decoding, quotations and options of one frame."""
    found = packet.decode(frame)
    check_packet(frame, found)
    check_options(found.options)
    inner = packet.quoted(frame, found)
    if inner is not None:
        check_packet(frame, inner)
        assert inner.ip_start >= found.data_start and inner.ip_end <= found.ip_end
        packet.quoted(frame, inner)


def check_options(octets: bytes) -> None:
    """As many options as fit, none longer than what is there."""
    found = packet.tcp_options(octets)
    assert len(found) <= packet.MAX_OPTIONS
    assert sum(len(value) + (1 if kind == 1 else 2) for kind, value in found) <= len(octets)


def check_fragments(frames: list[bytes], max_octets: int = 4096, max_datagrams: int = 3) -> None:
    """The caps hold after each frame, and what comes out is no fragment."""
    together = Fragments(max_octets, max_datagrams)
    for frame in frames:
        whole = together.add(frame, packet.decode(frame))
        assert together.octets <= max_octets and len(together) <= max_datagrams
        assert together.octets >= 0
        if whole is not None:
            check_frame(whole)
            assert packet.decode(whole).version


def check_stream(octets: bytes) -> None:
    """Octets as instructions for a small stream: four for the sequence number and flags, one for the length, then data."""
    stream = Stream(MAX_OCTETS, MAX_HOLES)
    at = 0
    while at + 4 <= len(octets):
        flags, place, far, size = octets[at : at + 4]
        data = octets[at + 4 : at + 4 + size]
        seq = (0xFFFFFF80 + place + (far << 24 if flags & 4 else 0)) & 0xFFFFFFFF
        before = stream.octets
        assert stream.add(seq, data, syn=bool(flags & 1), fin=bool(flags & 2)) in WORDS
        assert (before <= stream.octets or flags & 1) and stream.octets <= MAX_OCTETS
        assert stream.holes <= MAX_HOLES + 1 and stream.octets == len(stream.data())
        assert not stream.fin or stream.octets == stream.fin_at
        at += 4 + len(data)


def check_capture(octets: bytes) -> None:
    """Frames, or ``ValueError`` with an offset."""
    try:
        for number, _, data, comment in pcapng.read(io.BytesIO(octets)):
            assert number >= 0 and len(data) + len(comment.encode(errors="replace")) <= 3 * len(octets) + 3
    except ValueError as problem:
        assert str(problem).startswith("pcapng, octet ")


def check_octets(octets: bytes) -> None:
    """All of it; the first octet chooses."""
    check_frame(octets)
    which, rest = octets[:1], octets[1:]
    if which < b"\x40":
        check_frame(rest)
    elif which < b"\x60":
        check_stream(rest)
    elif which < b"\xa0":
        check_capture(rest)
    elif which < b"\xc0":
        check_options(rest)
    else:
        check_fragments(rest.split(b"\xfe\xff\xfe"))
