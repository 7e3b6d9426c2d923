"""What POSIX has and Python's own library does not: shared memory objects, message queues, queued signals, by ctypes.

Owns the calls and their structures. Knows no conversation.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
from collections.abc import Sequence
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
_SET_OCTETS = 128
_INFO = struct.Struct("=IiiIIiIIIIii")
SIGINFO_OCTETS = 128
_SI_QUEUE = -1
_NONBLOCK, _CLOEXEC = os.O_NONBLOCK, getattr(os, "O_CLOEXEC", 0)


class _Attributes(ctypes.Structure):
    """``struct mq_attr`` of Linux (mq_getattr(3))."""

    _fields_ = [(name, ctypes.c_long) for name in ("flags", "messages", "size", "held")] + [("reserved", ctypes.c_long * 4)]


class _Value(ctypes.Union):
    """``union sigval``."""

    _fields_ = [("number", ctypes.c_int), ("pointer", ctypes.c_void_p)]


def _call(name: str, *arguments: Any) -> int:
    """A function of the C library; raises its errno."""
    result = int(getattr(_libc, name)(*arguments))
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def lacking(function: str) -> str:
    """Why there is no such function here; empty if there is."""
    if sys.platform != "linux":
        return "reached by ctypes, which was written for Linux alone"
    return "" if hasattr(_libc, function) else f"the C library has no {function}"


# -- shared memory --------------------------------------------------------------------------------------------


def shm_open(name: str, flags: int) -> int:
    """A descriptor of the shared memory object (shm_open(3)). Raises ``OSError``."""
    return _call("shm_open", name.encode(), ctypes.c_int(flags | _CLOEXEC), ctypes.c_uint(0o600))


def shm_unlink(name: str) -> None:
    """Takes its name away. Raises ``OSError``."""
    _call("shm_unlink", name.encode())


# -- message queues -------------------------------------------------------------------------------------------


class Queue:
    """A message queue that never waits: ``BlockingIOError`` where it would. Its ``fd`` can be polled (Linux: mq_overview(7))."""

    def __init__(self, name: str, flags: int, room: tuple[int, int] | None = None) -> None:
        attributes = _Attributes(0, *room, 0) if room else None
        argument = ctypes.byref(attributes) if attributes is not None else None
        self.fd = _call("mq_open", name.encode(), ctypes.c_int(flags | _NONBLOCK | _CLOEXEC), ctypes.c_uint(0o600), argument)
        self._size = self._look().size

    def _look(self) -> _Attributes:
        found = _Attributes()
        _call("mq_getattr", self.fd, ctypes.byref(found))
        return found

    @property
    def held(self) -> int:
        """How many messages are in it."""
        return int(self._look().held)

    def send(self, octets: bytes, priority: int) -> None:
        """Puts one message in. Raises ``OSError``."""
        _call("mq_send", self.fd, octets, ctypes.c_size_t(len(octets)), ctypes.c_uint(priority))

    def receive(self) -> tuple[bytes, int]:
        """Takes the oldest of the highest priority, and that. Raises ``OSError``."""
        held, priority = ctypes.create_string_buffer(self._size), ctypes.c_uint()
        count = _call("mq_receive", self.fd, held, ctypes.c_size_t(self._size), ctypes.byref(priority))
        return held.raw[:count], priority.value

    def close(self) -> None:
        """Closes the descriptor."""
        os.close(self.fd)


def mq_unlink(name: str) -> None:
    """Takes its name away. Raises ``OSError``."""
    _call("mq_unlink", name.encode())


# -- signals --------------------------------------------------------------------------------------------------


def signal_number(name: str) -> int:
    """The number of a signal named as POSIX does, without SIG. Raises ``ValueError``."""
    base, plus, offset = name.partition("+")
    try:
        number = int(signal.Signals[f"SIG{base}"]) + (int(offset) if plus else 0)
    except KeyError:
        raise ValueError(f"there is no signal {name!r}") from None
    if plus and not (base == "RTMIN" and number <= signal.SIGRTMAX):
        raise ValueError(f"there is no signal {name!r}")
    return number


def sigqueue(pid: int, number: int, value: int) -> None:
    """Sends a signal with a value (sigqueue(3)). Raises ``OSError``."""
    held = _Value()
    held.number = value
    _call("sigqueue", ctypes.c_int(pid), ctypes.c_int(number), held)


def signalfd(numbers: Sequence[int], fd: int = -1) -> int:
    """A descriptor that gives pending signals of these (which must be blocked), or ``fd`` changed to them (signalfd(2))."""
    mask = sum(1 << (number - 1) for number in numbers).to_bytes(_SET_OCTETS, "little" if sys.byteorder == "little" else "big")
    return _call("signalfd", fd, mask, _NONBLOCK | _CLOEXEC)


def siginfo(octets: bytes) -> tuple[int, int, int | None]:
    """(number, sender's process id, value if it was queued with one) of what such a descriptor gave."""
    number, _, code, pid, *_rest, value = _INFO.unpack_from(octets)
    return number, pid, value if code == _SI_QUEUE else None
