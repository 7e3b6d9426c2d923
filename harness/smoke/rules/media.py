"""``rtp.md``: a stream sent to the service; a sender against a receiver of smoke's own."""

from __future__ import annotations

import struct

from harness.model.media import SDES, SR, Block, Rtcp, Rtp
from harness.smoke.probe import Broken, Chapter
from harness.smoke.stage import Stage, Step, one, same, soon
from harness.wire import rtp

serving = Chapter("RTP, serve", needs="serve rtp/udp")
asking = Chapter("RTP, ask", needs="ask rtp/udp")
_SSRC = 0x0A0B0C0D
_CNAME = struct.pack("!BBHIBB", 0x81, SDES, 3, _SSRC, 1, 4) + b"test\0\0"


def _packet(sequence: int, content: bytes) -> bytes:
    return struct.pack("!BBHII", 0x80, 0, sequence, 160 * sequence, _SSRC) + content


def _sender(packets: int, octets: int) -> bytes:
    return struct.pack("!BBHIQIII", 0x80, SR, 6, _SSRC, 0x1122334455667788, 0, packets, octets) + _CNAME


def _read(octets: bytes, what: str) -> Rtcp:
    media = rtp.read(octets)
    if not isinstance(media, Rtcp) or media.problem or not media.cname:
        raise Broken(what, octets[:40].hex(), "RTCP is compound: SR or RR first, then SDES with a CNAME (RFC 3550 6.1).")
    return media


@serving.rule("an SR is answered by an RR that says what came and what did not; a BYE is told in 'stream'")
async def _reports(stage: Stage) -> None:
    service, port = await stage.serve("rtp", "udp")
    ours = stage.datagrams()
    for octets in (*(_packet(n, b"%d" % (n % 10)) for n in (65534, 65535, 1)), _sender(3, 3)):
        ours.send(octets, (stage.address, port))
    answer, _ = await soon(ours.receive(), "a report", "Answer an SR of a source at once.")
    media = _read(answer, "RR, then SDES")
    wanted = Block(_SSRC, 64, 1, 65537, media.blocks[0].jitter if media.blocks else 0, 0x33445566, media.blocks[0].dlsr if media.blocks else 0)
    same(media.blocks, (wanted,), "the report block is", "RFC 3550 6.4.1, A.1 and A.3; LSR is the middle of the SR's NTP timestamp.")
    ours.send(struct.pack("!BBHI", 0x80, 201, 1, _SSRC) + _CNAME + struct.pack("!BBHI", 0x81, 203, 1, _SSRC), (stage.address, port))
    await service.until(lambda t: bool(t.all("stream")), f"'stream' with remote {list(ours.local)}", "Tell of a stream when its BYE comes.")
    told = one(service, "stream")
    same(told.get("remote"), list(ours.local), "'remote' of 'stream' is")
    same((told.get("packets"), told.get("lost"), told.get("highest"), told.get("octets")), (3, 1, 65537, 3), "packets, lost, highest and octets are")


@asking.rule("a stream is sent in its order, with the reports that are asked for, and ends with BYE; what came back is told in 'report'")
async def _sends(stage: Stage) -> None:
    ours = stage.datagrams()
    stream: Step = {
        "ssrc": _SSRC, "type": 0, "sequence": 65535, "timestamp": 7, "advance": 160, "payload": {"pattern": "every-octet", "seed": 1, "size": 2},
        "order": [0, 2, 1], "gaps": [1], "marked": [2],
    }  # fmt: skip
    talk = stage.run("ask", service="rtp", address=stage.address, port=ours.port, stream=stream)
    seen = []
    for _ in range(3):
        octets, source = await soon(ours.receive(), "an RTP packet", "Send the packets of 'order'.")
        media = rtp.read(octets)
        seen.append((media.sequence, media.timestamp, media.marker, media.octets) if isinstance(media, Rtp) else None)
    same(seen, [(65535, 7, False, 2), (1, 327, True, 2), (0, 167, False, 2)], "number, timestamp, marker and payload of the packets are")
    report, source = await soon(ours.receive(), "an SR", "After the last packet an SR is sent.")
    sent = _read(report, "SR, then SDES")
    same((sent.packets, sent.octets), (3, 6), "packets and octets of the SR are")
    block = struct.pack("!IIIIII", _SSRC, 0x05FFFFFE, 65537, 3, 4, 5)
    ours.send(struct.pack("!BBHI", 0x81, 201, 7, 99) + block + struct.pack("!BBHIBB", 0x81, SDES, 3, 99, 1, 4) + b"test\0\0", source)
    goodbye, _ = await soon(ours.receive(), "a BYE", "Say BYE at the end.")
    same(_read(goodbye, "SR, SDES, BYE").bye, (_SSRC,), "who leaves is")
    await talk.over("Report 'closed' when BYE is sent.")
    told = one(talk, "report")
    same([told.get(m) for m in ("fraction", "lost", "highest", "jitter", "lsr", "dlsr")], [5, -2, 65537, 3, 4, 5], "the members of 'report' are")
