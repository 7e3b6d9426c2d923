"""What this machine can do for a run. Looks, and changes nothing but what a look needs (a namespace that is gone again)."""

from __future__ import annotations

import dataclasses
import platform
import shutil
import sys
from collections.abc import Collection, Iterator

from harness.errors import ParleyError
from harness.launch import docker
from harness.launch.choose import loopback_families
from harness.peer.manifest import Manifest
from harness.peer.tools import Toolbox
from harness.pipeline import STATE, load_peers, load_platforms


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing looked at. ``state``: yes, no (something else is taken instead), broken (a run lacks it)."""

    what: str
    state: str
    says: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Everything that decides what a run can do here."""
    return [_python(), *_network(), *_containers(), *_all_tools(), *_platforms(), _room()]


def _python() -> Finding:
    return Finding("Python", "yes", f"{platform.python_version()} on {platform.system()} {platform.release()} {platform.machine()}")


def _network() -> Iterator[Finding]:
    if sys.platform == "linux":
        from harness.network.netns import can_make_namespaces

        problem = can_make_namespaces()
        if not problem:
            yield Finding("namespaces", "yes", "each peer gets a network namespace of its own, with the RFCs' ports")
        elif _user_namespaces():
            yield Finding("namespaces", "yes", "as an ordinary user, in a user namespace")
        else:
            yield Finding("namespaces", "no", f"{problem}: runs use loopback", "Run as root, or: sysctl -w kernel.unprivileged_userns_clone=1")
    else:
        yield Finding("namespaces", "no", "network namespaces are Linux's: runs use loopback")
    families = loopback_families()
    state = "yes" if families else "broken"
    yield Finding(
        "loopback", state, " and ".join(families) or "no address at all", "" if families else "Bring the loopback interface up: ip link set lo up"
    )


def _user_namespaces() -> bool:
    """Whether a process of an ordinary user may have them; tried in a child, because it cannot be undone."""
    import subprocess

    words = "from harness.network import netns; netns.enter_user_namespace(); raise SystemExit(bool(netns.can_make_namespaces()))"
    return subprocess.run([sys.executable, "-c", words], capture_output=True, timeout=30, check=False).returncode == 0


def _containers() -> Iterator[Finding]:
    problem = docker.problem()
    if not problem:
        yield Finding("containers", "yes", "a Docker engine answers")
        if not shutil.which("mmdebstrap"):
            yield Finding(
                "image base",
                "no",
                "it needs a registry that gives debian:bookworm-slim; without one, mmdebstrap makes it",
                "apt-get install mmdebstrap",
            )
    elif shutil.which("dockerd"):
        yield Finding("containers", "no", f"{problem}: peers run as processes", "dockerd >/var/log/dockerd.log 2>&1 &")
    else:
        yield Finding("containers", "no", f"{problem}: peers run as processes", "apt-get install docker.io, then start dockerd")


def _all_tools() -> Iterator[Finding]:
    """Those of each peer; of a variant, those that the peer itself does not need."""
    peers = load_peers()
    for name, manifest in peers.items():
        peer = peers.get(name.partition(":")[0], manifest)
        yield from _tools(manifest, set() if peer is manifest else peer.tools.keys())


def _tools(manifest: Manifest, known: Collection[str]) -> Iterator[Finding]:
    box = Toolbox(STATE / "tools", lambda _: None, install=False)
    for name, tool in manifest.tools.items():
        if name in known:
            continue
        what = f"{manifest.name}: {name}"
        try:
            found = box.find(manifest, name)
            yield Finding(what, "yes", f"{' '.join(found.argv)} ({found.origin})")
        except ParleyError:
            names = " or ".join(tool.path) or name
            if tool.wheel:
                yield Finding(what, "no", f"{names} is not on PATH: the first run installs {tool.wheel} from the Python package index")
            elif manifest.optional:
                yield Finding(what, "no", f"{names} is not on PATH, or not as it is needed: runs leave {manifest.name} out", tool.hint)
            else:
                yield Finding(what, "broken", f"{names} is not on PATH", tool.hint or f"Install {names}")


def _platforms() -> Iterator[Finding]:
    """What each platform is started with."""
    box = Toolbox(STATE / "tools", lambda _: None, install=False)
    for one in load_platforms().values():
        missing = []
        for name, tool in one.tools.items():
            try:
                box.find(one, name)
            except ParleyError:
                if not tool.wheel:
                    missing.append((" or ".join(tool.path) or name, tool.hint or f"Install {name}"))
        if missing:
            names = ", ".join(name for name, _ in missing)
            yield Finding(one.title, "no", f"{names} is not on PATH: runs leave it out", " and ".join(hint for _, hint in missing))
        else:
            problem = _no_machine() if one.machine else ""
            yield Finding(one.title, "no" if problem else "yes", problem or one.says, "Run as root on Linux" if problem else "")


def _no_machine() -> str:
    """Why no machine can be wired here; empty if one can."""
    if sys.platform != "linux":
        return "machines are wired to network namespaces, which are Linux's"
    from harness.network.netns import can_plug_machines

    return can_plug_machines()


def _room() -> Finding:
    home = STATE if STATE.exists() else STATE.parent
    free = shutil.disk_usage(home).free / 1e9
    return Finding("room", "yes" if free > 2 else "no", f"{free:.1f} GB free for builds and runs", "Make room: toolchains and images take up to 2 GB")
