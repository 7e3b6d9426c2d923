"""What a stream can run over besides TCP: sockets of the Unix domain, pairs of pipe ends, rings in shared memory.

Owns reading and writing without ever blocking the loop. Knows no script: to that each looks like a socket that can also be waited for.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import errno
import mmap
import os
import socket
import struct
import sys
from typing import Any

import posix_calls as posix
from sockets import CHUNK, ready

_DESCRIPTORS = 16
_PATIENT = 0.001
_EAGER_LOOKS = 20


class UnixSocket:
    """A socket of the Unix domain, with the descriptors that came by it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.descriptors: list[int] = []

    def send(self, octets: bytes) -> int:
        """As much as there is room for. Raises ``BlockingIOError``."""
        return self._sock.send(octets)

    async def send_rest(self, octets: memoryview[Any]) -> None:
        """All of it, whenever there is room."""
        await asyncio.get_running_loop().sock_sendall(self._sock, octets)

    async def send_with(self, octets: bytes, descriptor: int) -> int:
        """The first octets, and with them a descriptor (SCM_RIGHTS); how many octets."""
        while True:
            try:
                return socket.send_fds(self._sock, [octets], [descriptor])
            except BlockingIOError:
                await ready(self._sock.fileno(), writing=True)

    async def receive(self) -> bytes:
        """What there is, or the next record; nothing at the end."""
        while True:
            with contextlib.suppress(BlockingIOError, InterruptedError):
                octets, found, *_ = socket.recv_fds(self._sock, CHUNK, _DESCRIPTORS)
                self.descriptors += found
                return octets
            await ready(self._sock.fileno(), writing=False)

    def credentials(self) -> dict[str, int]:
        """Who is at the other end, as the system tells (SO_PEERCRED, unix(7))."""
        held = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return dict(zip(("pid", "uid", "gid"), struct.unpack("3i", held), strict=True))

    def shutdown(self, how: int) -> None:
        """Ends a direction."""
        self._sock.shutdown(how)

    def close(self) -> None:
        """Closes it, and the descriptors that nobody asked for."""
        self._sock.close()
        while self.descriptors:
            os.close(self.descriptors.pop())


def pass_descriptors(sock: socket.socket, descriptors: list[int]) -> None:
    """One octet, and these with it."""
    sock.sendmsg([b"p"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))])


class Ends:
    """The end of a pipe or FIFO to read from, one to write to; either may be missing."""

    def __init__(self, reading: int | None, writing: int | None) -> None:
        self._reading = reading
        self._writing = writing
        for end in (reading, writing):
            if end is not None:
                os.set_blocking(end, False)

    def send(self, octets: bytes) -> int:
        """As much as there is room for, in one write. Raises ``BlockingIOError``."""
        return os.write(self._end_to_write(), octets)

    def _end_to_write(self) -> int:
        if self._writing is None:
            raise OSError(errno.EBADF, "there is no end to write to")
        return self._writing

    async def send_rest(self, octets: memoryview[Any]) -> None:
        """All of it, whenever there is room."""
        while octets:
            await ready(self._end_to_write(), writing=True)
            with contextlib.suppress(BlockingIOError):
                octets = octets[os.write(self._end_to_write(), octets) :]

    async def receive(self) -> bytes:
        """What there is; nothing at the end. It is waited for first: a FIFO that nobody has opened yet reads as ended."""
        if self._reading is None:
            raise OSError(errno.EBADF, "there is no end to read from")
        while True:
            await ready(self._reading, writing=False)
            with contextlib.suppress(BlockingIOError):
                return os.read(self._reading, CHUNK)

    def shutdown(self, how: int) -> None:
        """Closes the end to write to."""
        if self._writing is not None:
            os.close(self._writing)
            self._writing = None

    def close(self) -> None:
        """Closes both."""
        self.shutdown(socket.SHUT_WR)
        if self._reading is not None:
            os.close(self._reading)
            self._reading = None


class Ring:
    """One side of a pair of rings in shared memory (``machine.md``, Shared memory)."""

    HEAD, RINGS = 640, 128
    WRITTEN, READ, ENDED, CLOSED = 0, 64, 128, 192

    def __init__(self, memory: mmap.mmap, capacity: int, mine: int) -> None:
        self._memory = memory
        self._words = memoryview(memory)[: self.HEAD].cast("Q")
        self._capacity = capacity
        self._mine, self._theirs = mine, 1 - mine
        self._closed = False

    def word(self, offset: int) -> int:
        """A number, as one load."""
        return _little(self._words[offset // 8])

    def store(self, offset: int, value: int) -> None:
        """A number, as one store. What was stored before it is seen before it: so it is on x86, and CPython's own locks see to it elsewhere."""
        self._words[offset // 8] = _little(value)

    def _at(self, ring: int, member: int) -> int:
        return self.RINGS + 256 * ring + member

    def send(self, octets: bytes | memoryview[Any]) -> int:
        """As much as there is room for. Raises ``BlockingIOError``, ``BrokenPipeError``."""
        if self.word(self._at(self._mine, self.CLOSED)):
            raise BrokenPipeError(errno.EPIPE, "the reader is gone")
        written = self.word(self._at(self._mine, self.WRITTEN))
        room = self._capacity - (written - self.word(self._at(self._mine, self.READ)))
        if not room:
            raise BlockingIOError(errno.EAGAIN, "the ring is full")
        count = min(room, len(octets))
        self._copy_in(written % self._capacity, bytes(octets[:count]))
        self.store(self._at(self._mine, self.WRITTEN), written + count)
        return count

    def _copy_in(self, start: int, octets: bytes) -> None:
        base, first = self.HEAD + self._mine * self._capacity, min(len(octets), self._capacity - start)
        self._memory[base + start : base + start + first] = octets[:first]
        self._memory[base : base + len(octets) - first] = octets[first:]

    async def send_rest(self, octets: memoryview[Any]) -> None:
        """All of it, whenever there is room."""
        look = _Looking()
        while octets:
            try:
                octets = octets[self.send(octets) :]
                look = _Looking()
            except BlockingIOError:
                await look.again()

    async def receive(self) -> bytes:
        """What there is; nothing at the end."""
        look = _Looking()
        while True:
            ended = self.word(self._at(self._theirs, self.ENDED))  # before the count: nothing is written after it
            read, written = self.word(self._at(self._theirs, self.READ)), self.word(self._at(self._theirs, self.WRITTEN))
            if written > read:
                return self._copy_out(read, min(written - read, CHUNK))
            if ended:
                return b""
            await look.again()

    def _copy_out(self, read: int, count: int) -> bytes:
        base, start = self.HEAD + self._theirs * self._capacity, read % self._capacity
        first = min(count, self._capacity - start)
        octets = self._memory[base + start : base + start + first] + self._memory[base : base + count - first]
        self.store(self._at(self._theirs, self.READ), read + count)
        return octets

    def shutdown(self, how: int) -> None:
        """No more will be written."""
        self.store(self._at(self._mine, self.ENDED), 1)

    def close(self) -> None:
        """Neither written nor read."""
        if self._closed:
            return
        self._closed = True
        self.shutdown(socket.SHUT_WR)
        self.store(self._at(self._theirs, self.CLOSED), 1)
        self._words.release()
        self._memory.close()


class _Looking:
    """Waiting for memory to change: at first again at once, then every millisecond."""

    def __init__(self) -> None:
        self._looks = 0

    async def again(self) -> None:
        """Returns when it is time to look again."""
        self._looks += 1
        await asyncio.sleep(0 if self._looks < _EAGER_LOOKS else _PATIENT)


def _little(value: int) -> int:
    """A native number as little-endian memory holds it, and back."""
    return value if sys.byteorder == "little" else int.from_bytes(value.to_bytes(8, "big"), "little")


def map_memory(name: str, flags: int, octets: int = 0) -> mmap.mmap:
    """The shared memory object, mapped; ``octets``: how large it is made. Raises ``OSError``; ``ValueError`` while it has no size yet."""
    fd = posix.shm_open(name, flags)
    try:
        if octets:
            os.ftruncate(fd, octets)
        return mmap.mmap(fd, octets)
    finally:
        os.close(fd)
