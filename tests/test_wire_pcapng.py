"""What is written is read back; the blocks are those of the format; damage is told with its place."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.wire.pcapng import MAX_BLOCK, Writer, read
from tests.fuzz.seeds import seed_capture

NOW = 1_700_000_000_123_456_789


def written(*frames: tuple[int, int, bytes, str], outgoing: bool | None = None) -> bytes:
    file = io.BytesIO()
    writer = Writer(file)
    for number in range(max((frame[0] for frame in frames), default=0) + 1):
        assert writer.interface(f"wire {number}") == number
    for interface, ns, data, comment in frames:
        writer.frame(interface, ns, data, outgoing=outgoing, comment=comment)
    return file.getvalue()


def back(octets: bytes) -> list[tuple[int, int, bytes, str]]:
    return list(read(io.BytesIO(octets)))


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**64 - 1), st.binary(max_size=70), st.text(st.characters(codec="utf-8"), max_size=9))),
    st.sampled_from([None, True, False]),
)
def test_round_trip(frames, outgoing):
    assert back(written(*frames, outgoing=outgoing)) == frames


def test_the_octets_by_hand():
    """Section 4 of the draft, block by block."""
    file = io.BytesIO()
    writer = Writer(file)
    writer.interface("a")
    writer.frame(0, 0x0102030405060708, b"abcde", outgoing=True, comment="why")
    writer.drops(0, 9, 2)
    expected = [
        "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000",
        "01000000 28000000 0100 0000 00000000 0200 0100 61000000 0900 0100 09000000 00000000 28000000",
        "06000000 3c000000 00000000 04030201 08070605 05000000 05000000 6162636465000000 0100 0300 77687900 0200 0400 02000000 00000000 3c000000",
        "05000000 34000000 00000000 04030201 08070605 0400 0800 0900000000000000 0500 0800 0200000000000000 00000000 34000000",
    ]
    assert file.getvalue() == b"".join(bytes.fromhex(line) for line in expected)


@pytest.mark.parametrize(("outgoing", "flags"), [(False, 1), (True, 2), (None, None)])
def test_direction(outgoing, flags):
    octets = written((0, 0, b"", ""), outgoing=outgoing)
    option = b"" if flags is None else struct.pack("<HHI", 2, 4, flags) + bytes(4)
    assert octets.endswith(struct.pack("<IIIII", 0, 0, 0, 0, 0) + option + struct.pack("<I", 32 + len(option)))


def test_long_comments_are_cut():
    ((_, _, data, comment),) = back(written((0, 0, b"data", "ä" * 40_000)))
    assert (data, comment) == (b"data", "ä" * 32_767)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("option", "units", "expected"), [
    (b"", NOW // 1000, NOW // 1000 * 1000),
    ((9, b"\x06"), NOW // 1000, NOW // 1000 * 1000),
    ((9, b"\x81"), 3, 1_500_000_000),
    ((9, b"\x0c"), 5_000, 5),
    ((14, 10), 1, 10_000_001_000),
])  # fmt: skip
def test_other_writers(order, option, units, expected):
    """Either octet order; microseconds unless the interface says else; an offset in seconds."""
    packed = b""
    if option:
        value = struct.pack(order + "q", option[1]) if isinstance(option[1], int) else option[1]
        packed = struct.pack(order + "HH", option[0], len(value)) + value + bytes(-len(value) % 4) + bytes(4)
    section = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)
    interface = block(1, struct.pack(order + "HHI", 1, 0, 3) + packed, order)
    unknown = block(0xBAD, b"what", order)
    packet = block(6, struct.pack(order + "IIIII", 0, units >> 32, units & 0xFFFFFFFF, 5, 9) + b"abcde\0\0\0", order)
    simple = block(3, struct.pack(order + "I", 9) + b"abc\0", order)
    octets = section + interface + unknown + packet + simple
    assert back(octets) == [(0, expected, b"abcde", ""), (0, 0, b"abc", "")]
    assert back(octets + written((0, 1, b"x", "second section")))[2:] == [(0, 1, b"x", "second section")]


SECTION = written()[:28]
DAMAGED = {
    "no section": (block(1, bytes(8)), "octet 0: the file does not begin with a section header"),
    "text": (b"not a capture file", "octet 0: the file does not begin with a section header"),
    "magic": (b"\x0a\x0d\x0d\x0a\x1c\0\0\0magi", "octet 0: a section header without its magic: 6d616769"),
    "end of the head": (SECTION + b"\x06\0\0", "octet 28: a block is cut short"),
    "end of the body": (written((0, 0, b"abc", ""))[:-1], "octet 72: a block is cut short"),
    "small": (SECTION + struct.pack("<II", 6, 8), "octet 28: a block of 8 octets"),
    "no multiple of four": (SECTION + struct.pack("<II", 6, 33), "octet 28: a block of 33 octets"),
    "huge": (SECTION + struct.pack("<II", 6, MAX_BLOCK + 4), f"octet 28: a block of {MAX_BLOCK + 4} octets"),
    "lengths": (SECTION[:-1] + b"\1", "octet 0: the two lengths of a block differ"),
    "interface short": (SECTION + block(1, bytes(4)), "octet 28: an interface description is too short"),
    "packet short": (SECTION + block(6, bytes(16)), "octet 28: an enhanced packet is too short"),
    "packet beyond": (SECTION + block(6, struct.pack("<IIIII", 0, 0, 0, 5, 5) + b"abcd"), "octet 28: a frame of 5 octets does not fit into its block"),
    "interface unknown": (SECTION + block(6, bytes(20)), "octet 28: a frame of interface 0, of 0"),
    "simple short": (SECTION + block(3, b""), "octet 28: a simple packet is too short"),
    "simple beyond": (SECTION + block(1, bytes(8)) + block(3, b"\x09\0\0\0"), "octet 48: a frame of 9 octets does not fit into its block"),
    "option beyond": (SECTION + block(1, bytes(8) + b"\x02\0\x09\0"), "octet 28: an option of 9 octets does not fit into its block"),
}  # fmt: skip


@pytest.mark.parametrize(("octets", "problem"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damage(octets, problem):
    with pytest.raises(ValueError, match="pcapng") as caught:
        back(octets)
    assert str(caught.value) == f"pcapng, {problem}"


def test_every_cut_is_noticed_or_between_blocks():
    octets = seed_capture()
    borders = {0, 28}
    for end in range(len(octets)):
        try:
            back(octets[:end])
        except ValueError:
            continue
        borders.add(end)
    assert len(borders) == 4


def test_an_empty_file_has_no_frames():
    assert back(b"") == []
