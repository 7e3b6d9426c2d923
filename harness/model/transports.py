"""What carries a conversation: between two hosts over a wire, or between two processes of one machine (``peers/machine.md``)."""

from __future__ import annotations

STREAMS = ("tcp", "unix", "fifo", "pipe", "shared-memory")
"""Octets without boundaries, in two directions, with an end."""
DATAGRAMS = ("udp", "multicast")
"""UDP, to one host or to a group."""
RECORDS = (*DATAGRAMS, "unix-datagram", "unix-seqpacket", "message-queue")
"""What is sent at once comes at once."""
ACCEPTING = (*STREAMS, "unix-seqpacket")
"""A server accepts a connection first, and the end of what was sent can be seen."""
NETWORKED = ("tcp", *DATAGRAMS)
LOCAL = (*(t for t in (*STREAMS, *RECORDS) if t not in NETWORKED), "signal")
"""There only on one machine, without addresses of a family."""
LOCAL_FAMILY = "local"
"""Stands in case ids where other cases have their address family."""
_SHARES = {
    "tcp": "network", "udp": "network", "shared-memory": "ipc", "message-queue": "ipc", "signal": "processes",
}  # fmt: skip


def shares(transport: str, *, abstract: bool, credentials: bool) -> str:
    """What two processes must have in common for it: ``network``, ``folder``, ``ipc`` or ``processes`` (a folder, too). ``abstract``: its
    name is not in a folder (unix(7)); ``credentials``: process ids are compared.
    """
    if credentials:
        return "processes"
    return "network" if abstract else _SHARES.get(transport, "folder")
