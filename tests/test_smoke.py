"""``parley smoke``: all four peers hold, and each defect is reported at its rule, without a hang."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.peer.build import Built
from harness.peer.manifest import Manifest
from harness.pipeline import ROOT
from harness.smoke import Probe, patient, probe_all
from tests.test_cli import parley

pytestmark = pytest.mark.interop
SOURCE = ROOT / "peers" / "python"


def built(argv: list[str]) -> Built:
    return Built(Manifest(name="mutant", launch=["-"], folder=ROOT), tuple(argv), None)


@pytest.fixture
def mutant(tmp_path: Path) -> Callable[[str, str, str], Built]:
    """The reference peer with one thing changed in one of its files."""

    def make(file: str, old: str, new: str) -> Built:
        home = tmp_path / "mutant"
        shutil.copytree(SOURCE, home, ignore=shutil.ignore_patterns("__pycache__"))
        text = (home / file).read_text()
        assert old in text, f"{file} has no {old!r}"
        (home / file).write_text(text.replace(old, new, 1))
        return built([sys.executable, "-u", str(home / "peer.py")])

    return make


async def broken(peer: Built, only: str) -> list[Probe]:
    probes = await asyncio.wait_for(probe_all(peer, lambda _: None, only), 60)
    return [p for p in probes if p.outcome == "broken"]


@pytest.mark.parametrize("name", ["c", "go", "node", "python"])
def test_the_projects_own_peers_hold_every_rule(name: str) -> None:
    done = parley("smoke", ROOT / "peers" / name, timeout=120)
    assert done.returncode == 0, done.stdout
    assert " 0 broken, 0 skipped" in done.stdout


DEFECTS = [
    ("peer.py", "peer, ended = Peer()", "print('ready', flush=True); peer, ended = Peer()", "says nothing", "standard error"),
    ("peer.py", "CONTRACT = 1", "CONTRACT = 2", "answers hello", "'contract':1"),
    ("peer.py", '"ipv4", "ipv6"]', '"inet"]', "answers hello", "schema"),
    ("peer.py", 'self.output.event("flushed", id=id_)', "pass", "flush is answered", "flushed event"),
    ("peer.py", "os._exit(0)", "os._exit(3)", "ends with status 0", "status 3"),
    ("peer.py", 'fault="unsupported"', 'fault="bad-command"', "does not know is answered", "'unsupported'"),
    ("payload.py", "x ^= x >> 17", "x ^= x >> 18", "payload pattern", "random"),
    ("payload.py", "32 + (seed + k + c) % 95", "33 + (seed + k + c) % 94", "chargen over TCP", "octet"),
    ("services.py", "self.gave.add(data)", "pass", "echo over TCP", "'sent'"),
    ("services.py", "await self.loop.sock_sendall(self.sock, data)", "await self.loop.sock_sendall(self.sock, data[:1400])", "echo over TCP", "came back"),
    ("services.py", "_EPOCH_1900 = 2208988800", "_EPOCH_1900 = 0", "time over TCP", "seconds since 1900"),
    ("services.py", "return octets\n", "return octets[:512]\n", "echo over UDP", "1472"),
    ("sockets.py", 'errno.ECONNREFUSED: "refused"', 'errno.ECONNREFUSED: "other"', "refused connection", "'refused'"),
    ("sockets.py", "stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER", "(lambda *_: None)(socket.SOL_SOCKET, socket.SO_LINGER", "reset sends RST", "RST"),
    ("script.py", "octets[:keep].hex()", "octets.hex()", "receive by through", "keep"),
    ("script.py", "local = [sockets.shown(probe.getsockname())[0], sock.getsockname()[1]]", "local = sockets.shown(sock.getsockname())", "local address", "tells"),
    ("script.py", "payload.octets(step[\"payload\"], k)", "payload.octets(step[\"payload\"])", "datagrams, count", "seed 41"),
    ("stream.py", "if self._eager and self._pump is None", "if False", "eager reading", "done"),
    ("resources.py", "tag.removeprefix(\"W/\") in tags", "False", "If-None-Match", "304"),
    ("resources.py", "return Answer(405", "return Answer(404", "the site", "405"),
    ("http_client.py", "complete = False", "complete = True", "breaks off", "complete"),
    ("http_service.py", "octets=len(content), digest=digest(content))", "octets=len(content) + 1, digest=digest(content))", "content both ways", "octets"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "rule", "words"), DEFECTS, ids=[f"{d[0]}-{d[3]}" for d in DEFECTS])
async def test_a_defect_is_reported_at_its_rule(
    mutant: Callable[[str, str, str], Built], monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str, rule: str, words: str
) -> None:
    monkeypatch.setattr(patient, "WAIT_SECONDS", 1.5)
    found = await broken(mutant(file, old, new), rule)
    assert [p for p in found if rule in p.rule], [p.rule for p in found]
    assert words in " ".join(p.says for p in found).replace('"', "'"), found


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import time; time.sleep(60)", "nothing at all"),
        ("import sys; sys.exit('no configuration')", "no configuration"),
        ("print('x' * 3_000_000)\nimport time; time.sleep(60)", "standard"),
        ("import os; os.abort()", "SIGABRT"),
    ],
)
async def test_what_is_no_peer_at_all(monkeypatch: pytest.MonkeyPatch, script: str, words: str) -> None:
    real = patient.Patient.wait

    async def impatient(self: patient.Patient, wanted: object, what: str, seconds: float = 1.0) -> object:
        return await real(self, wanted, what, min(seconds, 1.0))  # type: ignore[arg-type]

    monkeypatch.setattr(patient.Patient, "wait", impatient)
    probes = await asyncio.wait_for(probe_all(built([sys.executable, "-c", script]), lambda _: None), 30)
    assert len(probes) == 2, "without a handshake there is nothing more to probe"
    assert words in " ".join(p.says for p in probes)
