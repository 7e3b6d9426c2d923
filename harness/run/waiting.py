"""Waiting for what a peer reports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from harness.run.peer import LivePeer
from harness.run.service import Activity


async def wait_until(activity: Activity, peer: LivePeer, ready: Callable[[], bool], seconds: float) -> bool:
    """Waits until ``ready``, at most ``seconds``; False when the time is over or the peer is of no more use."""
    if ready():
        return True
    loop = asyncio.get_running_loop()
    limit = loop.time() + seconds
    timer = loop.call_later(seconds, activity.wake)
    try:
        while peer.alive and loop.time() < limit:
            activity.waiter = loop.create_future()
            await activity.waiter
            if ready():
                return True
    finally:
        activity.waiter = None
        timer.cancel()
    return ready()
