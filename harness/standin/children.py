"""Processes that are gone when this one is."""

from __future__ import annotations

import ctypes
import signal
import sys
from typing import Any

_PR_SET_PDEATHSIG = 1


def bound() -> dict[str, Any]:
    """Arguments of a subprocess that must not outlive its maker."""
    if sys.platform != "linux":
        return {}
    prctl = ctypes.CDLL(None).prctl
    return {"preexec_fn": lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)}
