"""``parley smoke`` for real: a right little peer holds every rule; each defect is told at the right one; nothing hangs."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from harness.errors import ManifestError
from harness.peer.manifest import load
from harness.pipeline import ROOT
from harness.smoke import Probe, smoke_peer, subject
from harness.smoke.probe import BROKEN, HELD, SKIPPED

pytestmark = pytest.mark.interop

PEER = r"""
import hashlib, json, os, socket, sys, threading, time
defect = sys.argv[1]
lock, live = threading.Lock(), {}
def now():
    return time.monotonic_ns() // (10**6 if defect == "milliseconds" else 10**3)
def say(**event):
    with lock:
        os.write(1, json.dumps(event).encode() + b"\n")
def steps(id_, *told, **more):
    if "conn" in more and id_ in silent:
        return
    say(event="steps", id="other" if defect == "foreign-id" else id_, steps=list(told), **more)
def step(name, **more):
    return {"step": name, "t": now(), **more}
def total(name, octets):
    said = octets[:-1] if defect == "wrong-digest" else octets
    return step(name, octets=len(octets), digest=hashlib.sha256(said).hexdigest())
turn = threading.Lock()
silent = set()
def talk(id_, conn, sock):
    if defect == "one-at-a-time":
        with turn:
            return hold(id_, conn, sock)
    hold(id_, conn, sock)
def hold(id_, conn, sock):
    live[id_].append(sock)
    told = [step("accepted", local=list(sock.getsockname()[:2]), remote=list(sock.getpeername()[:2]))]
    got, end = b"", "end"
    pieces = []
    try:
        while data := sock.recv(65536):
            pieces.append(data)
            sock.sendall(data.upper() if defect == "shouts" else data)
    except OSError:
        end = "reset"
        if defect == "crash-on-reset":
            sys.stderr.write("Traceback: the client is gone\n")
            os._exit(7)
    got = b"".join(pieces)
    sent = got.upper() if defect == "shouts" else got
    told += [total("received", got), total("sent", sent), step("reset", by="them")] if end == "reset" else [total("received", got), step("end"), total("sent", sent)]
    sock.close()
    told.append(step("closed"))
    if defect == "no-done":
        return steps(id_, *told, conn=conn)
    steps(id_, *told, conn=conn, done=True)
def serve(id_, c):
    if type(c["port"]) is not int or type(c["address"]) is not str:
        raise KeyError("wrong type")
    if c["service"] + "/" + c["transport"] != "echo/tcp":
        return say(event="error", id=id_, fault="bad-command" if defect == "fault" else "unsupported", says="not here")
    listener = socket.socket(socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    told = [step("created")]
    try:
        listener.bind(("0.0.0.0" if defect == "wide" else c["address"], c["port"]))
    except OSError as e:
        listener.close()
        error = {98: "address-in-use", 99: "address-not-available"}.get(e.errno, "other")
        return steps(id_, *told, step("failed", at=-1, error=error, says=str(e)), step("closed"), done=True)
    listener.listen(1024)
    local = [c["address"], 0 if defect == "port-0" else listener.getsockname()[1]]
    told += [step("bound", local=local), step("listening", local=local)]
    live[id_] = [listener]
    if c.get("report") == "none":
        silent.add(id_)
    if defect == "garbage":
        os.write(1, b"debug: now listening\n")
    if defect == "flood":
        while True:
            os.write(1, b'{"event":"steps","id":"c1","steps":[]}\n' * 1000)
    if defect == "endless-line":
        while True:
            os.write(1, b"x" * 65536)
    if defect == "holds-back":
        time.sleep(2)
    steps(id_, *told)
    def accept():
        for conn in range(1, 10**9):
            try:
                sock = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=talk, args=(id_, conn, sock), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
def stop(id_, c):
    if id_ in live and defect != "never-stops":
        for sock in live.pop(id_):
            try:
                sock.shutdown(2)
            except OSError:
                pass
            sock.close()
        time.sleep(0.05)
        steps(id_, step("closed"), done=True)
def hello(c):
    if "contract" not in c:
        raise KeyError("contract")
    if defect == "liar":
        extra = ["script client/tcp"]
    else:
        extra = []
    if defect == "bad-hello":
        return say(event="hello", contract=1)
    say(event="hello", contract=c["contract"] if defect == "parrot" else 1, peer="tiny", language="-", system="-", stack="-",
        families=["ipv4"], can=["serve echo/tcp", *extra], t=now())
def obey(line):
    global greeted
    id_ = ""
    try:
        c = json.loads(line)
        id_ = c.get("id", "") if isinstance(c.get("id", ""), str) else ""
        if not isinstance(c.get("do"), str):
            raise KeyError("do")
        if c["do"] == "hello":
            greeted = True
            return hello(c)
        if not greeted:
            return
        if defect == "hangs":
            time.sleep(1000)
        if defect == "crash":
            raise SystemExit(5)
        if c["do"] == "flush":
            return say(event="flushed", id=id_)
        if c["do"] not in ("serve", "stop"):
            return say(event="error", id=id_, fault="unsupported", says="what?")
        if not id_:
            raise KeyError("id")
        {"serve": serve, "stop": stop}[c["do"]](id_, c)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        if defect == "dies-of-bad-lines":
            raise
        say(event="error", id="" if defect == "forgets-id" else id_, fault="bad-command", says=repr(e))
greeted = False
if defect == "banner":
    print("Welcome to tiny 1.0", flush=True)
if defect == "mute":
    time.sleep(1000)
if defect == "ends-at-once":
    sys.exit(4)
for line in sys.stdin.buffer:
    if line.endswith(b"\n"):
        obey(line)
if defect == "outlives":
    time.sleep(1000)
os._exit(3 if defect == "status" else 0)
"""

DEFECTS = {
    # the defect: what its rule says, and what the explanation has in it
    "banner": (r"^\[Hello\] 'hello' is answered", "Welcome to tiny"),
    "mute": (r"^\[Hello\] 'hello' is answered", "nothing, in"),
    "ends-at-once": (r"^\[Hello\] 'hello' is answered", "status 4"),
    "bad-hello": (r"^\[Hello\] 'hello' is answered", "is a required property"),
    "parrot": (r"version that it does not speak", '"contract":1, although 999'),
    "dies-of-bad-lines": (r"a line that is no JSON is", "JSONDecodeError"),
    "forgets-id": (r"without a member that it needs", '"id":"c'),
    "fault": (r"what it does not declare is 'unsupported'", "bad-command"),
    "holds-back": (r"not held back", "in 1 s"),
    "port-0": (r"a real port", "not 0"),
    "shouts": (r"echo: octets come back before", "the octet back"),
    "wrong-digest": (r"echo: each octet", "digest"),
    "no-done": (r"echo: each octet", "done"),
    "crash-on-reset": (r"echo: a client's reset", "Traceback: the client is gone"),
    "never-stops": (r"echo: 'stop' closes", "Close the listening socket"),
    "wide": (r"nothing wider", "127.0.0.2"),
    "milliseconds": (r"t is in microseconds: 400 ms", "400,000"),
    "one-at-a-time": (r"128 connections of a service", "side by side"),
    "garbage": (r"one JSON object, UTF-8, and valid", "debug: now listening"),
    "foreign-id": (r"id of the command that it belongs to", "other"),
    "flood": (r"echo: each octet", "more than 20,000 lines"),
    "endless-line": (r"echo: each octet", "without a newline"),
    "outlives": (r"within two seconds", "still runs"),
    "status": (r"within two seconds", "status 3"),
    "hangs": (r"'flush' is answered", "nothing"),
    "crash": (r"'flush' is answered", "status 5"),
    "liar": (r"connects, tells both addresses", "the error"),
}
FILTERED = {
    "flood": "echo: each octet", "endless-line": "echo: each octet", "garbage": "echo: each octet", "foreign-id": "echo: each octet",
    "no-done": "echo: each octet",
}  # fmt: skip
"""Rules to probe for a defect that is told somewhere else, or that would keep smoke waiting long at all others."""


def peer(folder: Path, defect: str) -> Path:
    home = folder / (defect or "right")
    home.mkdir()
    (home / "peer.py").write_text(PEER)
    (home / "peer.toml").write_text(f'name = "tiny"\nlaunch = ["{{python}}", "{{here}}/peer.py", "{defect}"]\n[tools.python]\nown = true\n')
    return home


async def smoke(folder: Path, defect: str = "", only: str = "") -> list[Probe]:
    told: list[Probe] = []
    probes = await smoke_peer(load(peer(folder, defect)), told.append, only=only)
    assert told == probes, "each outcome is told once, in the order of the page"
    return probes


def outcome(probes: list[Probe], outcome: str) -> list[str]:
    return [f"{p.rule}: {p.says}" for p in probes if p.outcome == outcome]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "HELLO_SECONDS", 3.0)
    monkeypatch.setattr(subject, "PATIENCE", 1.0)


async def test_a_right_peer_holds_every_rule_that_it_declares(tmp_path: Path) -> None:
    probes = await smoke(tmp_path)
    assert outcome(probes, BROKEN) == []
    assert len(outcome(probes, HELD)) > 40
    assert all("does not declare" in s or "not declared" in s for s in outcome(probes, SKIPPED))


@pytest.mark.parametrize("defect", DEFECTS)
async def test_each_defect_is_told_at_its_rule(defect: str, tmp_path: Path) -> None:
    began = time.monotonic()
    rule, says = DEFECTS[defect]
    probes = await smoke(tmp_path, defect, FILTERED.get(defect) or _words(rule))
    broken = [p for p in probes if p.outcome == BROKEN]
    assert [p for p in broken if re.search(rule, p.rule) and says in p.says], "\n".join(outcome(probes, BROKEN)) or probes
    assert all("seen:" in p.says for p in broken)
    assert time.monotonic() - began < 25


def _words(rule: str) -> str:
    """The rule's own words, as a filter."""
    return rule.removeprefix(r"^\[Hello\] ")


async def test_a_silent_peer_is_given_up_soon(tmp_path: Path) -> None:
    probes = await asyncio.wait_for(smoke(tmp_path, "hangs"), 30)
    assert any("mend what is broken above first" in s for s in outcome(probes, SKIPPED))


async def test_a_folder_without_a_manifest_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such file"):
        await smoke_peer(load(tmp_path), lambda _: None)


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "peers").iterdir() if (p / "peer.toml").exists()))
async def test_our_own_peers_hold_every_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    broken = outcome(await smoke_peer(load(ROOT / "peers" / name), lambda _: None), BROKEN)
    assert broken == []
