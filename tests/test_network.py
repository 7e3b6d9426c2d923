"""Namespaces and wires, for real where they are allowed; and rtnetlink's messages as octets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import NetworkError
from harness.launch.choose import loopback_families
from harness.network.base import SERVICE_PORTS, Loopback

if sys.platform != "linux":
    pytest.skip("network namespaces are Linux's", allow_module_level=True)

from harness.network import netns, rtnetlink

needs_namespaces = pytest.mark.skipif(bool(netns.can_make_namespaces()), reason=f"no namespaces: {netns.can_make_namespaces()}")
pytestmark = pytest.mark.interop


def _count() -> int:
    return len({p.readlink() for p in Path("/proc").glob("[0-9]*/ns/net") if p.exists()})


def test_attributes_are_padded_to_four_octets() -> None:
    assert rtnetlink.attribute(3, b"eth0\0") == b"\x09\x00\x03\x00eth0\0\0\0\0"


def test_macs_are_locally_administered_and_differ() -> None:
    macs = {netns.mac(n) for n in range(1000)}
    assert len(macs) == 1000
    assert all(m[0] & 2 and not m[0] & 1 for m in macs)


@needs_namespaces
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_hosts_reach_each_other_and_nothing_else(family: str) -> None:
    network = netns.Namespaces("test")
    try:
        one, two = network.add("one"), network.add("two")
        kind = socket.AF_INET6 if family == "ipv6" else socket.AF_INET
        assert one.namespace is not None
        assert two.namespace is not None
        listener = netns.inside(one.namespace, lambda: socket.create_server((one.addresses[family], 7), family=kind))
        client = netns.inside(two.namespace, lambda: socket.create_connection((one.addresses[family], 7), 5))
        assert client.getsockname()[0] == two.addresses[family]
        outside = {"ipv4": "192.0.2.1", "ipv6": "2001:db8:1::1"}[family]
        with pytest.raises(OSError, match="unreachable"):
            netns.inside(two.namespace, lambda: socket.create_connection((outside, 7), 5))
        client.close()
        listener.close()
    finally:
        network.close()
        network.close()


@needs_namespaces
def test_this_process_stays_where_it_was() -> None:
    before = Path("/proc/self/ns/net").readlink()
    network = netns.Namespaces("test")
    network.add("one")
    assert Path("/proc/self/ns/net").readlink() == before
    network.close()


@needs_namespaces
def test_a_host_can_be_dropped_and_made_again() -> None:
    network = netns.Namespaces("test")
    try:
        network.add("stays")
        for _ in range(5):
            network.drop(network.add("comes and goes"))
        descriptors = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(5):
            network.drop(network.add("comes and goes"))
        assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    finally:
        network.close()


@needs_namespaces
def test_nothing_is_left_of_a_killed_process() -> None:
    words = "import sys, time; from harness.network import netns; n = netns.Namespaces('x'); n.add('a'); print('up', flush=True); time.sleep(60)"
    before = _count()
    process = subprocess.Popen([sys.executable, "-c", words], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.2)
    assert _count() <= before
    assert not [line for line in Path("/proc/net/dev").read_text().splitlines() if line.strip().startswith("p1:")]


def test_loopback_has_no_ports_of_its_own() -> None:
    network = Loopback(families=loopback_families())
    host = network.add("one")
    assert [host.port(s) for s in SERVICE_PORTS] == [0] * len(SERVICE_PORTS)
    with pytest.raises(NetworkError):
        network.adopt("one", os.getpid())


def test_the_ports_are_those_of_the_rfcs() -> None:
    assert sorted(SERVICE_PORTS.values()) == [7, 9, 13, 17, 19, 21, 25, 37, 53, 80, 5004]
