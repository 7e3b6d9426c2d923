"""Processes that do not outlive whoever made them. Needs nothing: what stands in for a program has it too."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def binder() -> Callable[[], object] | None:
    """What a child calls to be killed when its maker ends; None where there is no such thing. Made before a fork, so that the child need
    not load a library.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
