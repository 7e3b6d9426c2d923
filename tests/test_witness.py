"""The witness on a real wire: what left a host is in the capture to the last frame, or it is said that something is missing."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from harness.network.base import Host
from harness.wire.capture import SLOTS
from harness.wire.messages import Ask

pytestmark = [pytest.mark.interop, pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")]
COUNT = 1000


class Wire:
    """Two hosts and the witness that watches them."""

    def __init__(self) -> None:
        from harness.network.netns import Namespaces
        from harness.wire.link import Link

        self.link = Link()
        self.network = Namespaces("a test")
        self.network.on_host, self.network.on_drop = self.link.watch, self.link.forget
        self.near, self.far = self.network.add("near"), self.network.add("far")

    def socket(self, host: Host, kind: int, port: int = 0) -> socket.socket:
        from harness.network.netns import inside

        made = inside(host.namespace or 0, lambda: socket.socket(socket.AF_INET, kind))
        made.bind((host.addresses["ipv4"], port))
        return made

    def ask(self, transport: str, client: tuple[str, int], since: int, **members: Any) -> Ask:
        return Ask(0, transport, (client,), (self.far.addresses["ipv4"], 7), (1, 2), since, time.time_ns(), **members)

    async def close(self) -> tuple[str, ...]:
        problems = await self.link.close()
        self.network.close()
        return problems


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    from harness.network.netns import can_make_namespaces

    problem = can_make_namespaces()
    if problem:
        pytest.skip(f"no network namespaces: {problem}")
    made = Wire()
    yield made
    await made.close()


@pytest.mark.parametrize("attempt", range(5))
async def test_datagrams_and_then_an_immediate_stop(wire: Wire, attempt: int) -> None:
    with wire.socket(wire.far, socket.SOCK_DGRAM, 7), wire.socket(wire.near, socket.SOCK_DGRAM) as sender:
        since = time.time_ns()
        for number in range(COUNT):
            sender.sendto(number.to_bytes(4, "big"), (wire.far.addresses["ipv4"], 7))
        seen = await wire.link.see(wire.ask("udp", sender.getsockname(), since))
    assert seen.incomplete or len(seen.datagrams) == COUNT
    assert seen.incomplete or all(d.left and d.checksum == "ok" for d in seen.datagrams)


async def test_what_happened_while_the_clock_was_set_is_no_evidence(wire: Wire) -> None:
    """Frames are told apart by the wall clock: after a jump they may be another conversation's."""
    since = time.time_ns()
    with wire.socket(wire.far, socket.SOCK_DGRAM, 7), wire.socket(wire.near, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", (wire.far.addresses["ipv4"], 7))
        seen = await wire.link.see(wire.ask("udp", sender.getsockname(), since, stepped="the clock was set"))
    assert seen.incomplete == "the clock was set"


async def test_a_connection_as_it_was(wire: Wire, tmp_path: Path) -> None:
    from harness.wire import pcapng

    with wire.socket(wire.far, socket.SOCK_STREAM, 7) as listener, wire.socket(wire.near, socket.SOCK_STREAM) as client:
        listener.listen()
        since = time.time_ns()
        client.connect(listener.getsockname())
        near = client.getsockname()
        served, _ = listener.accept()
        client.sendall(b"x" * 30_000)
        client.shutdown(socket.SHUT_WR)
        while served.recv(65536):
            pass
        served.close()
        assert client.recv(1) == b""
        seen = await wire.link.see(wire.ask("tcp", near, since, client_cuts=((10_000, 20_000),)))
    (flow,) = seen.flows
    assert (flow.established, flow.settled, flow.client.octets, flow.server.octets) == (True, True, 30_000, 0)
    assert [(s.start, s.octets) for s in flow.client.slices] == [(0, 10_000), (10_000, 20_000)]
    assert (flow.client.bad_checksum_frame, flow.server.bad_checksum_frame, flow.client.mss) == (0, 0, 1460)
    file = tmp_path / "case.pcapng"
    wire.link.keep(seen.ticket, str(file), "a case")
    assert await wire.close() == ()
    with file.open("rb") as opened:
        frames = list(pcapng.read(opened))
    assert len(frames) == seen.total_frames
    assert [f[3] for f in frames] == ["a case"] + [""] * (len(frames) - 1)
    assert max(len(f[2]) for f in frames) <= 1514


async def test_a_witness_that_was_killed_leaves_no_evidence_and_no_hang(wire: Wire) -> None:
    os.kill(wire.link._process.pid, signal.SIGKILL)
    seen = await asyncio.wait_for(wire.link.see(wire.ask("tcp", ("198.18.0.1", 5), time.time_ns())), 5)
    assert "ended before its time" in seen.incomplete
    assert "ended before its time" in (await wire.link.see(wire.ask("udp", ("198.18.0.1", 5), time.time_ns()))).incomplete


async def test_frames_that_the_ring_had_no_room_for_are_missed(wire: Wire) -> None:
    """Also where none comes after them that could tell of it; what was before them is whole, and so is what comes later."""
    with wire.socket(wire.far, socket.SOCK_DGRAM, 7), wire.socket(wire.near, socket.SOCK_DGRAM) as sender:
        there = (wire.far.addresses["ipv4"], 7)
        since = time.time_ns()
        sender.sendto(b"before", there)
        before = await wire.link.see(wire.ask("udp", sender.getsockname(), since))
        os.kill(wire.link._process.pid, signal.SIGSTOP)
        since = time.time_ns()
        for _ in range(SLOTS + COUNT):
            sender.sendto(b"x", there)
        os.kill(wire.link._process.pid, signal.SIGCONT)
        seen = await wire.link.see(wire.ask("udp", sender.getsockname(), since))
        since = time.time_ns()
        sender.sendto(b"after", there)
        after = await wire.link.see(wire.ask("udp", sender.getsockname(), since))
    assert not before.incomplete
    assert seen.incomplete.startswith("the capture at near lost 1,0")
    assert not after.incomplete


async def test_a_capture_that_cannot_be_written_costs_nothing_else(wire: Wire, tmp_path: Path) -> None:
    with wire.socket(wire.near, socket.SOCK_DGRAM) as sender:
        since = time.time_ns()
        sender.connect((wire.far.addresses["ipv4"], 7))
        sender.send(b"x")
        sender.settimeout(5)
        with pytest.raises(ConnectionRefusedError):
            sender.recv(1)  # by now the refusal was on the wire
        seen = await wire.link.see(wire.ask("udp", sender.getsockname(), since))
    assert [e.what for e in seen.errors] == ["port"]
    (tmp_path / "file").write_text("in the way")
    wire.link.keep(seen.ticket, str(tmp_path / "file" / "x.pcapng"))
    problems = await wire.close()
    assert len(problems) == 1
    assert "x.pcapng" in problems[0]
