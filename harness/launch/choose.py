"""Which launcher and which network a run takes, and why: what was asked for, or the best that this machine allows."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.errors import NetworkError
from harness.launch.base import Launcher
from harness.launch.mixed import MixedLauncher, Nowhere
from harness.launch.process import ProcessLauncher
from harness.network.base import Loopback, Network
from harness.peer.build import Builder
from harness.peer.platform import Platform
from harness.peer.tools import Say

LAUNCHERS, NETWORKS = ("auto", "docker", "process"), ("auto", "netns", "loopback")


def choose(launcher: str, network: str, builder: Builder, state: Path, say: Say, run: str, logs: Path) -> tuple[MixedLauncher, Network]:
    """The launcher and network for a run.

    Raises ``NetworkError`` or ``LaunchError`` when what was asked for by name is not to be had. As an ordinary user on Linux this
    makes the process root of a user namespace of its own, so it must come before any thread.
    """
    main, joined = _main(launcher, network, builder, state, say, run)

    def machine_of(platform: Platform) -> Launcher:
        from harness.launch.virtual import VirtualLauncher
        from harness.network.netns import Namespaces

        if not isinstance(joined, Namespaces):
            return Nowhere(platform.name, "a machine of its own is wired to network namespaces, which this run does not have")
        return VirtualLauncher(platform, joined, builder, logs)

    return MixedLauncher(main, lambda: ProcessLauncher(joined, "beside containers"), machine_of), joined


def _main(launcher: str, network: str, builder: Builder, state: Path, say: Say, run: str) -> tuple[Launcher, Network]:
    """The launcher of what is of this system, and the network of all."""
    engine_problem = "" if launcher == "process" else _no_engine()
    if launcher == "docker" or (launcher == "auto" and not engine_problem and network != "loopback"):
        made = _docker(launcher, network, builder, state, say, run, engine_problem)
        if made:
            return made
        engine_problem = engine_problem or "wiring containers needs root"
    why = "asked for" if launcher == "process" else f"no containers: {engine_problem or 'loopback was asked for'}"
    chosen = _network(network)
    return ProcessLauncher(chosen, why), chosen


def _no_engine() -> str:
    from harness.launch import docker

    return docker.problem()


def _docker(launcher: str, network: str, builder: Builder, state: Path, say: Say, run: str, problem: str) -> tuple[Launcher, Network] | None:
    from harness.errors import LaunchError
    from harness.launch import docker

    if problem:
        raise LaunchError(f"containers were asked for, but {problem}", hint=docker.HINT)
    if network == "loopback":
        raise NetworkError("containers have no loopback in common", hint="Use --network netns (or auto), or --launcher process.")
    cannot = _no_namespaces()
    if cannot:
        if launcher == "docker":
            raise NetworkError(f"containers are wired from outside, which needs root here: {cannot}", hint="Run as root, or use --launcher process.")
        return None
    from harness.network.netns import Namespaces

    wires = Namespaces("a namespace for each container, joined by a switch")
    return docker.DockerLauncher(wires, builder, state, say, run), wires


def _no_namespaces() -> str:
    """Why this process may not make network namespaces; empty if it may."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    from harness.network.netns import can_make_namespaces

    return can_make_namespaces()


def _network(network: str) -> Network:
    if network == "loopback":
        return Loopback("asked for", loopback_families())
    problem = _no_namespaces()
    if problem and sys.platform == "linux":
        problem, how = _as_ordinary_user(problem)
    else:
        how = "as root"
    if problem:
        if network == "netns":
            raise NetworkError(f"namespaces were asked for, but {problem}", hint="Run as root, or allow user namespaces, or use --network loopback.")
        return Loopback(f"no namespaces: {problem}", loopback_families())
    from harness.network.netns import Namespaces

    return Namespaces(f"a namespace for each peer, joined by a switch ({how})")


def _as_ordinary_user(problem: str) -> tuple[str, str]:
    from harness.network.netns import can_make_namespaces, enter_user_namespace

    try:
        enter_user_namespace()
    except OSError as error:
        return f"{problem}; and no user namespace either: {error.strerror}", ""
    return can_make_namespaces(), "as an ordinary user, in a user namespace"


def loopback_families() -> tuple[str, ...]:
    """The families that this machine's loopback has."""
    import socket

    found = []
    for family, kind, address in (("ipv4", socket.AF_INET, "127.0.0.1"), ("ipv6", socket.AF_INET6, "::1")):
        try:
            with socket.socket(kind, socket.SOCK_STREAM) as probe:
                probe.bind((address, 0))
            found.append(family)
        except OSError:
            continue
    return tuple(found)
