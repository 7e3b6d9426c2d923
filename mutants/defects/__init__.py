"""All defects by name. Each is a subclass of a class of ``peers/python`` that takes its place for the whole life of the peer.

What needs modules that the peer itself loads late is loaded only for defects whose name begins with its word.
"""

from __future__ import annotations

import importlib

from . import datagram_scripts, datagram_services, echo, hosts, one_shot, reports, silence, streams, unasked
from .base import DEFECTS, install, says

_LATE = {"posix": "machine", "smtp": "mail", "dns": "names", "ftp": "files", "rtp": "media", "multicast": "groups"}


def load(name: str = "") -> None:
    """Sees to it that the defect of that name is in ``DEFECTS``; without one, that all are."""
    for word, module in _LATE.items():
        if not name or name.startswith(f"{word}-"):
            importlib.import_module(f"defects.{module}")


__all__ = [
    "DEFECTS",
    "datagram_scripts",
    "datagram_services",
    "echo",
    "hosts",
    "install",
    "load",
    "one_shot",
    "reports",
    "says",
    "silence",
    "streams",
    "unasked",
]
