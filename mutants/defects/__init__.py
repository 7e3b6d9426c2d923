"""All defects by name. Each is a subclass of a class of ``peers/python`` that takes its place for the whole life of the peer."""

from __future__ import annotations

from . import datagram_scripts, datagram_services, echo, hosts, one_shot, reports, silence, streams, unasked
from .base import DEFECTS, install, says

__all__ = [
    "DEFECTS",
    "datagram_scripts",
    "datagram_services",
    "echo",
    "hosts",
    "install",
    "one_shot",
    "reports",
    "says",
    "silence",
    "streams",
    "unasked",
]
