"""Linux network namespaces that nothing names: each is held by a file descriptor and gone when this process is.

Owns hosts in namespaces, one switch (a bridge in a namespace of its own) and a wire from it to each host. Addresses come from
the ranges for benchmarks and documentation (RFC 2544, RFC 3849); there is no route out. Knows no peer.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from harness.errors import NetworkError
from harness.network import tap
from harness.network.base import Host, OnHost, nobody
from harness.network.machine import Names
from harness.network.offload import send_as_it_is
from harness.network.rtnetlink import Route

CLONE_NEWNET, CLONE_NEWUSER, CLONE_NEWIPC = 0x40000000, 0x10000000, 0x08000000
_KINDS = {CLONE_NEWNET: "net", CLONE_NEWIPC: "ipc"}
PREFIX = {"ipv4": 16, "ipv6": 64}
_NOWHERE = {"ipv4": "198.18.255.254", "ipv6": "2001:db8::fffe"}
_NEAR, _FAR, _SWITCH = "p{number}", "eth0", "switch"
SETTINGS = {
    "net/ipv6/conf/all/disable_ipv6": "0",
    "net/ipv6/conf/default/disable_ipv6": "0",
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    # thousands of short connections a second between the same two addresses would run out of ports in TIME-WAIT
    "net/ipv4/ip_local_port_range": "2048 65535",
    "net/ipv4/tcp_tw_reuse": "1",
    "net/ipv4/tcp_max_tw_buckets": "262144",
    # newer kernels send the first SYNs again without backing off; the hosts here do as RFC 9293 3.8.1 says
    "net/ipv4/tcp_syn_linear_timeouts": "0",
    # a listener that is out of room and answers with cookies forgets the handshake, and resets what comes after it
    "net/ipv4/tcp_syncookies": "0",
}
_SILENT = {"net/ipv6/conf/all/disable_ipv6": "1", "net/ipv6/conf/default/disable_ipv6": "1"}
"""Where somebody else's stack has the wire, this one keeps off it."""
_OWN, _OUTER = 0x02, 0x06
T = TypeVar("T")
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: int) -> None:
    if getattr(_libc, name)(*arguments):
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def inside(namespace: int, work: Callable[[], T]) -> T:
    """Does ``work`` in a thread of its own that has entered the namespace. What it opens there stays there."""

    def entered() -> T:
        _call("setns", namespace, CLONE_NEWNET)
        return work()

    return _in_thread(entered)


def _in_thread(work: Callable[[], T]) -> T:
    """Does ``work`` in a thread that is gone afterwards: a pool's thread would keep the foreign namespace."""
    done: Future[T] = Future()

    def body() -> None:
        try:
            done.set_result(work())
        except OSError as error:
            done.set_exception(error)

    thread = threading.Thread(target=body, name="namespace")
    thread.start()
    thread.join()
    return done.result(timeout=0)


def new_namespace(kind: int = CLONE_NEWNET) -> int:
    """A new, empty namespace of a kind (the network's), as a file descriptor. Raises ``OSError`` if that is not allowed here."""

    def make() -> int:
        _call("unshare", kind)
        return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/{_KINDS[kind]}", os.O_RDONLY | os.O_CLOEXEC)

    return _in_thread(make)


def enter_user_namespace() -> None:
    """Makes this process root of a user namespace of its own, so that an ordinary user may make network namespaces.

    Must come before any thread. Raises ``OSError`` where the system does not allow it.
    """
    user, group = os.geteuid(), os.getegid()
    _call("unshare", CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def can_make_namespaces() -> str:
    """Empty if this process may make and furnish network namespaces now, else the reason in words."""
    try:
        network = Namespaces("a trial")
        try:
            network.add("trial")
        finally:
            network.close()
    except (OSError, NetworkError) as error:
        return str(error).splitlines()[0]
    return ""


def can_plug_machines() -> str:
    """Empty if this process may put a machine's card on a wire, else the reason in words."""
    try:
        network = Namespaces("a trial")
        try:
            os.close(network.add_foreign("trial")[1])
        finally:
            network.close()
    except (OSError, NetworkError) as error:
        return str(error).splitlines()[0]
    return ""


def mac(number: int, first: int = _OWN) -> bytes:
    """The link-layer address of host ``number``: locally administered, and readable in a capture. Of a host whose stack is elsewhere, the
    wire's end here has another ``first`` octet, since a bridge keeps what is addressed to its own ports.
    """
    return bytes((first, 0x00, 198, 18, number >> 8, number & 0xFF))


def nowhere() -> list[tuple[str, str]]:
    """The addresses that no host has, and the link-layer address that nobody takes, as texts."""
    return [(address, mac(0xFFFE).hex(":")) for address in _NOWHERE.values()]


class Namespaces:
    """Hosts in namespaces around one switch."""

    name = "netns"
    unseen = ""

    def __init__(self, why: str) -> None:
        self.why = why
        self.on_host: OnHost = nobody
        self.on_drop: OnHost = nobody
        self._hosts: dict[int, tuple[int, Host, Route, int]] = {}
        self._foreign: set[int] = set()
        """Namespaces of hosts whose stack is elsewhere: they know their neighbours themselves."""
        """By namespace: a peer that is started again takes its place before the last one has left it."""
        self._count = 0
        self._machine: Host | None = None
        try:
            self._switch = new_namespace()
            self._switch_route = inside(self._switch, Route)
            inside(self._switch, lambda: _write_settings(SETTINGS))
            self._switch_route.add_bridge(_SWITCH)
            self._bridge = inside(self._switch, lambda: socket.if_nametoindex(_SWITCH))
            self._switch_route.up(self._bridge)
        except OSError as error:
            raise NetworkError(f"no network namespace can be made here: {error.strerror or error}") from None

    def add(self, name: str) -> Host:
        try:
            return self._plug(name, new_namespace())
        except OSError as error:
            raise NetworkError(f"host {name}: {error.strerror or error}") from None

    def machine(self) -> Host:
        if self._machine is None:
            try:
                namespace, ipc = new_namespace(), new_namespace(CLONE_NEWIPC)
                inside(namespace, lambda: _write_settings(SETTINGS))
                route = inside(namespace, Route)
                route.up(1)
                route.close()
            except OSError as error:
                raise NetworkError(f"one machine for all: {error.strerror or error}") from None
            self._machine = Host("machine", {"ipv4": "127.0.0.1", "ipv6": "::1"}, namespace, names=Names(), ipc=ipc)
        return self._machine

    def adopt(self, name: str, pid: int) -> Host:
        try:
            return self._plug(name, os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        except OSError as error:
            raise NetworkError(f"host {name}: the namespace of process {pid} cannot be wired: {error.strerror or error}") from None

    def add_foreign(self, name: str) -> tuple[Host, int]:
        """A host whose stack is at the other end of a TAP, which comes with it as a file descriptor: a card with the host's link-layer address
        is to be put there (``mac``). Raises ``NetworkError``.
        """
        try:
            namespace = new_namespace()
            self._foreign.add(namespace)
            host, route, index = self._wire(name, namespace, _SILENT, _OUTER)
            joined = inside(namespace, lambda: tap.join(route, index))
            route.up(index)
            self._introduce(namespace, host.number, host, route, index)
        except OSError as error:
            raise NetworkError(f"host {name}: no card can be put on the wire: {error.strerror or error}") from None
        return host, joined

    def _wire(self, name: str, namespace: int, settings: dict[str, str], first: int) -> tuple[Host, Route, int]:
        """A namespace with its end of a new wire, not up yet; its link-layer address begins with ``first``."""
        self._count += 1
        number = self._count
        addresses = {"ipv4": f"198.18.{number >> 8}.{number & 0xFF}", "ipv6": f"2001:db8::{number:x}"}
        inside(namespace, lambda: _write_settings(settings))
        self._switch_route.add_wire(_NEAR.format(number=number), self._bridge, _FAR, namespace, mac(number, first))
        route = inside(namespace, Route)
        route.up(1)
        index = inside(namespace, _furnish)
        host = Host(name, addresses, namespace, own_ports=True, number=number, nowhere=_NOWHERE, interface=_FAR)
        self.on_host(host)
        return host, route, index

    def _plug(self, name: str, namespace: int) -> Host:
        host, route, index = self._wire(name, namespace, SETTINGS, _OWN)
        addresses, number = host.addresses, host.number
        route.up(index)
        for family, address in addresses.items():
            route.add_address(index, family, address, PREFIX[family])
        self._introduce(namespace, number, host, route, index)
        return host

    def _introduce(self, namespace: int, number: int, host: Host, route: Route, index: int) -> None:
        """Makes the new host and all others each other's permanent neighbours; what is nowhere has a link-layer address that nobody takes."""
        own = namespace not in self._foreign
        if own:
            route.add_neighbours(index, [(family, address, mac(0xFFFE)) for family, address in _NOWHERE.items()])
        for there, (other_number, other, other_route, other_index) in self._hosts.items():
            if own:
                route.add_neighbours(index, [(f, a, mac(other_number)) for f, a in other.addresses.items()])
            if there in self._foreign:
                continue
            other_route.add_neighbours(other_index, [(f, a, mac(number)) for f, a in host.addresses.items()])
        self._hosts[namespace] = (number, host, route, index)

    def entrance(self, host: Host) -> Callable[[], None] | None:
        namespace, ipc = host.namespace, host.ipc
        if namespace is None:
            return None
        setns = _libc.setns

        def enter() -> None:
            if setns(namespace, CLONE_NEWNET) or (ipc is not None and setns(ipc, CLONE_NEWIPC)):
                os._exit(126)

        return enter

    def drop(self, host: Host) -> None:
        if host.names:
            return
        assert host.namespace is not None
        number, _, route, _ = self._hosts.pop(host.namespace)
        self._foreign.discard(host.namespace)
        self.on_drop(host)
        route.close()
        with contextlib.suppress(OSError):
            self._switch_route.delete(inside(self._switch, lambda: socket.if_nametoindex(_NEAR.format(number=number))))
        os.close(host.namespace)

    def close(self) -> None:
        for _, host, _, _ in list(self._hosts.values()):
            self.drop(host)
        self._drop_machine()
        if self._switch >= 0:
            self._switch_route.close()
            os.close(self._switch)
            self._switch = -1

    def _drop_machine(self) -> None:
        machine, self._machine = self._machine, None
        if machine is None:
            return
        assert machine.names and machine.namespace is not None and machine.ipc is not None
        machine.names.remove()
        os.close(machine.namespace)
        os.close(machine.ipc)


def _furnish() -> int:
    """Prepares the interface of the namespace that this thread is in; returns its index."""
    with contextlib.suppress(OSError):  # a kernel that cannot: the capture then shows larger frames
        send_as_it_is(_FAR)
    return socket.if_nametoindex(_FAR)


def _write_settings(settings: dict[str, str]) -> None:
    """Sets what this namespace lets us set. A kernel without one of them goes on without it."""
    for name, value in settings.items():
        with contextlib.suppress(OSError):
            Path("/proc/sys", name).write_text(value)
