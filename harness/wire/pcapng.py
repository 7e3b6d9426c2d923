"""Capture files in pcapng (draft-ietf-opsawg-pcapng-05), written with nanoseconds and read back.

Owns the blocks: Section Header, Interface Description, Enhanced Packet, Simple Packet and Interface Statistics; others are
passed over. Knows nothing of what is in a frame. Reading is bounded: no block is longer than ``MAX_BLOCK``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import BinaryIO

import msgspec

MAX_BLOCK = 16 * 1024 * 1024
MAX_INTERFACES = 65536
ETHERNET = 1

_SECTION, _INTERFACE, _SIMPLE, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 3, 5, 6
_MAGIC = 0x1A2B3C4D
_COMMENT, _NAME, _DESCRIPTION, _FLAGS, _RESOLUTION, _OFFSET, _RECEIVED, _DROPPED = 1, 2, 3, 2, 9, 14, 4, 5
_INBOUND, _OUTBOUND = 1, 2
_OPTION_LENGTH = 65535
_NANO = 10**9

_Options = Iterable[tuple[int, bytes]]

_head = Struct("<II").pack
_option_head = Struct("<HH").pack
_word = Struct("<I").pack
_long = Struct("<Q").pack
_packet_body = Struct("<IIIII").pack
_statistics_body = Struct("<III").pack


class Writer:
    """Writes one section to a binary file; neither flushes nor closes it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._interfaces = 0
        self._last = 0
        self._block(_SECTION, Struct("<IHHq").pack(_MAGIC, 1, 0, -1))

    def interface(self, name: str, description: str = "") -> int:
        """Adds an Ethernet interface with nanosecond times; returns its number in this section."""
        options = [(_NAME, name.encode())]
        if description:
            options.append((_DESCRIPTION, description.encode()))
        self._block(_INTERFACE, Struct("<HHI").pack(ETHERNET, 0, 0), [*options, (_RESOLUTION, b"\x09")])
        self._interfaces += 1
        return self._interfaces - 1

    def frame(self, interface: int, nanoseconds: int, data: bytes, *, outgoing: bool | None = None, comment: str = "") -> None:
        """One frame (Enhanced Packet Block), captured whole, at nanoseconds since 1970; ``outgoing`` as the interface sees it."""
        self._last = nanoseconds
        size = len(data)
        body = _packet_body(interface, nanoseconds >> 32, nanoseconds & 0xFFFFFFFF, size, size) + data + bytes(-size % 4)
        options = [(_COMMENT, comment.encode())] if comment else []
        if outgoing is not None:
            options.append((_FLAGS, _word(_OUTBOUND if outgoing else _INBOUND)))
        self._block(_PACKET, body, options)

    def drops(self, interface: int, received: int, dropped: int) -> None:
        """How many frames an interface received, and how many of them the capture lost (Interface Statistics Block)."""
        body = _statistics_body(interface, self._last >> 32, self._last & 0xFFFFFFFF)
        self._block(_STATISTICS, body, [(_RECEIVED, _long(received)), (_DROPPED, _long(dropped))])

    def _block(self, kind: int, body: bytes, options: _Options = ()) -> None:
        body += _packed_options(options)
        size = len(body) + 12
        self._file.write(b"".join((_head(kind, size), body, _word(size))))


def _packed_options(options: _Options) -> bytes:
    packed = b"".join(_option_head(code, len(value)) + value + bytes(-len(value) % 4) for code, value in map(_cut, options))
    return packed + bytes(4) if packed else b""


def _cut(option: tuple[int, bytes]) -> tuple[int, bytes]:
    """An option no longer than its length field can say, whole characters only."""
    code, value = option
    if len(value) <= _OPTION_LENGTH:
        return option
    return code, value[:_OPTION_LENGTH].decode(errors="ignore").encode()


class _Interface(msgspec.Struct, gc=False):
    """How an interface counts time: units a second, seconds to add; and the longest frame it keeps (0: no bound)."""

    resolution: int = 10**6
    offset: int = 0
    snap: int = 0

    def nanoseconds(self, units: int) -> int:
        return units * _NANO // self.resolution + self.offset * _NANO


class _Section:
    """The octet order of a section, and its interfaces."""

    def __init__(self, order: str) -> None:
        self.interfaces: list[_Interface] = []
        self.packet = Struct(order + "IIIII").unpack_from
        self.word = Struct(order + "I").unpack_from
        self.option = Struct(order + "HH").unpack_from
        self.offset = Struct(order + "q").unpack_from

    def options(self, body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        """The options of a block from ``at`` on; ValueError if one is longer than its block."""
        while at + 4 <= len(body):
            code, size = self.option(body, at)
            if code == 0:
                return
            at += 4
            if at + size > len(body):
                raise ValueError(f"an option of {size} octets does not fit into its block")
            yield code, body[at : at + size]
            at += size + -size % 4


def read(file: BinaryIO) -> Iterator[tuple[int, int, bytes, str]]:
    """The frames of a capture file as (interface in its section, nanoseconds since 1970, octets, comment). A Simple Packet Block
    has no time: 0. Raises ``ValueError`` with the offset of the block where the file is damaged or cut short.
    """
    at, section = 0, None
    while head := file.read(8):
        try:
            order = _order(head, file) if head[:4] == b"\x0a\x0d\x0d\x0a" else None
            if order:
                section = _Section(order[0])
            if section is None:
                raise ValueError("the file does not begin with a section header")
            kind, body, size = _next(file, head, section, order[1] if order else b"")
            frame = _READERS[kind](section, body) if kind in _READERS else None
        except ValueError as problem:
            raise ValueError(f"pcapng, octet {at}: {problem}") from None
        if frame:
            yield frame
        at += size


def _order(head: bytes, file: BinaryIO) -> tuple[str, bytes]:
    """The octet order that a section header's magic tells, and its octets."""
    magic = file.read(4)
    for order in "<>":
        if magic == Struct(order + "I").pack(_MAGIC):
            return order, magic
    raise ValueError(f"a section header without its magic: {magic.hex()}")


def _next(file: BinaryIO, head: bytes, section: _Section, begun: bytes) -> tuple[int, bytes, int]:
    """The kind, the body and the whole size of a block of which ``head`` and ``begun`` are read."""
    if len(head) < 8:
        raise ValueError("a block is cut short")
    (kind,), (size,) = section.word(head), section.word(head, 4)
    if size < 12 + len(begun) or size % 4 or size > MAX_BLOCK:
        raise ValueError(f"a block of {size} octets")
    rest = begun + file.read(size - 8 - len(begun))
    if len(rest) < size - 8:
        raise ValueError("a block is cut short")
    if section.word(rest, len(rest) - 4) != (size,):
        raise ValueError("the two lengths of a block differ")
    return kind, rest[:-4], size


_Frame = tuple[int, int, bytes, str]


def _read_interface(section: _Section, body: bytes) -> None:
    if len(body) < 8 or len(section.interfaces) >= MAX_INTERFACES:
        raise ValueError("an interface description is too short" if len(body) < 8 else "too many interfaces")
    interface = _Interface(snap=section.word(body, 4)[0])
    for code, value in section.options(body, 8):
        if code == _RESOLUTION and len(value) == 1:
            interface.resolution = (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F)
        elif code == _OFFSET and len(value) == 8:
            (interface.offset,) = section.offset(value)
    section.interfaces.append(interface)


def _interface_of(section: _Section, number: int) -> _Interface:
    if number >= len(section.interfaces):
        raise ValueError(f"a frame of interface {number}, of {len(section.interfaces)}")
    return section.interfaces[number]


def _read_packet(section: _Section, body: bytes) -> _Frame:
    if len(body) < 20:
        raise ValueError("an enhanced packet is too short")
    number, high, low, size, _ = section.packet(body)
    if 20 + size > len(body):
        raise ValueError(f"a frame of {size} octets does not fit into its block")
    interface = _interface_of(section, number)
    options = section.options(body, 20 + size + -size % 4)
    comments = [value.decode(errors="replace") for code, value in options if code == _COMMENT]
    return number, interface.nanoseconds(high << 32 | low), body[20 : 20 + size], "\n".join(comments)


def _read_simple(section: _Section, body: bytes) -> _Frame:
    if len(body) < 4:
        raise ValueError("a simple packet is too short")
    (size,) = section.word(body)
    size = min(size, _interface_of(section, 0).snap or size)
    if 4 + size > len(body):
        raise ValueError(f"a frame of {size} octets does not fit into its block")
    return 0, 0, body[4 : 4 + size], ""


_READERS = {_INTERFACE: _read_interface, _PACKET: _read_packet, _SIMPLE: _read_simple}
