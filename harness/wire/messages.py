"""What the harness and its witness say to each other: a packet of their socket holds a list of messages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import msgspec

from harness.model.wire import Address, Wire

Cuts = tuple[tuple[int, ...], ...]


class Host(msgspec.Struct, tag="host"):
    """A host whose packet socket comes along with this message."""

    number: int
    name: str


class Gone(msgspec.Struct, tag="gone"):
    """A host that is no more."""

    number: int


class Ask(msgspec.Struct, tag="ask"):
    """What did the wire show? ``clients`` are the client's endpoints as far as known (port 0: find it); ``since`` and ``until``, when it
    began and when both sides had told all, are in nanoseconds since 1970: a port may be used again soon.

    ``client_cuts`` and ``server_cuts``: for each report, how it cuts what that side sent into pieces. ``shown``: whether single frames are
    wanted too. ``alone``: nobody else speaks to that server. ``talk``: what is said, too, where it is ``http`` or ``smtp``. ``wait``:
    milliseconds that a connection may take to settle. ``stepped``: why the times are worth nothing, if so.
    """

    number: int
    transport: str
    clients: tuple[Address, ...]
    server: Address
    hosts: tuple[int, ...]
    since: int
    until: int
    client_cuts: Cuts = ()
    server_cuts: Cuts = ()
    shown: bool = True
    alone: bool = False
    talk: str = ""
    wait: int = 250
    stepped: str = ""


class Keep(msgspec.Struct, tag="keep"):
    """What to do with the frames of that answer: append them to a capture file, or (no file) let them go."""

    number: int
    file: str = ""
    comment: str = ""


class Finish(msgspec.Struct, tag="finish"):
    """Close all files, answer with ``Finished``, and end."""


class Answer(msgspec.Struct, tag="answer"):
    """The answer to an ``Ask``."""

    number: int
    wire: Wire


class Finished(msgspec.Struct, tag="finished"):
    """All is written; ``problems``: files that could not be."""

    frames: int
    dropped: int
    problems: tuple[str, ...] = ()


ToWitness = Host | Gone | Ask | Keep | Finish
FromWitness = Answer | Finished
encode = msgspec.msgpack.Encoder().encode
decode_to_witness = msgspec.msgpack.Decoder(list[ToWitness]).decode
decode_from_witness = msgspec.msgpack.Decoder(list[FromWitness]).decode
T = TypeVar("T")
PIECE = 1 << 16
MAX_PACKET = PIECE + 1
_LAST, _MORE = b"\0", b"\1"


def packets(messages: deque[ToWitness] | deque[FromWitness]) -> Iterator[bytes]:
    """All messages, taken out of the queue, in packets of ``MAX_PACKET`` octets at most: small ones together, a large one in pieces."""
    held: list[msgspec.Raw] = []
    size = 0
    while messages:
        one = encode(messages.popleft())
        held.append(msgspec.Raw(one))
        size += len(one)
        if size > PIECE // 2 or not messages:
            yield from _pieces(encode(held))
            held, size = [], 0


def _pieces(octets: bytes) -> Iterator[bytes]:
    for start in range(0, len(octets), PIECE):
        yield (_MORE if start + PIECE < len(octets) else _LAST) + octets[start : start + PIECE]


class Pieces(Generic[T]):
    """The packets of one direction, put together again and decoded."""

    def __init__(self, decode: Callable[[bytes], list[T]]) -> None:
        self._decode = decode
        self._held: list[bytes] = []

    def take(self, packet: bytes) -> list[T]:
        """The messages that this packet completes; none where there is more to come."""
        self._held.append(packet[1:])
        if packet[:1] == _MORE:
            return []
        octets = b"".join(self._held)
        self._held.clear()
        return self._decode(octets)
