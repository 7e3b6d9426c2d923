"""Turns an interface's offloads off, so that what a capture shows is what a wire would carry (Linux ``ethtool`` ioctls).

Owns that one setting. Knows no namespace: it is about the one that the calling thread is in.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct

_SIOCETHTOOL, _SET_TX_CHECKSUM, _SET_SEGMENTATION = 0x8946, 0x17, 0x1F


def send_as_it_is(interface: str) -> None:
    """Lets no frame leave ``interface`` larger than its MTU or without its checksum. Raises ``OSError`` where that is not allowed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in (_SET_TX_CHECKSUM, _SET_SEGMENTATION):
            value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
            request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(value))
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
