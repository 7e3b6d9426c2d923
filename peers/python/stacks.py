"""Which HTTP stack there is: modules of this folder, imported once it is known which; they need packages that need not be there otherwise."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_MODULES = {
    "": ("http_service", "http_client", ("requests",)),
    "aiohttp": ("aiohttp_service", "aiohttp_client", ("aiohttp",)),
    "uvicorn": ("uvicorn_service", "", ("uvicorn", "h11")),
    "httpx": ("", "httpx_client", ("httpx", "httpcore", "h11")),
}
"""By name: the module that serves, the one that asks, the packages that do it. Without a name: the standard library's, and requests."""
NAMES = tuple(_MODULES)


@dataclass(frozen=True)
class Stack:
    """``service(command, output)`` serves, ``check(command)`` and ``asking(command, reporter, on_done)`` ask."""

    abilities: tuple[str, ...]
    libraries: dict[str, str]
    service: Callable[..., Any]
    check: Callable[..., None]
    asking: Callable[..., Any]


def load(name: str, packages: str) -> Stack:
    """The stack of that name; ``packages`` is a folder in which to look for it first."""
    if packages:
        sys.path.insert(0, packages)
    serving, asking, libraries = _MODULES[name]
    service: Any = importlib.import_module(serving) if serving else None
    client: Any = importlib.import_module(asking) if asking else None
    versions = {library: importlib.metadata.version(library) for library in libraries}
    return Stack(
        (*(["serve http/tcp"] if service else []), *(["ask http/tcp"] if client else [])),
        versions if name else {"http.server": platform.python_version(), **versions},
        getattr(service, "HttpService", None), getattr(client, "check", None), getattr(client, "Asking", None),
    )  # fmt: skip
