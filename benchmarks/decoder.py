"""Frames a second that the wire decoder reads on one core, beside dpkt and scapy: the same frames, turn by turn."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from harness.wire.checksum import transport
from harness.wire.packet import decode
from tests import frames as f

ROUNDS = 15
TURN = 0.02  # seconds that each decoder gets, at least, in a round


def some_frames() -> list[bytes]:
    """What a conversation is made of, in both families: segments full and empty, datagrams, an error."""
    found = []
    for client, server in ((f.CLIENT, f.SERVER), (f.CLIENT6, f.SERVER6)):
        found += [frame for _, _, frame in f.conversation(client, server, b"x" * 6000, b"y" * 6000)]
        found += [f.udp(client, server, b"x" * 100), f.icmp_unreachable(f.udp(client, server, b"x" * 100))]
    return found


def decoders() -> dict[str, Callable[[bytes], object]]:
    """What is there to compare, by name; the first is the one that counts."""
    found: dict[str, Callable[[bytes], object]] = {"parley, headers": decode}
    found["parley, headers and checksums"] = lambda frame: transport(frame, decode(frame))
    try:
        from dpkt.ethernet import Ethernet

        found["dpkt"] = Ethernet
    except ImportError:
        print("dpkt is not installed")
    try:
        from scapy.layers import inet, inet6, l2

        assert inet and inet6
        found["scapy"] = l2.Ether
    except ImportError:
        print("scapy is not installed")
    return found


def turn(work: Callable[[bytes], object], frames: list[bytes]) -> float:
    """Frames a second in one turn."""
    done, began = 0, time.perf_counter()
    while (seconds := time.perf_counter() - began) < TURN or not done:
        for frame in frames:
            work(frame)
        done += len(frames)
    return done / seconds


def main() -> None:
    frames, named = some_frames(), decoders()
    rates: dict[str, list[float]] = {name: [] for name in named}
    for _ in range(ROUNDS):
        for name, work in named.items():
            rates[name].append(turn(work, frames))
    first = next(iter(rates.values()))
    print(f"{'decoder':<32}{'frames/s':>12}{'ratio':>8}   (medians of {ROUNDS} rounds; ratio: how many times the first is as fast)")
    for name, values in rates.items():
        ratio = statistics.median([a / b for a, b in zip(first, values, strict=True)])
        print(f"{name:<32}{statistics.median(values):>12,.0f}{ratio:>8.1f}")


if __name__ == "__main__":
    main()
