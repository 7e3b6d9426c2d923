"""What the wire showed of one case: the third witness. Facts only; nothing here judges them.

Frames are numbered from 1 in the order of time, as in the case's capture file. Times are microseconds on the harness's own clock. A
frame counts where it left its sender; datagrams and ICMP also where they arrived, since nothing acknowledges them.
"""

from __future__ import annotations

import msgspec

from harness.model.http import Message
from harness.model.media import Media
from harness.model.talk import Said

Address = tuple[str, int]
SHOWN_FRAMES = 64
"""So many frames are kept for the ladder: the first three quarters of them and the last quarter."""


class Frame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One frame, for the ladder. ``by`` is the role whose host sent it; ``seq`` and ``ack`` count from that side's SYN."""

    number: int
    t: int
    by: str
    kind: str
    flags: str = ""
    seq: int = 0
    ack: int = 0
    octets: int = 0
    window: int = 0
    note: str = ""


class Slice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A piece of a stream, cut as somebody's report cuts it."""

    start: int
    octets: int
    digest: str


class Sent(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What one side of a TCP connection sent (RFC 9293). Members that end in ``frame`` are numbers of frames, 0 if there was none.

    ``octets`` and ``digest``: its stream up to the first hole; ``slices``: pieces of it that were asked for. ``syn_times``: of each SYN, the
    first and those sent again. ``fin_frame``: the first frame with a FIN. ``last_octet`` and ``fin_time``: when the last new octet and that
    FIN left. ``segments``: with data, none counted twice. ``slowest_ack``: the longest that it let the other side's data wait for an
    acknowledgement, in microseconds. ``edge_moved_left_frame``: it took back window that it had offered. ``zero_window_frame``: it closed
    its window; ``reopened_with``: the window in the first frame after that, in octets; ``probed``: segments that it sent into the other
    side's closed window.
    """

    octets: int = 0
    digest: str = ""
    slices: tuple[Slice, ...] = ()
    whole: bool = True
    syn_times: tuple[int, ...] = ()
    mss: int | None = None
    last_octet: int = 0
    fin_frame: int = 0
    fin_time: int = 0
    fin_acked: bool = False
    rst_frame: int = 0
    segments: int = 0
    again: int = 0
    conflict_frame: int = 0
    after_fin_frame: int = 0
    bad_checksum_frame: int = 0
    malformed_frame: int = 0
    malformed: str = ""
    slowest_ack: int = 0
    slowest_ack_frame: int = 0
    edge_moved_left_frame: int = 0
    keepalive_frame: int = 0
    zero_window_frame: int = 0
    reopened_with: int = -1
    probed: int = 0


class Flow(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One TCP connection, or the attempt at one. ``settled``: closed in both directions, reset, or never answered. ``requests`` and
    ``responses``: the HTTP messages in its two streams, where it is known to speak HTTP; ``dialogue``: commands and replies, where it is
    known to speak SMTP or FTP. ``talk``: what it is known to speak; ``data``: it is a data connection of FTP.
    """

    client_address: Address
    server_address: Address
    client: Sent
    server: Sent
    established: bool = False
    settled: bool = False
    requests: tuple[Message, ...] = ()
    responses: tuple[Message, ...] = ()
    dialogue: tuple[Said, ...] = ()
    talk: str = ""


class Datagram(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One UDP datagram, put together from its fragments. ``checksum``: ``ok``, ``bad`` or ``none``; ``length``: its Length field's value;
    ``left`` and ``arrived``: seen at its sender's and at its receiver's host; ``hops``: its TTL or hop limit as it left; ``media``: the
    packet in it, where it is known to be RTP or RTCP.
    """

    number: int
    t: int
    by: str
    octets: int
    digest: str
    source: Address
    destination: Address
    checksum: str
    length: int
    left: bool
    arrived: bool
    fragments: int = 1
    hops: int = 0
    media: Media | None = None


class Unreachable(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An ICMP or ICMPv6 error. ``what``: ``port``, ``host``, ``network``, ``other``; ``about``: what it quotes, from where to where."""

    number: int
    t: int
    by: str
    what: str
    source: Address
    destination: Address


class Wire(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that the capture has of a case.

    ``ticket`` is its number at the witness, by which its frames can be kept. ``absent`` says why there is no such witness here
    (loopback); ``incomplete`` why it cannot be trusted this time (it lost frames).
    """

    frames: tuple[Frame, ...] = ()
    flows: tuple[Flow, ...] = ()
    datagrams: tuple[Datagram, ...] = ()
    errors: tuple[Unreachable, ...] = ()
    total_frames: int = 0
    ticket: int = 0
    absent: str = ""
    incomplete: str = ""


UNWATCHED = Wire(absent="nobody watches the wire")
