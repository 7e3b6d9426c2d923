"""From start to the first conversation, platform by platform: a peer there, as server, and the same peer of this system as its client.

All is built and prepared before. Each round starts everything anew: the network, the machine where the platform is one, the two peers; and
ends when a TCP echo of 1,000 octets was held and judged. Interleaved, beside a pair of this system alone.
"""

from __future__ import annotations

import argparse
import time

from bench import echo_scenario, median, run, stage
from harness.errors import ToolError
from harness.model.case import Case
from harness.peer.manifest import guests
from harness.peer.tools import Toolbox
from harness.pipeline import STATE, load_peers, load_platforms


def there(peer: str) -> list[str]:
    """The peer on each platform whose programs are here."""
    box, found = Toolbox(STATE / "tools", print), []
    for name, guest in guests(load_peers(), load_platforms()).items():
        assert guest.platform
        try:
            for tool in guest.platform.tools:
                box.find(guest.platform, tool)
        except ToolError as error:
            print(f"left out: {error}")
            continue
        found += [name] if name.startswith(f"{peer}@") else []
    return found


async def first(server: str, client: str) -> float:
    """Seconds from nothing to a judged conversation."""
    began = time.perf_counter()
    async with stage({client, server}, one_each=(client, server)) as fresh:
        await fresh.verified(Case(echo_scenario(), client, server, "ipv4"), 1, 1)
        return time.perf_counter() - began


async def main(peer: str, rounds: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in (peer, *there(peer))}
    for _ in range(rounds + 1):
        for name, values in seconds.items():
            values.append(await first(name, peer))
    base = median(seconds[peer][1:])
    print(f"start to first conversation, medians of {rounds} rounds")
    for name, values in seconds.items():
        value = median(values[1:])
        print(f"{name:<22}{value:>10.2f} s{value / base:>10.1f} times")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", nargs="?", default="c")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    run(main(options.peer, options.rounds))
