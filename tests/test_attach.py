"""A server that somebody else started: what is asked of it, and that a run tells the right from the wrong one."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from harness.cli import options
from harness.model.result import ERROR, FAIL, PASS
from harness.pipeline import ROOT, load_specs
from harness.plan.attach import Stranger, aim
from harness.plan.matrix import Abilities, Selection, cases

PARAMETER = click.Option(["--attach-server"])
CONTEXT = click.Context(click.Command("run"))


def test_names_and_addresses() -> None:
    taken = options.attached(CONTEXT, PARAMETER, ("mine=127.0.0.1:8080", "six=[::1]:80"))
    assert taken == (("mine", ("127.0.0.1", 8080)), ("six", ("::1", 80)))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("127.0.0.1:80", "is not NAME=HOST:PORT"),
        ("mine=localhost:80", "with an address"),
        ("mine=127.0.0.1", "is not NAME=HOST:PORT"),
        ("mine=127.0.0.1:0", "is not NAME=HOST:PORT"),
        ("mine=127.0.0.1:x", "is not NAME=HOST:PORT"),
        ("mine=192.0.2.1:80", "not on this machine"),
        ("mine=[2001:db8::1]:80", "not on this machine"),
    ],
)
def test_what_is_wrong_is_said(value: str, words: str) -> None:
    with pytest.raises(click.BadParameter, match=words.replace("[", r"\[")):
        options.attached(CONTEXT, PARAMETER, (value,))


@pytest.mark.parametrize("value", ["index.html", "/a b", "/#part", ""])
def test_what_is_no_path(value: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a path"):
        options.path(CONTEXT, PARAMETER, value)


def test_all_is_asked_of_one_path() -> None:
    peers = {"here": Abilities(offers=frozenset({"serve http/tcp"}), known=False), "python": Abilities(known=False)}
    planned = cases(load_specs().scenarios(), peers, Selection(servers=("here", "python"), clients=("python",)))
    aimed = aim(planned, {"here": Stranger("/here.html", ("ipv4",))})
    assert [c for c in aimed if c.server == "python"] == [c for c in planned if c.server == "python"]
    found = {c.scenario.key: c for c in aimed if c.server == "here"}
    assert {c.scenario.probe.of for c in found.values() if c.scenario.probe} == {"server"}
    assert {c.family for c in found.values()} == {"ipv4"}
    scenario = found["rfc9112-http11/probe-lines/host-missing"].scenario
    assert scenario.client is not None
    sent = [bytes.fromhex(s["payload"]["hex"]) for s in scenario.client.steps if s["do"] == "send"]
    assert sent == [b"GET /here.html HTTP/1.1\r\n\r\nGET /here.html HTTP/1.1\r\nHost: parley.example\r\nConnection: close\r\n\r\n"]
    long = found["rfc9112-http11/probe-lines/long-target-is-served"].scenario
    assert long.client is not None
    assert b"2f686572652e68746d6c3f71".decode() in long.client.steps[1]["payload"]["hex"]


def test_what_speaks_of_the_site_is_not_asked_of_a_stranger() -> None:
    """It would be held to resources that it never had."""
    peers = {"here": Abilities(offers=frozenset({"serve http/tcp"}), known=False), "python": Abilities(known=False)}
    planned = cases(load_specs().scenarios(), peers, Selection(servers=("here",), clients=("python",)))
    kept = {c.scenario.key for c in aim(planned, {"here": Stranger("/")})}
    assert {c.scenario.key for c in planned if c.scenario.probe} - kept == {
        "rfc9112-http11/probe-connections/pipelined-in-order",
        "rfc9112-http11/probe-length/content-for-no-resource/target=/nowhere",
        "rfc9112-http11/probe-length/content-for-no-resource/target=/probe",
    }


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "3")
        if self.headers.get("Connection") == "close":
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"hi\n")

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class _Refusing(_Handler):
    def do_GET(self) -> None:
        self.send_error(400)

    do_HEAD = do_GET  # noqa: N815


@pytest.fixture(params=[_Handler, _Refusing], ids=["serving", "refusing"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[type, int]]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), request.param)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield request.param, made.server_port
    made.shutdown()
    made.server_close()


def run(tmp_path: Path, port: int, *more: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
    command = [sys.executable, "-m", "harness.cli", "run", "--attach-server", f"mine=127.0.0.1:{port}", "--client", "python", *more]
    done = subprocess.run([*command, "--runs", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    found = tmp_path / "latest" / "results.json"
    results = json.loads(found.read_text())["results"] if found.exists() else []
    return done, {r["scenario"].rpartition("probe-")[2]: r["verdict"] for r in results}


@pytest.mark.interop
def test_a_server_in_whatever_language(tmp_path: Path, server: tuple[type, int]) -> None:
    kind, port = server
    done, verdicts = run(
        tmp_path, port, "-k", "probe-lines/host-missing", "-k", "leading-empty-lines/lines=one", "-k", "invalid-length/length=letters"
    )
    wanted = (FAIL, PASS) if kind is _Handler else (ERROR, ERROR)
    assert (verdicts["lines/host-missing"], verdicts["lines/leading-empty-lines/lines=one"]) == wanted, done.stdout + done.stderr
    assert verdicts["length/invalid-length/length=letters"] == ERROR
    assert "no verdict: server mine" in done.stdout


@pytest.mark.interop
def test_nobody_there(tmp_path: Path) -> None:
    done, verdicts = run(tmp_path, 9, "-k", "probe-lines/host-missing")
    assert verdicts == {"lines/host-missing": ERROR}
    assert "nobody answers at 127.0.0.1 port 9" in done.stdout
    assert done.returncode == 3


@pytest.mark.interop
def test_a_name_that_a_peer_has(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "harness.cli", "run", "--attach-server", "python=127.0.0.1:9", "--runs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "a name of its own is needed" in done.stderr) == (2, True)
