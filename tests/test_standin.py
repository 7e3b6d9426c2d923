"""A manifest alone: programs that know nothing of Parley, as server and as client, behind the stand-in that keeps the contract for them."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.launch.process import ProcessLauncher
from harness.model.case import Scenario
from harness.network.base import Loopback
from harness.peer import manifest
from harness.peer.build import Builder, Built
from harness.peer.tools import Toolbox
from harness.pipeline import load_peers
from harness.run.pool import NotThere, Pool
from harness.run.serving import ensure_service
from harness.smoke import smoke_peer
from harness.standin.scratch import MARK
from tests.test_cli import parley

Write = Callable[[str, str], Path]
SERVER = """
import http.server, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if b"go away" in content:
            sys.exit_now = True
            import os; os._exit(3)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        if self.headers.get("Connection") == "close":
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"ok")
    do_GET = do_HEAD = do_POST = answer
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 100
    address_family = 10 if ":" in sys.argv[1] else 2
text = open("greeting").read()
assert text == f"to {sys.argv[1]} at {sys.argv[2]}\\n", text
Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""
CLIENT = """
import http.client, sys
host, port, method, target, head, content, sent, *fields = sys.argv[1:]
connection = http.client.HTTPConnection(host, int(port), timeout=5)
body = open(sent, "rb").read() if sent != "-" else None
try:
    connection.connect()
    print("from", *connection.sock.getsockname()[:2], file=sys.stderr)
    connection.request(method, target, body, dict(f.split(": ", 1) for f in fields))
    response = connection.getresponse()
    data = response.read()
except Exception as error:
    print(repr(error), file=sys.stderr)
    sys.exit(7 if isinstance(error, ConnectionRefusedError) else 1)
with open(head, "w", encoding="latin-1", newline="") as file:
    file.write(f"HTTP/1.1 {response.status} {response.reason}\\r\\n" + "".join(f"{n}: {v}\\r\\n" for n, v in response.getheaders()) + "\\r\\n")
open(content, "wb").write(data)
"""
MANIFEST = """
name = "{name}"
version = ["{{python}}", "--version"]
[server]
command = ["{{python}}", "{{here}}/server.py", "{{address}}", "{{port}}"]
files = ["greeting"]
path = "/any"
[client]
command = ["{{python}}", "{{here}}/client.py"]
request = ["{{address}}", "{{port}}", "{{method}}", "{{target}}", "{{head}}", "{{content}}", "{{options}}"]
methods."*" = []
field = ["{{name}}: {{value}}"]
sends = ["{{sent}}"]
local = '(?m)^from (?P<address>\\S+) (?P<port>\\d+)$'
errors = {{ 7 = "refused" }}
[tools.python]
own = true
"""


@pytest.fixture
def program(write: Write) -> Path:
    """A folder with two programs and a manifest."""
    write("p/server.py", SERVER)
    write(
        "p/client.py",
        CLIENT.replace(
            "sent, *fields = sys.argv[1:]", "*rest = sys.argv[1:]\nsent = rest.pop() if rest and '/sent' in rest[-1] else '-'\nfields = rest"
        ),
    )
    write("p/greeting", "to {address} at {port}\n")
    return write("p/peer.toml", MANIFEST.format(name="mine")).parent


def run(tmp_path: Path, program: Path, *arguments: str) -> str:
    done = parley("run", "--peers", str(program), "--launcher", "process", "--no-expectations", *arguments, cwd=tmp_path, timeout=120)
    return done.stdout + done.stderr


def test_a_server_takes_the_probes(program: Path, tmp_path: Path) -> None:
    said = run(tmp_path, program, "--server", "mine", "--client", "python", "--spec", "rfc9112-http11/probe-lines")
    assert " pass, " in said.splitlines()[-1]
    assert "no verdict" not in said
    assert "rfc9112-http11/probe-lines/host-missing/client=python/server=mine" in said  # it does not look at Host


def test_a_client_holds_exchanges(program: Path, tmp_path: Path) -> None:
    said = run(
        tmp_path, program, "--client", "mine", "--server", "python", "--spec", "rfc9110-semantics/methods", "-k", "get", "-k", "request-content"
    )
    assert " fail" not in said.splitlines()[-1], said
    assert said.splitlines()[-1].startswith("24 pass, 2 unsupported")  # it cannot say OPTIONS *


async def test_it_keeps_the_contract(program: Path) -> None:
    """But for what this small client of HTTP cannot do: several requests on one connection, chunked contents, deadlines."""
    probes = await smoke_peer(manifest.load(program), lambda _: None)
    assert [f"{p.rule}: {p.says}" for p in probes if p.outcome == "broken" and "[http, ask]" not in p.rule] == []
    assert sum(p.outcome == "held" for p in probes) > 30


async def started(folder: Path, tmp_path: Path) -> tuple[Pool, ProcessLauncher, list[str]]:
    said: list[str] = []
    built = Builder(tmp_path / "build", Toolbox(tmp_path / "tools", said.append), said.append).build(manifest.load(folder))
    launcher = ProcessLauncher(Loopback("test"))
    return Pool(launcher, {"mine": built}, {}, lambda _: lambda _: None, said.append), launcher, said


async def test_what_it_starts_is_gone_with_it(program: Path, tmp_path: Path) -> None:
    pool, launcher, _ = await started(program, tmp_path)
    peer = await pool.get("server", "mine")
    assert peer.silent
    assert peer.hello is not None
    assert (peer.hello.can, peer.hello.language) == (("serve http/tcp", "ask http/tcp"), f"Python {sys.version.split()[0]}")
    scenario = Scenario(key="x", says="", requires=(), service="http", transport="tcp")
    id_ = await ensure_service(peer, scenario, "ipv4", "127.0.0.1", {})
    local = peer.activity(id_).steps[-1].local
    assert local is not None
    _, writer = await asyncio.open_connection(*local)
    writer.close()
    mine = left()
    assert mine
    await pool.close()
    await launcher.close()
    with pytest.raises(OSError):
        await asyncio.open_connection(*local)
    assert left() < mine


async def test_what_a_killed_one_left_is_gone_with_its_run(program: Path, tmp_path: Path) -> None:
    before = left()
    pool, launcher, _ = await started(program, tmp_path)
    await pool.get("client", "mine")
    (held,) = left() - before
    await launcher.close()  # kills
    assert held not in left()


def left() -> set[Path]:
    """In the folders for temporary files that runs give to their peers."""
    return set(Path(tempfile.gettempdir()).glob(f"*/{MARK}*"))


async def test_a_program_that_does_not_come_up_is_told_with_its_words(write: Write, tmp_path: Path) -> None:
    write("p/server.py", "raise SystemExit('no room for me')")
    write("p/greeting", "")
    folder = write("p/peer.toml", MANIFEST.format(name="mine")).parent
    said = run(tmp_path, folder, "--server", "mine", "--client", "python", "-k", "host-missing")
    assert "no room for me" in said


def test_the_argument_has_what_the_image_has(tmp_path: Path) -> None:
    """In an image a tool goes by its name: where it is on this machine says nothing there."""
    nginx = load_peers()["nginx"]
    command = Builder(tmp_path, Toolbox(tmp_path, print), print).in_container(nginx)
    assert command[:-1] == ["/usr/bin/python3", "/peer/standin.pyz"]
    assert '"command": ["nginx", ' in command[-1]


def test_optional_peers_are_left_out_and_named_ones_are_not(write: Write, tmp_path: Path) -> None:
    text = 'name = "absent"\noptional = true\n[server]\ncommand = ["{absent}"]\n[tools.absent]\npath = ["no-such-program"]\n'
    folder = write("q/peer.toml", text).parent
    said = run(tmp_path, folder, "--client", "python", "--spec", "rfc868-time/tcp")
    assert "left out: absent: the tool {absent} (no-such-program) is not on PATH" in " ".join(said.split())
    assert " error" not in said.splitlines()[-1]
    said = run(tmp_path, folder, "--client", "python", "--server", "absent", "-k", "host-missing")
    assert "1 error" in said.splitlines()[-1]


async def test_nobody_is_there_without_its_tool(tmp_path: Path) -> None:
    built = Built(load_peers()["nginx"], ("/nonexistent",), None)
    pool = Pool(ProcessLauncher(Loopback("test")), {"nginx": built}, {}, lambda _: lambda _: None, lambda _: None)
    with pytest.raises(NotThere, match="does not start"):
        await pool.get("server", "nginx")
