"""The decoder beside two others that know nothing of it, on random right packets: the same addresses, ports, flags and payload."""

from __future__ import annotations

import io
import ipaddress
import random
from typing import Any

import pytest

from harness.wire.packet import FRAGMENT, ICMP, ICMPV6, TCP, UDP, Packet, decode, tcp_options
from harness.wire.pcapng import Writer
from tests import frames as f

OPTIONS = [b"", f.MSS_1460, bytes.fromhex("020405b40101080a0000000100000002"), bytes.fromhex("030307 0402 01 050a 00000001 00000002")]
EXTENSIONS = [(0, b"\0\x01\x04" + bytes(4)), (60, b"\0\x01\x04" + bytes(4)), (43, bytes(7))]


def random_frames(count: int) -> list[bytes]:
    chance = random.Random(20)
    return [random_frame(chance) for _ in range(count)]


def random_frame(chance: random.Random) -> bytes:
    six = chance.random() < 0.5
    source, destination = (str(ipaddress.ip_address(chance.randbytes(16 if six else 4))) for _ in range(2))
    ends = (source, chance.randrange(1 << 16)), (destination, chance.randrange(1 << 16))
    data = chance.randbytes(chance.choice([0, 1, 7, 100, 1460]))
    ip: dict[str, Any] = {"ttl": chance.randrange(1, 256), "pad": chance.random() < 0.5, "vlans": range(1, chance.randrange(1, 4))}
    if six:
        ip["extensions"] = chance.sample(EXTENSIONS, chance.randrange(3))
    kind = chance.randrange(4)
    if kind < 2:
        numbers = chance.randrange(1 << 32), chance.randrange(1 << 32), chance.randrange(256), chance.randrange(1 << 16)
        return f.tcp(*ends, *numbers, data, options=chance.choice(OPTIONS), urgent=chance.randrange(1 << 16), **ip)
    if kind == 2:
        return f.udp(*ends, data, **ip)
    return f.icmp(source, destination, 128 if six else 8, 0, data, **ip)


FRAMES = random_frames(600)


def common(frame: bytes, found: Packet) -> dict[str, Any]:
    assert found.problem == ""
    said: dict[str, Any] = {"source": found.source, "destination": found.destination, "protocol": found.protocol, "hops": found.hops}
    if found.protocol in (TCP, UDP):
        said["ports"] = found.source_port, found.destination_port
        said["data"] = frame[found.data_start : found.data_end]
    if found.protocol == TCP:
        said["tcp"] = found.seq, found.ack, found.flags, found.window, found.urgent
        said["options"] = [option for option in tcp_options(found.options) if option[0] != 1]
    if found.protocol in (ICMP, ICMPV6):
        said["icmp"] = found.icmp_type, found.icmp_code
    return said


def test_beside_dpkt():
    dpkt = pytest.importorskip("dpkt", reason="dpkt, an oracle, is not installed")
    for frame in FRAMES:
        assert common(frame, decode(frame)) == _as_dpkt_says(dpkt, frame), frame.hex()


def _as_dpkt_says(dpkt: Any, frame: bytes) -> dict[str, Any]:
    ip = dpkt.ethernet.Ethernet(frame).data
    inner, six = ip.data, isinstance(ip, dpkt.ip6.IP6)
    protocol = {"TCP": TCP, "UDP": UDP, "ICMP": ICMP, "ICMP6": ICMPV6}[type(inner).__name__]
    said: dict[str, Any] = {"source": ip.src, "destination": ip.dst, "protocol": protocol, "hops": ip.hlim if six else ip.ttl}
    if protocol in (TCP, UDP):
        said |= {"ports": (inner.sport, inner.dport), "data": bytes(inner.data)}
    if protocol == TCP:
        said["tcp"] = inner.seq, inner.ack, inner.flags, inner.win, inner.urp
        said["options"] = [(kind, value) for kind, value in dpkt.tcp.parse_opts(inner.opts) if kind > 1]
    if protocol in (ICMP, ICMPV6):
        said["icmp"] = inner.type, inner.code
    return said


def test_beside_scapy():
    pytest.importorskip("scapy", reason="scapy, an oracle, is not installed")
    from scapy.layers import inet, inet6, l2

    for frame in FRAMES[:200]:
        found, packet = decode(frame), l2.Ether(frame)
        ip = packet.getlayer(inet.IP) or packet.getlayer(inet6.IPv6)
        assert (f.packed(ip.src), f.packed(ip.dst)) == (found.source, found.destination)
        layer = packet.getlayer({TCP: inet.TCP, UDP: inet.UDP}.get(found.protocol, inet.ICMP))
        if found.protocol in (TCP, UDP):
            assert (layer.sport, layer.dport) == (found.source_port, found.destination_port)
            payload = bytes(layer.payload).removesuffix(bytes(packet.lastlayer()) if packet.lastlayer().name == "Padding" else b"")
            assert payload == frame[found.data_start : found.data_end]
        if found.protocol == TCP:
            assert (layer.seq, layer.ack, int(layer.flags) & 255, layer.window) == (found.seq, found.ack, found.flags, found.window)


@pytest.mark.parametrize(("client", "server"), [(f.CLIENT, f.SERVER), (f.CLIENT6, f.SERVER6)], ids=["ipv4", "ipv6"])
def test_fragments_beside_dpkt(client, server):
    dpkt = pytest.importorskip("dpkt", reason="dpkt, an oracle, is not installed")
    for part in f.fragments_of(f.udp(client, server, b"x" * 100), 48, identification=4711):
        ip = dpkt.ethernet.Ethernet(part).data
        if client == f.CLIENT:
            said = ip.id, ip.offset * 8, bool(ip.mf)
        else:
            header = ip.extension_hdrs[FRAGMENT]
            said = header.id, header.frag_off * 8, bool(header.m_flag)
        assert decode(part).fragment == said


def test_a_capture_file_read_by_dpkt():
    dpkt = pytest.importorskip("dpkt", reason="dpkt, an oracle, is not installed")
    file = io.BytesIO()
    writer = Writer(file)
    writer.interface("wire")
    for number, frame in enumerate(FRAMES):
        writer.frame(0, 1_700_000_000_000_000_000 + number * 1_000_000_000, frame, outgoing=bool(number % 2), comment="ä" * (number % 5))
    writer.drops(0, len(FRAMES), 0)
    file.seek(0)
    assert [(int(t), bytes(octets)) for t, octets in dpkt.pcapng.Reader(file)] == [(1_700_000_000 + n, frame) for n, frame in enumerate(FRAMES)]
