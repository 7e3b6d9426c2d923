"""Verified conversations a second, beside the raw rate of the same two peers without the harness's reports.

Both sides run interleaved in one loop, because machines drift: only the ratio counts. TCP echo of 1,000 octets, 64 in flight, client-server.
"""

from __future__ import annotations

import argparse

from bench import echo_scenario, median, run, stage
from harness.model.case import Case

PAIRS = ("go-c", "c-go", "go-go", "node-node", "python-python", "c-c")


async def main(pairs: list[tuple[str, str]], count: int, rounds: int, jobs: int) -> None:
    names = {name for pair in pairs for name in pair}
    print(f"{'client-server':<16}{'verified/s':>12}{'raw/s':>12}{'ratio':>8}   ({jobs} in flight, medians of {rounds} rounds)")
    async with stage(names) as s:
        for client, server in pairs:
            case = Case(echo_scenario(), client, server, "ipv4")
            await s.verified(case, 200, jobs)
            await s.raw(client, server, 200, jobs)
            verified, raw = [], []
            for _ in range(rounds):
                verified.append(await s.verified(case, count, jobs))
                raw.append(await s.raw(client, server, count, jobs))
            ratio = median([v / r for v, r in zip(verified, raw, strict=True)])
            print(f"{client + '-' + server:<16}{median(verified):>12,.0f}{median(raw):>12,.0f}{ratio:>8.2f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", nargs="*", default=list(PAIRS), help="client-server, such as go-c")
    parser.add_argument("--count", type=int, default=5000, help="conversations a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=64)
    options = parser.parse_args()
    run(main([tuple(p.split("-", 1)) for p in options.pairs], options.count, options.rounds, options.jobs))
