"""Ports where nobody listens, where hosts share theirs with the rest of the machine."""

from __future__ import annotations

import socket

from harness.network.base import Host

HOST = Host("here", {"ipv4": "127.0.0.1"})


def test_a_port_that_somebody_has_is_passed_over() -> None:
    taken = HOST.closed_port("ipv4") + 1
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as somebody:
            somebody.bind(("127.0.0.1", taken))
            assert HOST.closed_port("ipv4") > taken
        taken = HOST.closed_port("ipv4") + 1


def test_the_next_one_is_another_and_none_that_systems_give_out() -> None:
    ports = [HOST.closed_port("ipv4") for _ in range(20)]
    assert len(set(ports)) == len(ports)
    assert all(20_000 <= port < 32_000 for port in ports)
