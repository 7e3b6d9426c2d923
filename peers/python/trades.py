"""The protocols besides HTTP that have a stack of their own (``smtp.md``, ``ftp.md``, ``dns.md``, ``rtp.md``), loaded when first asked for."""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Any

_MODULES = {
    "serve smtp/tcp": ("smtp_service", "aiosmtpd"),
    "ask smtp/tcp": ("smtp_client", ""),
    "serve ftp/tcp": ("ftp_service", "pyftpdlib"),
    "ask ftp/tcp": ("ftp_client", ""),
    "serve rtp/udp": ("rtp_service", ""),
    "ask rtp/udp": ("rtp_client", ""),
    "serve dns/udp": ("dns_service", "dnspython"),
    "serve dns/tcp": ("dns_service", "dnspython"),
    "ask dns/udp": ("dns_client", "dnspython"),
}
"""By ability: its module, and the package without which it is not there (empty: the standard library does it)."""


def abilities() -> tuple[list[str], dict[str, str], dict[str, str]]:
    """What can be done, what cannot and why, and the packages' versions."""
    can: list[str] = []
    lacks: dict[str, str] = {}
    libraries: dict[str, str] = {}
    for ability, (_, package) in _MODULES.items():
        try:
            libraries |= {package: importlib.metadata.version(package)} if package else {}
        except importlib.metadata.PackageNotFoundError:
            lacks[ability] = f"the package {package} is not installed here"
        else:
            can.append(ability)
    return can, lacks, libraries


def module(ability: str) -> Any:
    """What does it."""
    return importlib.import_module(_MODULES[ability][0])
