"""Machines of their own: the archive that they are given, what is said on their ports, and how they come and go."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import LaunchError
from harness.launch import cpio
from harness.launch.ports import Port, VirtualProcess
from harness.launch.virtual import VirtualLauncher
from harness.network.base import Host
from harness.peer import platform as platforms
from harness.peer.build import Builder, Built
from harness.peer.tools import Toolbox
from harness.pipeline import load_peers

# -- archives -------------------------------------------------------------------------------------------------


def test_cpio_unpacks_what_was_packed(tmp_path: Path) -> None:
    if not shutil.which("cpio"):
        pytest.skip("cpio is not here to be the oracle")
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    (folder / "program").write_bytes(os.urandom(70_001))
    (folder / "program").chmod(0o755)
    (folder / "empty").touch()
    (tmp_path / "a" / "link").symlink_to("b/program")
    stream = io.BytesIO()
    cpio.write(stream, [(tmp_path / "a", "/x/y"), (folder / "program", "/x/y/b/program")], [("settings", b"a=1\n")])
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["cpio", "-i", "--quiet"], input=stream.getvalue(), cwd=out, check=True)
    assert (out / "x/y/b/program").read_bytes() == (folder / "program").read_bytes()
    assert stat.S_IMODE((out / "x/y/b/program").stat().st_mode) == 0o755
    assert (out / "x/y/link").readlink() == Path("b/program")
    assert (out / "x/y/b/empty").read_bytes() == b""
    assert (out / "settings").read_bytes() == b"a=1\n"


def test_every_entry_of_cpio_begins_at_a_multiple_of_four() -> None:
    stream = io.BytesIO()
    archive = cpio.Archive(stream)
    for size in range(9):
        archive.octets("n" * (size + 1), b"x" * size)
        assert stream.tell() % 4 == 0
    archive.end()
    assert stream.getvalue().count(b"070701") == 10


# -- ports ----------------------------------------------------------------------------------------------------


class Guest:
    """The machine's end of a port."""

    def __init__(self) -> None:
        ours, self.sock = socket.socketpair()
        self.sock.setblocking(False)
        self.ours = ours
        self.said: list[bytes] = []
        self.logged: list[bytes] = []
        self.ended: list[str] = []

    async def port(self, announces: bool = True) -> Port:
        self.held = await Port.open(self.ours, Host("h", {}), announces)
        return self.held

    def peer(self) -> VirtualProcess:
        return VirtualProcess(self.held, Host("h", {}), b"start\t-\n", self.said.append, self.logged.append, self.ended.append)

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.sock, data)
        await asyncio.sleep(0.01)

    async def hear(self) -> bytes:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.sock, 1 << 16), 5)


async def test_a_port_carries_lines_and_tells_logs_and_ends_apart() -> None:
    guest = Guest()
    port = await guest.port()
    assert not port.free, "not before it says so"
    await guest.say(b"\x05\n")
    assert port.free
    peer = guest.peer()
    assert not port.free
    assert await guest.hear() == b"start\t-\n"
    peer.write(b'{"do":"hello"}\n')
    assert await guest.hear() == b'{"do":"hello"}\n'
    await guest.say(b'{"a":1}\n\x0eoh dear\n{"b"')
    await guest.say(b":2}\n\x04signal 11\n\x05\n")
    assert b"".join(guest.said) == b'{"a":1}\n{"b":2}\n'
    assert guest.logged == [b"oh dear\n"]
    assert guest.ended == ["signal 11 (SIGSEGV)"]
    await asyncio.wait_for(peer.gone(), 1)
    assert port.free


async def test_whatever_the_pieces_the_lines_are_the_same() -> None:
    octets = b'\x05\n{"a":1}\n\x0elog\n{"b":2}\n\x04status 3\n'
    for cut in range(3, len(octets)):
        guest = Guest()
        await guest.port()
        await guest.say(octets[:2])
        guest.peer()
        await guest.say(octets[2:cut])
        await guest.say(octets[cut:])
        assert b"".join(guest.said) == b'{"a":1}\n{"b":2}\n', cut
        assert guest.logged == [b"log\n"]
        assert guest.ended == ["status 3"]


async def test_ending_and_killing_are_octets_that_no_line_holds() -> None:
    guest = Guest()
    await guest.port()
    await guest.say(b"\x05\n")
    peer = guest.peer()
    await guest.hear()
    peer.end_input()
    assert await guest.hear() == b"\x04"
    peer.kill()
    assert await guest.hear() == b"\x18"


async def test_a_machine_that_is_gone_takes_its_peers_with_it() -> None:
    guest = Guest()
    await guest.port(announces=False)
    peer = guest.peer()
    guest.sock.close()
    await asyncio.wait_for(peer.gone(), 5)
    assert guest.ended == ["its machine closed the port"]


# -- machines -------------------------------------------------------------------------------------------------

namespaces = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="machines are wired to namespaces, as root")


def machine(tmp_path: Path, command: str, boot: float = 1.0) -> platforms.Platform:
    file = tmp_path / "toy.toml"
    file.write_text(
        f'says = "a toy"\ntarget = "linux"\n[machine]\ncommand = {command}\ncard = ["{{tap}}"]\nport = ["{{serial}}"]\nboot-seconds = {boot}\n'
    )
    return platforms.load(file)


async def booted(tmp_path: Path, command: str) -> dict[str, str]:
    from harness.network.netns import Namespaces

    network = Namespaces("for a toy")
    builder = Builder(tmp_path / "build", Toolbox(tmp_path / "tools", print), print)
    launcher = VirtualLauncher(machine(tmp_path, command), network, builder, tmp_path)
    try:
        return await launcher.prepare([Built(load_peers()["c"], ("/nonexistent",), None)])
    finally:
        await launcher.close()
        network.close()


@namespaces
@pytest.mark.parametrize(
    ("command", "says"),
    [
        ('["sh", "-c", "echo no disk; echo panic; sleep 60"]', "did not boot within 1 s; the last lines of its console"),
        ('["sh", "-c", "echo panic; exit 3"]', "ended while it booted (status 3)"),
        ('["/nonexistent/emulator"]', "does not start"),
        ('["{emulator}"]', "{emulator} stands for nothing"),
    ],
)
async def test_a_machine_that_does_not_boot_is_told_with_its_console(tmp_path: Path, command: str, says: str) -> None:
    problems = await booted(tmp_path, command)
    assert says in problems["c"]
    if "panic" in command:
        assert "\n    panic" in problems["c"]


@namespaces
async def test_a_machines_card_is_on_the_wire() -> None:
    """A frame that a TAP is given arrives at another host, and nothing of this system's own comes out of it."""
    from harness.network.netns import Namespaces, inside, mac

    network = Namespaces("for a card")
    try:
        host, tap = network.add_foreign("card")
        other = network.add("other")
        assert other.namespace is not None

        def listen() -> socket.socket:
            heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5))
            heard.bind(("eth0", 0x88B5))
            heard.settimeout(5)
            return heard

        with inside(other.namespace, listen) as heard:
            frame = mac(other.number) + mac(host.number) + b"\x88\xb5" + b"hello".ljust(46, b"\0")
            os.write(tap, frame)
            assert heard.recv(2000) == frame
        os.close(tap)
    finally:
        network.close()


def test_a_command_with_a_tab_cannot_be_told(tmp_path: Path) -> None:
    launcher = VirtualLauncher(machine(tmp_path, '["x"]'), None, None, tmp_path)  # type: ignore[arg-type]
    port = Port(None, True)
    with pytest.raises(LaunchError, match="a tab"):
        launcher._start_line(port, Host("h", {}), Built(load_peers()["c"], ("/x", "a\tb"), None), "p")
