"""Captured frames, kept by conversation until somebody asks for them: bounded in octets and in time.

Owns the keys by which frames belong together. Knows no case; what the frames mean is ``observe``'s.
"""

from __future__ import annotations

from collections import OrderedDict

from harness.model.wire import Address
from harness.wire import packet
from harness.wire.observe import packed
from harness.wire.packet import ACK, FIN, RST, SYN, Packet

Shelved = tuple[int, int, bool, bytes]
"""Nanoseconds since 1970, the number of the host, whether it left it (else it arrived), the frame."""
Endpoint = bytes
"""Address and port as they stand in a header."""
MAX_OCTETS = 768 * 1024 * 1024
MAX_AGE = 60_000_000_000
"""Nanoseconds after which frames that nobody asked for are let go."""
_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"


class Bundle:
    """The frames of one pair of endpoints. ``seen`` holds the TCP flags of either direction, the lower endpoint's in the low octet."""

    __slots__ = ("frames", "octets", "seen")

    def __init__(self) -> None:
        self.frames: list[Shelved] = []
        self.seen = 0
        self.octets = 0

    def ended(self) -> bool:
        """Whether it looks closed: a reset, or a FIN each way."""
        seen = self.seen
        return bool((seen | seen >> 8) & RST) or bool(seen & FIN and seen >> 8 & FIN)


class Shelf:
    """All bundles."""

    def __init__(self) -> None:
        self._tcp: OrderedDict[bytes, Bundle] = OrderedDict()
        self._udp: OrderedDict[bytes, Bundle] = OrderedDict()
        self._by_endpoint: dict[Endpoint, set[bytes]] = {}
        self._pieces: OrderedDict[bytes, bytes | list[Shelved]] = OrderedDict()
        self.octets = 0
        self.crowded_at = 0
        self.let_go = 0
        """Bundles that had to go, unasked, because there was no room for them."""

    def put(self, host: int, nanoseconds: int, left: bool, frame: bytes) -> None:
        """Files one frame. The two usual forms, without options or fragments, are told by their fixed places."""
        kind = frame[12:14]
        if kind == _IPV4 and len(frame) > 47 and frame[14] == 0x45 and not (frame[20] & 0x3F or frame[21]):
            protocol, source, destination, flags = frame[23], frame[26:30] + frame[34:36], frame[30:34] + frame[36:38], frame[47]
        elif kind == _IPV6 and len(frame) > 67:
            protocol, source, destination, flags = frame[20], frame[22:38] + frame[54:56], frame[38:54] + frame[56:58], frame[67]
        else:
            protocol = -1
        shelved = (nanoseconds, host, left, frame)
        if protocol == packet.TCP:
            self._stream(source, destination, flags, shelved)
        elif protocol == packet.UDP and len(frame) > 41:
            self._datagram(source, destination, shelved)
        else:
            self._odd(shelved)

    def _stream(self, source: Endpoint, destination: Endpoint, flags: int, shelved: Shelved) -> None:
        lower = source < destination
        key = source + destination if lower else destination + source
        bundle = self._tcp.get(key)
        if bundle is None:
            bundle = self._tcp[key] = Bundle()
        elif flags & (SYN | ACK) == SYN and bundle.ended() and shelved[0] > bundle.frames[-1][0]:  # the pair of endpoints is used again
            self.octets -= bundle.octets
            bundle = self._tcp[key] = Bundle()
        bundle.seen |= flags if lower else flags << 8
        self._append(bundle, shelved)

    def _append(self, bundle: Bundle, shelved: Shelved) -> None:
        bundle.frames.append(shelved)
        size = len(shelved[3])
        bundle.octets += size
        self.octets += size

    def _datagram(self, source: Endpoint, destination: Endpoint, shelved: Shelved) -> bytes:
        key = source + destination if source < destination else destination + source
        bundle = self._udp.get(key)
        if bundle is None:
            bundle = self._udp[key] = Bundle()
            for endpoint in (source, destination):
                self._by_endpoint.setdefault(endpoint, set()).add(key)
        self._append(bundle, shelved)
        return key

    def _odd(self, shelved: Shelved) -> None:
        """Headers with options, fragments, errors: rare enough to be decoded here."""
        p = packet.decode(shelved[3])
        if p.fragment is not None:
            self._fragment(p, shelved)
        elif p.icmp_type >= 0:
            about = packet.quoted(shelved[3], p)
            if about is not None and about.protocol in (packet.TCP, packet.UDP):
                self._file(about, shelved)
        elif p.protocol in (packet.TCP, packet.UDP):
            self._file(p, shelved)

    def _file(self, p: Packet, shelved: Shelved) -> bytes:
        source, destination = p.source + p.source_port.to_bytes(2, "big"), p.destination + p.destination_port.to_bytes(2, "big")
        if p.protocol == packet.UDP:
            return self._datagram(source, destination, shelved)
        flags = p.flags if p.icmp_type < 0 and not p.problem else 0
        self._stream(source, destination, flags, shelved)
        return b""

    def _fragment(self, p: Packet, shelved: Shelved) -> None:
        """Only the first fragment has ports; the others follow it, or wait for it."""
        assert p.fragment is not None
        identification, offset, _ = p.fragment
        place = p.source + p.destination + identification.to_bytes(4, "big")
        known = self._pieces.get(place)
        if offset == 0 and p.source_port:
            key = self._pieces[place] = self._file(p, shelved)
            bundle = self._udp.get(key)
            for other in known if isinstance(known, list) and bundle is not None else ():
                self._append(bundle, other)  # type: ignore[arg-type]
        elif isinstance(known, bytes):
            bundle = self._udp.get(known)
            if bundle is not None:
                self._append(bundle, shelved)
        else:
            waiting = known or []
            if len(waiting) < 64:
                waiting.append(shelved)
            self._pieces[place] = waiting
        while len(self._pieces) > 4096:
            self._pieces.popitem(last=False)

    # -- asking -----------------------------------------------------------------------------------------------

    def stream(self, client: Address, server: Address) -> Bundle | None:
        """The frames between two TCP endpoints."""
        return self._tcp.get(_key(client, server))

    def take_stream(self, client: Address, server: Address, since: int) -> list[Shelved]:
        """Those, in the order of time, from ``since`` on; they are let go."""
        bundle = self._tcp.pop(_key(client, server), None)
        if bundle is None:
            return []
        self.octets -= bundle.octets
        return sorted(f for f in bundle.frames if f[0] >= since)

    def attempts(self, client: str, server: Address, since: int, *, established: bool) -> list[Address]:
        """The client endpoints on host ``client`` from which somebody tried to reach ``server`` since then; those that got through only
        where ``established``.
        """
        host, far = packed(client), _endpoint(server)
        found = []
        for key in [key for key in self._tcp if far in key][::-1]:
            bundle = self._tcp[key]
            near = key[: len(far)] if key.endswith(far) else key[len(far) :] if key.startswith(far) else b""
            through = bundle.seen & SYN and bundle.seen >> 8 & SYN
            if near.startswith(host) and len(near) == len(far) and bundle.frames[0][0] >= since and (established or not through):
                found.append((client, int.from_bytes(near[-2:], "big")))
        return found

    def take_datagrams(self, client: Address, since: int, until: int) -> list[Shelved]:
        """All datagrams from and to ``client``, and the errors about them, from ``since`` on; they are let go. What came before stays, for
        those whose port it was, should they ask later. Once something leaves the client's host from that port after ``until``, the port is
        somebody else's.
        """
        frames: list[Shelved] = []
        for key in self._by_endpoint.pop(_endpoint(client), ()):
            bundle = self._udp.pop(key, None)
            if bundle is not None:
                self._forget_datagrams(key, bundle)
                frames += bundle.frames
        frames.sort()
        end = _used_again(frames, packed(client[0]), until)
        mine = []
        for place, shelved in enumerate(frames):
            nanoseconds, host, left, frame = shelved
            if place < end and nanoseconds >= since:
                mine.append(shelved)
            else:
                self.put(host, nanoseconds, left, frame)
        return mine

    def _forget_datagrams(self, key: bytes, bundle: Bundle) -> None:
        self.octets -= bundle.octets
        half = len(key) // 2
        for endpoint in (key[:half], key[half:]):
            keys = self._by_endpoint.get(endpoint)
            if keys is not None:
                keys.discard(key)
                if not keys:
                    del self._by_endpoint[endpoint]

    def tidy(self, now: int) -> None:
        """Lets go of what nobody asked for in time, and of the oldest while there is too much."""
        for bundles in (self._tcp, self._udp):
            while bundles:
                key, bundle = next(iter(bundles.items()))
                crowded = self.octets > MAX_OCTETS
                if bundle.frames and bundle.frames[-1][0] > now - MAX_AGE and not crowded:
                    break
                if crowded:
                    self.let_go += 1
                    self.crowded_at = now
                del bundles[key]
                if bundles is self._udp:
                    self._forget_datagrams(key, bundle)
                else:
                    self.octets -= bundle.octets


def _used_again(frames: list[Shelved], client: bytes, until: int) -> int:
    """The place of the first frame that the client's host sent after ``until``; the end if there is none."""
    for place, (nanoseconds, _, left, frame) in enumerate(frames):
        if nanoseconds > until and left and packet.decode(frame).source == client:
            return place
    return len(frames)


def _endpoint(address: Address) -> Endpoint:
    return packed(address[0]) + address[1].to_bytes(2, "big")


def _key(one: Address, other: Address) -> bytes:
    a, b = _endpoint(one), _endpoint(other)
    return a + b if a < b else b + a
