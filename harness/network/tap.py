"""A host whose stack is somebody else's: a virtual machine's card, on the wire through a TAP.

Owns the TAP and what joins it to the wire within the host's namespace. Who is at its other end is not known here.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct

from harness.network.rtnetlink import Route

_DEVICE = "/dev/net/tun"
_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
_TAP, _BRIDGE = "tap0", "inner"


def open_tap() -> int:
    """A TAP in the namespace that this thread is in, as a file descriptor: a frame with each read and write. Raises ``OSError``."""
    tap = os.open(_DEVICE, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", _TAP.encode(), _IFF_TAP | _IFF_NO_PI))
    except OSError:
        os.close(tap)
        raise
    return tap


def _index(name: str) -> int:
    return socket.if_nametoindex(name)


def join(route: Route, interface: int) -> int:
    """Joins the namespace's ``interface`` and a new TAP by a bridge, so that what leaves the one arrives at the other; returns the TAP. To be
    called in a thread that has entered the namespace. Raises ``OSError``.
    """
    tap = open_tap()
    try:
        route.add_bridge(_BRIDGE)
        for index in (interface, _index(_TAP)):
            route.enslave(index, _index(_BRIDGE))
        for index in (_index(_TAP), _index(_BRIDGE)):
            route.up(index)
    except OSError:
        os.close(tap)
        raise
    return tap
