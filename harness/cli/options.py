"""Options that several commands share."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from harness.casting import FAST, PLATFORM_KINDS
from harness.plan.matrix import Selection

F = TypeVar("F", bound=Callable[..., Any])
FOLDER = click.Path(path_type=Path)
_SELECTING = ("servers", "clients", "specs", "patterns", "families", "all_pairs")


def sources(command: F) -> F:
    """Where peers and specs come from, besides the project's own."""
    for option in (
        click.option(
            "--peers",
            "peer_folders",
            multiple=True,
            type=FOLDER,
            metavar="DIR",
            help="Add a peer, or a folder of peers, from outside the tree. Repeatable.",
        ),
        click.option(
            "--specs",
            "spec_folders",
            multiple=True,
            type=FOLDER,
            metavar="DIR",
            help="Add a folder of specs (or one file) from outside the tree. Repeatable.",
        ),
    ):
        command = option(command)
    return command


def selecting(command: F) -> F:
    """Which cases: the command gets ``selection``."""

    @functools.wraps(command)
    def selected(**values: Any) -> Any:
        chosen = {name: values.pop(name) for name in _SELECTING}
        return command(selection=Selection(**chosen), **values)

    for option in (
        click.option(
            "--all-pairs", is_flag=True, help="Variants and unmodified programs meet each other, too, not only the peers that can do everything."
        ),
        click.option(
            "-k", "patterns", multiple=True, metavar="PATTERN", help="Only cases whose id has this part, or fits this glob. Repeatable: any of them."
        ),
        click.option("--family", "families", multiple=True, type=click.Choice(["ipv4", "ipv6"]), help="Only this address family."),
        click.option("--spec", "specs", multiple=True, metavar="NAME", help="Only this spec or conversation, such as rfc862-echo/tcp. Repeatable."),
        click.option("--client", "clients", multiple=True, metavar="PEER", help="Only this peer as client. Repeatable."),
        click.option("--server", "servers", multiple=True, metavar="PEER", help="Only this peer as server. Repeatable."),
    ):
        selected = option(selected)
    return cast(F, selected)


def on_platforms(command: F) -> F:
    """Which platforms a run takes: ``platforms`` and ``only_on``."""
    for option in (
        click.option(
            "--platform",
            "only_on",
            multiple=True,
            metavar="NAME",
            help="Only conversations with a peer on this platform (a name of `parley list platforms`, or a platform file NAME.toml). Repeatable.",
        ),
        click.option(
            "--platforms",
            type=click.Choice(PLATFORM_KINDS),
            default=FAST,
            show_default=True,
            help="Which platforms take part besides this system. fast: those that are there and cost next to nothing, a case of each conversation; "
            "all: all that can be had here, each in all conversations.",
        ),
    ):
        command = option(command)
    return command


def attached(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[tuple[str, tuple[str, int]], ...]:
    """``NAME=HOST:PORT``, HOST an address of loopback. Raises ``click.BadParameter``."""
    return tuple(_attached(value) for value in values)


def _attached(value: str) -> tuple[str, tuple[str, int]]:
    name, _, where = value.partition("=")
    host, _, port = where.rpartition(":")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not NAME=HOST:PORT with an address, such as mine=127.0.0.1:8080 or mine=[::1]:8080") from None
    if not name or not port.isdigit() or not 0 < int(port) < 65536:
        raise click.BadParameter(f"{value!r} is not NAME=HOST:PORT, such as mine=127.0.0.1:8080")
    if not address.is_loopback:
        raise click.BadParameter(f"{host} is not on this machine: probes only go to 127.0.0.0/8 and [::1]; a tunnel brings another server there")
    return name, (str(address), int(port))


def path(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """A path as it stands in a request-target. Raises ``click.BadParameter``."""
    if not re.fullmatch(r"/[!-~]*", value) or "#" in value:
        raise click.BadParameter(f"{value!r} is not a path such as /index.html, of printable ASCII without spaces")
    return value
