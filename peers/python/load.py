"""The ``load`` command: as many echo conversations as possible, without reports. For benchmarks only."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import payload
import sockets
from report import Reporter, now


async def run(command: dict[str, Any], reporter: Reporter) -> None:
    """Holds them all, and reports how many failed."""
    octets = payload.octets(command["payload"])
    total, begun, failed, t0 = int(command["conversations"]), 0, 0, now()

    async def worker() -> None:
        nonlocal begun, failed
        while begun < total:
            begun += 1
            try:
                got = await _one((command["address"], command["port"]), octets)
            except OSError:
                got = -1
            failed += got != len(octets)

    await asyncio.gather(*(worker() for _ in range(min(int(command["parallel"]), total))))
    reporter.step("loaded", conversations=total, failed=failed, t0=t0)
    reporter.done()


async def _one(target: tuple[str, int], octets: bytes) -> int:
    loop = asyncio.get_running_loop()
    with sockets.make("tcp", target[0]) as sock:
        await loop.sock_connect(sock, target)
        sockets.no_delay(sock)
        await loop.sock_sendall(sock, octets)
        sock.shutdown(socket.SHUT_WR)
        count = 0
        while data := await loop.sock_recv(sock, sockets.CHUNK):
            count += len(data)
        return count
