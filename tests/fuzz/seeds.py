"""Right frames and captures of every kind that the decoder knows: where random changes begin."""

from __future__ import annotations

import io

from harness.wire.pcapng import Writer
from tests import frames as f


def seed_frames() -> list[bytes]:
    """At least one frame for each branch of the decoder."""
    both = ((f.CLIENT, f.SERVER), (f.CLIENT6, f.SERVER6))
    hop, routing, options = (0, bytes(7)), (43, bytes(7)), (60, b"\x01" + bytes(14))
    authentication, atomic = (51, b"\x01" + bytes(10)), (44, bytes(7))
    found = [f.arp(), f.ethernet(b"\0" * 46, 46), f.tcp(vlans=(1, 2)), f.udp(data=b"padded", pad=True)]
    for client, server in both:
        tcp = f.tcp(client, server, data=b"data", options=f.MSS_1460 + b"\x01\x03\x03\x07")
        udp = f.udp(client, server, b"x" * 40)
        found += [tcp, udp, *f.fragments_of(udp, 16), f.icmp_unreachable(udp), f.icmp_unreachable(tcp, octets=48)]
        found.append(f.icmp(client[0], server[0], 8, 0, b"echo"))
    found.append(f.tcp(options=b"", data=b"x", words=15))
    extended = f.udp(f.CLIENT6, f.SERVER6, b"x" * 64, extensions=[hop, routing, options, authentication, atomic])
    return [*found, extended, f.tcp(f.CLIENT6, f.SERVER6, extensions=[hop] * 20)]


def seed_capture() -> bytes:
    """A small capture file with every block that is written."""
    file = io.BytesIO()
    writer = Writer(file)
    writer.interface("wire", "what it is")
    writer.frame(0, 1_700_000_000_123_456_789, f.arp(), outgoing=True, comment="why it is here")
    writer.drops(0, 1, 0)
    return file.getvalue()
