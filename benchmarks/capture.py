"""Numbered datagrams and then an immediate stop: how many of them the witness saw; beside it, the time that sending them took."""

from __future__ import annotations

import argparse
import asyncio
import socket
import time

from harness.network.netns import Namespaces, inside
from harness.wire.link import Link
from harness.wire.messages import Ask


async def main(count: int, rounds: int) -> None:
    link, network = Link(), Namespaces("a benchmark")
    network.on_host, network.on_drop = link.watch, link.forget
    near, far = network.add("near"), network.add("far")

    def opened(port: int, host: str) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((host, port))
        return made

    target = (far.addresses["ipv4"], 7)
    receiver = inside(far.namespace or 0, lambda: opened(7, target[0]))
    whole = flagged = silent = 0
    sent_for = seen_for = 0.0
    for _ in range(rounds):
        sender = inside(near.namespace or 0, lambda: opened(0, near.addresses["ipv4"]))
        since, began = time.time_ns(), time.perf_counter()
        for number in range(count):
            sender.sendto(number.to_bytes(4, "big"), target)
        sent_for += time.perf_counter() - began
        began = time.perf_counter()
        seen = await link.see(Ask(0, "udp", (sender.getsockname(),), target, (1, 2), since, time.time_ns()))
        seen_for += time.perf_counter() - began
        sender.close()
        link.keep(seen.ticket)
        whole += len(seen.datagrams) == count and not seen.incomplete
        flagged += bool(seen.incomplete)
        silent += len(seen.datagrams) != count and not seen.incomplete
    receiver.close()
    print(f"{rounds} times {count} datagrams: {whole} whole, {flagged} flagged as incomplete, {silent} short and not flagged")
    print(f"sent in {sent_for:.2f} s, answered in {seen_for:.2f} s: ratio {seen_for / sent_for:.2f}")
    for problem in await link.close():
        print(problem)
    network.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    asyncio.run(main(options.count, options.rounds))
