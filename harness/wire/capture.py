"""A packet socket with a memory-mapped ring, in the namespace of one host (Linux ``packet(7)``, TPACKET_V2).

Owns the socket, its filter and the ring. Knows no protocol above the link layer and decodes nothing.

The kernel puts each frame into a slot of the ring by itself; reading them costs no system call. The ring is there from the moment on that the
socket is made, so nothing that a peer does after that can be missed; what does not fit is counted by the kernel.
"""

from __future__ import annotations

import ctypes
import mmap
import socket
import struct
from collections.abc import Iterator

SLOT = 2048
"""Octets for one frame and its head: enough for an Ethernet frame of 1514, since hosts here send no larger ones."""
SLOTS = 8192
BLOCK = 65536
_SOL_PACKET, _ADD_RING, _STATISTICS, _VERSION = 263, 5, 6, 10
_TPACKET_V2, _ALL_PROTOCOLS, _OUTGOING = 1, 0x0003, 4
_SO_ATTACH_FILTER = 26
_USER, _LOSING = 0x1, 0x4
_STRIDE = SLOT // 4
"""From one slot's status to the next one's, in words of 32 bits."""
_FREE = memoryview(bytes(4 * SLOTS)).cast("I")
_LOOK = 64
"""So many slots are looked at at once."""
_HEAD = struct.Struct("=IIIHHII")
"""Of ``struct tpacket2_hdr``: status, length, captured length, offsets of the frame and of its payload, seconds, nanoseconds."""
_PACKET_TYPE = 32 + 10
"""``sll_pkttype`` of the ``struct sockaddr_ll`` that follows the head."""

Slots = bytes
"""Slots of a ring, one after the other."""
Captured = tuple[int, bool, bytes]
"""Nanoseconds since 1970, whether it left (else it arrived), the frame."""

_FILTER = (  # (code, true, false, k): all that leaves; of what arrives, all but TCP, which acknowledges itself
    (0x20, 0, 0, 0xFFFFF004),  # packet type
    (0x15, 7, 0, _OUTGOING),
    (0x28, 0, 0, 12),  # EtherType
    (0x15, 0, 2, 0x0800),
    (0x30, 0, 0, 23),  # IPv4 protocol
    (0x15, 4, 3, 6),
    (0x15, 0, 2, 0x86DD),
    (0x30, 0, 0, 20),  # IPv6 next header
    (0x15, 1, 0, 6),
    (0x06, 0, 0, 0x40000),
    (0x06, 0, 0, 0),
)


def frames(slots: Slots) -> Iterator[Captured]:
    """The frames in slots of a ring, in their order."""
    for at in range(0, len(slots), SLOT):
        _, _, size, start, _, seconds, nanoseconds = _HEAD.unpack_from(slots, at)
        begin = at + start
        yield seconds * 1_000_000_000 + nanoseconds, slots[at + _PACKET_TYPE] == _OUTGOING, slots[begin : begin + size]


def open_socket(interface: str) -> socket.socket:
    """A packet socket on ``interface`` of the namespace that the calling thread is in, with its ring, already catching.

    Raises ``OSError`` where that is not allowed.
    """
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    try:
        packets.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V2)
        _attach_filter(packets)
        ring = struct.pack("=IIII", BLOCK, SLOT * SLOTS // BLOCK, SLOT, SLOTS)
        packets.setsockopt(_SOL_PACKET, _ADD_RING, ring)
        packets.bind((interface, _ALL_PROTOCOLS))
    except OSError:
        packets.close()
        raise
    return packets


def _attach_filter(packets: socket.socket) -> None:
    program = b"".join(struct.pack("=HBBI", *line) for line in _FILTER)
    held = ctypes.create_string_buffer(program)
    packets.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_FILTER), ctypes.addressof(held)))


class Ring:
    """The frames of one host, as they come. ``packets`` is a socket that ``open_socket`` made; it is closed with the ring."""

    def __init__(self, packets: socket.socket) -> None:
        self._packets = packets
        self._map = mmap.mmap(packets.fileno(), SLOT * SLOTS)
        self._words = memoryview(self._map).cast("I")
        self._at = 0
        self.dropped = 0
        self.losing = False
        """Whether the kernel says that it dropped frames that ``count`` has not told of."""

    def ready(self) -> bool:
        """Whether a frame is there; costs no system call."""
        return bool(self._words[self._at * _STRIDE] & _USER)

    def take(self) -> Slots:
        """The slots that are filled, up to the ring's end, as they stand: they are free for the kernel again. Reading frames in them can
        wait, the kernel does not.
        """
        begin, count = self._at, 0
        while begin + count < SLOTS:
            end = min(begin + count + _LOOK, SLOTS)
            found = self._words[(begin + count) * _STRIDE : end * _STRIDE : _STRIDE].tolist()
            filled = next((n for n, status in enumerate(found) if not status & _USER), len(found))
            count += filled
            self.losing = self.losing or any(status & _LOSING for status in found[:filled])
            if filled < len(found):
                break
        slots = self._map[begin * SLOT : (begin + count) * SLOT]
        self._words[begin * _STRIDE : (begin + count) * _STRIDE : _STRIDE] = _FREE[:count]
        self._at = (begin + count) % SLOTS
        return slots

    def count(self) -> int:
        """How many frames the kernel had to drop since the last time that somebody asked."""
        _, dropped = struct.unpack("=II", self._packets.getsockopt(_SOL_PACKET, _STATISTICS, 8))
        self.losing = False
        self.dropped += dropped
        return int(dropped)

    def close(self) -> None:
        """Gives the ring and the socket back."""
        self._words.release()
        self._map.close()
        self._packets.close()
