"""Manifests, tools and builds: what is wrong with them is said in words, and nothing is built twice."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import BuildError, ManifestError, ToolError
from harness.peer import manifest
from harness.peer.build import Builder
from harness.peer.schema import problem
from harness.peer.tools import Toolbox
from harness.pipeline import load_peers

Write = Callable[[str, str], Path]
BUILD = 'name = "x"\nlaunch = ["{out}/peer", "{here}"]\n[build]\ncommand = %s\ninputs = ["*.src"]\n[tools.python]\nown = true\n'
COPY = '["{python}", "-c", "import shutil; shutil.copy(\'a.src\', \'{out}/peer\')"]'


def builder(tmp_path: Path, said: list[str]) -> Builder:
    return Builder(tmp_path / "state" / "build", Toolbox(tmp_path / "state" / "tools", said.append, install=False), said.append)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "x"\n', "'launch' is missing; it says how the peer is started"),
        ('name = "x"\nlaunch = []\n', "'launch'"),
        ('name = "x"\nlaunch = "x"\n', "'launch'"),
        ('launch = ["x"]\n', "'name' is missing"),
        ('name = "X y"\nlaunch = ["x"]\n', "a-z, 0-9 and '-'"),
        ('name = "x"\nlaunch = ["x"]\nlanguage = "C"\n', "'language' is not known"),
        ('name = "x"\nlaunch = ["x"]\n[build]\ncomand = ["x"]\n', "did you mean 'command'"),
        ('name = "x\n', "line 1"),
        ("name = '\x01'", "peer.toml"),
        ('name = "x"\nlaunch = ["x"]\n[variants.a]\nofers = []\n', "'variants.a.ofers' is not known; did you mean 'offers'"),
        ('name = "x"\nlaunch = ["x"]\n[variants."A b"]\nsays = "x"\n', "variants.A b: the name must"),
        ('name = "x"\nlaunch = ["x"]\nvariants = 3\n', "'variants' must hold tables"),
        ('name = "x"\nlaunch = ["x"]\n[server]\ncommand = ["y"]\n', "exclude each other"),
        ('name = "x"\n[server]\ncomand = ["y"]\n', "'server.comand' is not known; did you mean 'command'"),
        ('name = "x"\n[server]\ncommand = ["y"]\npath = "here"\n', "'server.path'"),
        ('name = "x"\n[client]\ncommand = ["y"]\nrequest = ["z"]\n', "'client.methods' is missing"),
    ],
)
def test_what_is_wrong_with_a_manifest(write: Write, text: str, words: str) -> None:
    path = write("x/peer.toml", text)
    with pytest.raises(ManifestError) as caught:
        manifest.load(path.parent)
    assert words in str(caught.value)
    assert "peer.toml" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_folder_without_a_peer(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no peer\.toml here"):
        manifest.discover([tmp_path])


def test_two_peers_of_one_name(write: Write) -> None:
    for folder in ("a", "b"):
        write(f"{folder}/peer.toml", 'name = "x"\nlaunch = ["x"]\n')
    with pytest.raises(ManifestError, match="is taken by"):
        manifest.discover([write("c", "").parent])


def test_a_build_is_done_once_for_its_inputs(write: Write, tmp_path: Path) -> None:
    source = write("x/a.src", "one")
    found = manifest.load(write("x/peer.toml", BUILD % COPY).parent)
    said: list[str] = []
    made = builder(tmp_path, said)
    first = made.build(found)
    assert first.out is not None
    assert (first.out / "peer").read_text() == "one"
    assert first.argv == (f"{first.out}/peer", str(found.folder))
    assert builder(tmp_path, said).build(found) == first
    assert said == ["building peer x"]
    source.write_text("two")
    second = made.build(found)
    assert second.out != first.out
    assert second.out is not None
    assert (second.out / "peer").read_text() == "two"


def test_a_build_that_fails_shows_its_last_lines_and_leaves_nothing(write: Write, tmp_path: Path) -> None:
    words = '["{python}", "-c", "import sys; print(\'\\\\n\'.join(map(str, range(50)))); sys.exit(\'a.src:3: syntax\')"]'
    write("x/a.src", "")
    found = manifest.load(write("x/peer.toml", BUILD % words).parent)
    for _ in range(2):
        with pytest.raises(BuildError) as caught:
            builder(tmp_path, []).build(found)
    assert "a.src:3: syntax" in str(caught.value)
    assert "    49" in str(caught.value)
    assert "    29\n" not in str(caught.value)


def test_placeholders_that_stand_for_nothing(write: Write, tmp_path: Path) -> None:
    found = manifest.load(write("x/peer.toml", 'name = "x"\nlaunch = ["{pyhton}"]\n[tools.python]\nown = true\n').parent)
    with pytest.raises(ManifestError, match=r"\{pyhton\} stands for nothing; there are \{here\}, \{python\}"):
        builder(tmp_path, []).build(found)


def test_tools(write: Write, tmp_path: Path) -> None:
    text = 'name = "x"\nlaunch = ["{t}", "{m}"]\n[tools.t]\npath = ["no-such-program", "sh"]\ncheck = ["-c", "exit 0"]\n[tools.m]\npath = ["no-such-program"]\n'
    found = manifest.load(write("x/peer.toml", text).parent)
    box = Toolbox(tmp_path, lambda _: None)
    assert box.find(found, "t").argv[0].endswith("sh")
    with pytest.raises(ToolError, match=r"the tool \{m\} \(no-such-program\) is not on PATH"):
        box.find(found, "m")


def test_a_tool_that_does_not_work_is_passed_over(write: Write, tmp_path: Path) -> None:
    found = manifest.load(write("x/peer.toml", 'name = "x"\nlaunch = ["{t}"]\n[tools.t]\npath = ["sh"]\ncheck = ["-c", "exit 3"]\n').parent)
    with pytest.raises(ToolError):
        Toolbox(tmp_path, lambda _: None).find(found, "t")


def test_the_own_tool_is_the_interpreter_that_runs_parley(write: Write, tmp_path: Path) -> None:
    found = manifest.load(write("x/peer.toml", 'name = "x"\nlaunch = ["{p}", "-V"]\n[tools.p]\nown = true\n').parent)
    assert builder(tmp_path, []).build(found).argv == (sys.executable, "-V")


VARIED = """
name = "x"
launch = ["{t}", "a"]
[build]
command = ["{t}"]
env = { A = "1", B = "2" }
[tools.t]
path = ["t"]
[container]
launch = ["t"]
[variants.y]
offers = ["serve http/tcp"]
optional = true
launch = ["{t}", "b"]
build.env.B = "3"
container.dockerfile = "Other"
container.build = []
tools.u.path = ["u"]
"""


def test_a_variant_is_the_peer_but_for_what_it_says(write: Write) -> None:
    folder = write("x/peer.toml", VARIED).parent
    peer, variant = manifest.load_all(folder)
    assert (peer.name, peer.launch, peer.offers, set(peer.tools)) == ("x", ["{t}", "a"], [], {"t"})
    assert (variant.name, variant.launch, variant.offers, set(variant.tools)) == ("x:y", ["{t}", "b"], ["serve http/tcp"], {"t", "u"})
    assert variant.build is not None
    assert (variant.build.command, variant.build.env) == (["{t}"], {"A": "1", "B": "3"})
    assert variant.container is not None
    assert (variant.container.launch, variant.container.dockerfile, variant.container.build) == (["t"], "Other", [])
    assert ":" not in variant.file_name
    assert manifest.load(folder, "y") == variant
    assert list(manifest.discover([folder])) == ["x", "x:y"]
    with pytest.raises(ManifestError, match="there is no variant 'z'"):
        manifest.load(folder, "z")


def test_a_library_that_is_missing_is_told_before_a_compiler_stumbles(write: Write, tmp_path: Path) -> None:
    text = 'name = "x"\nlaunch = ["x"]\n[build]\ncommand = ["false"]\n[tools.lib]\npath = ["no-such-config"]\nhint = "apt-get install lib-dev"\n'
    with pytest.raises(ToolError, match="no-such-config") as caught:
        builder(tmp_path, []).build(manifest.load(write("x/peer.toml", text).parent))
    assert caught.value.hint == "apt-get install lib-dev"


def test_the_projects_own_peers() -> None:
    found = load_peers()
    assert {n for n, m in found.items() if not m.offers} == {"python", "c", "node", "go"}
    assert {n for n, m in found.items() if m.program} == {"nginx", "curl"}
    assert all(m.optional for m in found.values() if m.offers)
    for one in found.values():
        assert one.container is not None
        assert (one.folder / one.container.dockerfile).exists()
        assert one.says


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("event", {"event": "steps", "id": "a", "steps": [{"step": "created", "t": 1}]}, ""),
        ("event", {"event": "steps", "id": "a", "steps": [{"step": "created", "t": "1"}]}, "step 1 ('created')"),
        ("event", {"event": "steps", "id": "a", "steps": [{"step": "sent", "t": 1, "octets": 1}]}, "step 1 ('sent')"),
        ("event", {"event": "flushed"}, "id"),
        ("event", {"event": "hello"}, "contract"),
        ("command", {"do": "stop", "id": "x"}, ""),
        ("command", {"do": "stop"}, "id"),
        ("command", {"do": "stopp", "id": "x"}, "stopp"),
    ],
)
def test_the_schema(kind: str, value: object, words: str) -> None:
    found = problem(kind, value)
    assert (not found) if not words else found


def test_a_build_that_fails_may_do_with_less_and_is_tried_again_later(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Libraries that cannot be fetched: the peer is built without them, and for a while that is enough."""
    tried = tmp_path / "tried"
    text = (
        'name = "x"\nlaunch = ["{out}/a"]\n[build]\ncommand = ["{sh}", "-c", "echo whole >> ' + str(tried) + '; exit 3"]\n'
        'otherwise = ["{sh}", "-c", "echo less > {out}/a"]\ninputs = []\n[tools.sh]\npath = ["sh"]\ncheck = ["-c", "exit 0"]\n'
    )
    found, said = manifest.load(write("x/peer.toml", text).parent), list[str]()
    built = builder(tmp_path, said).build(found)
    assert built.out is not None and (built.out / "a").read_text() == "less\n"
    assert any("does with less" in line and "status 3" in line for line in said)
    builder(tmp_path, said).build(found)
    assert tried.read_text().count("whole") == 1
    monkeypatch.setattr("harness.peer.build.LESS_SECONDS", -1)
    builder(tmp_path, said).build(found)
    assert tried.read_text().count("whole") == 2


def test_nothing_may_be_enough(write: Write, tmp_path: Path) -> None:
    text = 'name = "x"\nlaunch = ["a"]\n[build]\ncommand = ["{sh}", "-c", "exit 3"]\notherwise = []\ninputs = []\n[tools.sh]\npath = ["sh"]\ncheck = ["-c", "exit 0"]\n'
    built = builder(tmp_path, []).build(manifest.load(write("x/peer.toml", text).parent))
    assert built.out is not None and not (built.out / "a").exists()
