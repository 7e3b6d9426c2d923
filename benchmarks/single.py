"""One conversation: through the living harness, by a pair of fresh processes, and by a pair of ``docker run``.

The same two peers hold the same TCP echo of 1,000 octets each time. Fresh means: started, greeted, one conversation, ended. All interleaved.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Awaitable, Callable

from bench import Stage, echo_scenario, median, run, stage
from harness.launch import docker
from harness.model.case import Case


async def _through_the_harness(client: str, server: str, s: Stage) -> float:
    case = Case(echo_scenario(), client, server, "ipv4")
    began = time.perf_counter()
    await s.verified(case, 1, 1)
    return time.perf_counter() - began


def _fresh(launcher: str) -> Callable[[str, str, Stage], Awaitable[float]]:
    async def hold(client: str, server: str, s: Stage) -> float:
        began = time.perf_counter()
        async with stage({client, server}, launcher, one_each=(client, server)) as fresh:
            await fresh.verified(Case(echo_scenario(), client, server, "ipv4"), 1, 1)
        return time.perf_counter() - began

    return hold


async def main(client: str, server: str, rounds: int) -> None:
    ways = {"through the harness": _through_the_harness, "fresh processes": _fresh("process")}
    if not docker.problem():
        ways["docker run pair"] = _fresh("docker")
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    async with stage({client, server}) as s:
        for _ in range(rounds + 1):
            for name, hold in ways.items():
                seconds[name].append(await hold(client, server, s))
    base = median(seconds["through the harness"][1:])
    print(f"{client}-{server}, medians of {rounds} rounds")
    for name, values in seconds.items():
        value = median(values[1:])
        print(f"{name:<22}{value * 1000:>10.2f} ms{value / base:>10.1f} times")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pair", nargs="?", default="go-c", help="client-server")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    run(main(*options.pair.split("-", 1), options.rounds))
