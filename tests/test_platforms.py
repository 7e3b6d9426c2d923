"""Platforms: what their files and the manifests' targets say, who takes part, and what the plan makes of it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from harness.casting import ALL, FAST, NONE, Cast, Casting
from harness.errors import ManifestError, ToolError, UsageError
from harness.model.case import Case
from harness.peer import manifest as manifests
from harness.peer import platform as platforms
from harness.peer.build import Builder
from harness.peer.tools import Toolbox
from harness.pipeline import load_peers, load_platforms, load_specs
from harness.plan.expectations import Book, Entry, Written
from harness.plan.matrix import Abilities, Selection, cases
from tests.test_matrix import ALL as CAN
from tests.test_matrix import SCENARIOS

PEER = """
name = "mine"
launch = ["{out}/mine"]
build.command = ["make", "{out}"]
build.env = { A = "1", B = "2" }
container.launch = ["/mine"]

[targets.far]
launch = ["{out}/mine.exe"]
build.env = { B = "3" }
lacks."load tcp" = "no threads there"
"""


def peer(home: Path, text: str = PEER) -> manifests.Manifest:
    home.mkdir(exist_ok=True)
    (home / "peer.toml").write_text(text)
    return manifests.load(home)


def platform(home: Path, text: str, name: str = "here") -> platforms.Platform:
    home.mkdir(exist_ok=True)
    (home / f"{name}.toml").write_text(text)
    return platforms.load(home / f"{name}.toml")


def cast(home: Path, own: dict[str, manifests.Manifest], there: dict[str, platforms.Platform], wanted: Casting) -> Cast:
    builder = Builder(home / "build", Toolbox(home / "tools", print), print)
    return Cast(own, there, wanted, builder, {}, print)


def test_a_target_is_the_peer_with_what_differs_there(tmp_path: Path) -> None:
    there = platform(tmp_path / "p", 'says = "far away"\ntarget = "far"\nslower = 3')
    guest = peer(tmp_path / "mine").on(there)
    assert guest.name == "mine@here"
    assert guest.launch == ["{out}/mine.exe"]
    assert guest.build
    assert guest.build.env == {"A": "1", "B": "3"}
    assert guest.container is None, "an image is one of this system"
    assert guest.optional
    assert guest.platform is there
    assert "@" not in guest.file_name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("says = 1\ntarget = 'far'", "'says'"),
        ("says = 'x'", "'target' is missing"),
        ("says = 'x'\ntarget = 'far'\nslow = 2", "'slow' is not known; did you mean 'slower'?"),
        ("says = 'x'\ntarget = 'far'\nslower = 0.5", "'slower'"),
        ("says = 'x'\ntarget = 'far'\nname = 'y'", "called as its file is"),
        ("says = 'x'\ntarget = 'far'\n[machine]\ncommand = ['x']", "'machine.card' is missing"),
        ("says = ", "Invalid value"),
    ],
)
def test_a_platform_file_that_is_wrong_says_what_and_where(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ManifestError, match=r"here\.toml") as error:
        platform(tmp_path, text)
    assert says in str(error.value)


@pytest.mark.parametrize("text", ["targets = 1", "[targets]\nFar = {}", "[targets.far]\nlauch = ['x']", "platform = 'x'"])
def test_targets_that_are_wrong_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ManifestError, match=r"peer\.toml"):
        peer(tmp_path / "mine", f'name = "mine"\nlaunch = ["x"]\n{text}\n')


def test_the_projects_own_platforms_have_peers() -> None:
    there = load_platforms()
    found = manifests.guests(load_peers(), there)
    assert {name.partition("@")[2] for name in found} == set(there)
    assert {"c@windows", "go@s390x", "c@aarch64", "go@musl", "node@linux-6.1"} <= found.keys()


# -- who takes part -------------------------------------------------------------------------------------------


def test_the_fast_ones_are_sampled_and_all_are_whole(tmp_path: Path) -> None:
    own = {"mine": peer(tmp_path / "mine")}
    there = {n: platform(tmp_path / "p", f'says = "x"\ntarget = "far"\nfast = {f}', n) for n, f in (("near", "true"), ("remote", "false"))}
    fast = cast(tmp_path, own, there, Casting(FAST))
    assert set(fast.peers) == {"mine", "mine@near"}
    assert fast.placed(Abilities(), fast.peers["mine@near"]).sampled
    whole = cast(tmp_path, own, there, Casting(ALL))
    assert set(whole.peers) == {"mine", "mine@near", "mine@remote"}
    assert not whole.placed(Abilities(), whole.peers["mine@near"]).sampled
    assert set(cast(tmp_path, own, there, Casting(NONE)).peers) == {"mine"}
    named = cast(tmp_path, own, there, Casting(NONE, named=("mine@remote",)))
    assert set(named.peers) == {"mine", "mine@remote"}
    assert not named.placed(Abilities(), named.peers["mine@remote"]).sampled


def test_a_platform_that_is_asked_for_and_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    own = {"mine": peer(tmp_path / "mine")}
    tools = '[tools.emulator]\npath = ["no-such-emulator"]\nhint = "apt-get install it"'
    there = {"far": platform(tmp_path / "p", f'says = "x"\ntarget = "far"\n{tools}', "far")}
    with pytest.raises(ToolError, match=r"platform far: .*no-such-emulator.*\n.*apt-get install it"):
        cast(tmp_path, own, there, Casting(FAST, only_on=("far",)))
    said: list[str] = []
    left: dict[str, str] = {}
    builder = Builder(tmp_path / "build", Toolbox(tmp_path / "tools", print), print)
    assert set(Cast(own, there, Casting(ALL), builder, left, said.append).peers) == {"mine"}
    assert list(left) == ["platform far"]
    assert "apt-get install it" in said[0]


def test_a_platform_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'far'"):
        cast(tmp_path, {}, {"far": platform(tmp_path, 'says = "x"\ntarget = "far"', "far")}, Casting(FAST, only_on=("fra",)))


def test_what_is_lacking_there_is_said(tmp_path: Path) -> None:
    own = {"mine": peer(tmp_path / "mine")}
    there = {"far": platform(tmp_path / "p", 'says = "x"\ntarget = "far"\nslower = 4\nlacks."script client/tcp" = "no such thing"', "far")}
    all_of_it = cast(tmp_path, own, there, Casting(ALL))
    placed = all_of_it.placed(Abilities(CAN.can | {"load tcp"}, CAN.families), all_of_it.peers["mine@far"], "far")
    assert placed.missing("script client/tcp", "ipv4") == "it does not declare 'script client/tcp': no such thing"
    assert "no threads there" in placed.missing("load tcp", "ipv4")
    assert (placed.guest, placed.slower, placed.system) == (True, 4.0, "far")


# -- the plan -------------------------------------------------------------------------------------------------

GUEST = msgspec.structs.replace(CAN, guest=True, slower=10.0)


def between(made: list[Case], name: str) -> list[Case]:
    return [case for case in made if name in (case.client, case.server)]


def test_a_guest_meets_one_peer_of_this_system_in_each_conversation_and_role() -> None:
    made = between(cases(SCENARIOS, {"a": CAN, "b": CAN, "x": GUEST, "y": GUEST}, Selection()), "x")
    assert made
    assert not any({c.client, c.server} == {"x", "y"} or c.client == c.server for c in made)
    as_client = [c for c in made if c.client == "x"]
    assert len(as_client) == len({(c.scenario.key, c.family) for c in as_client}), "one partner for each"
    assert {c.server for c in as_client} == {"a", "b"}, "in turns"


def test_a_sampled_guest_holds_each_conversation_once() -> None:
    sampled = msgspec.structs.replace(GUEST, sampled=True)
    made = between(cases(SCENARIOS, {"a": CAN, "b": CAN, "x": sampled}, Selection()), "x")
    assert sorted(c.scenario.key for c in made) == sorted({s.key for s in SCENARIOS})
    many = {f"x{n}": sampled for n in range(20)}
    turns = {
        (c.family, "client" if c.client in many else "server") for c in cases(SCENARIOS, {"a": CAN, **many}, Selection()) if c.client != c.server
    }
    assert turns == {(f, r) for f in ("ipv4", "ipv6") for r in ("client", "server")}, "in any role, over any family"


def test_guests_that_are_named_meet() -> None:
    named = Selection(servers=("x",), clients=("y",))
    assert len(cases(SCENARIOS, {"a": CAN, "x": GUEST, "y": GUEST}, named)) == len(cases(SCENARIOS, {"a": CAN}, Selection()))


def test_deadlines_are_those_of_the_slower_side() -> None:
    slower = msgspec.structs.replace(GUEST, slower=20.0)
    made = cases(SCENARIOS, {"a": CAN, "x": GUEST, "y": slower}, Selection(all_pairs=True))
    deadline = {s.key: s.deadline for s in SCENARIOS}
    factor = {"a": 1, "x": 10, "y": 20}
    assert all(c.scenario.deadline == deadline[c.scenario.key] * max(factor[c.client], factor[c.server]) for c in made)


def test_a_slow_side_that_is_put_to_the_test_is_waited_for() -> None:
    probe = next(s for s in load_specs().scenarios() if s.probe and s.probe.of == "server" and s.client)
    can = Abilities(frozenset({"serve http/tcp", "script client/tcp"}), CAN.families)
    made = cases([probe], {"a": can, "x": msgspec.structs.replace(can, guest=True, slower=10.0)}, Selection())
    within = {c.server: [step["within"] for step in c.scenario.client.steps if "within" in step] for c in made if c.scenario.client}
    assert within["a"]
    assert within["x"] == [10 * ms for ms in within["a"]]


def test_two_on_one_machine_are_of_one_system() -> None:
    machine = next(s for s in load_specs().scenarios() if s.place == "machine" and s.transport == "fifo")
    can = Abilities(frozenset({"script client/fifo", "script server/fifo"}), CAN.families)
    away = msgspec.structs.replace(can, guest=True, system="far")
    beside = msgspec.structs.replace(can, guest=True)
    made = {(c.client, c.server) for c in cases([machine], {"a": can, "x": away, "y": away, "z": beside}, Selection())}
    assert not {(c, s) for c, s in made if (c in "xy") != (s in "xy")}, "a FIFO reaches no other machine"
    assert {c for c, s in made if s in "xy"} == {"x", "y"}
    assert ("a", "a") in made
    assert any("z" in pair for pair in made), "an emulated process is on this machine"


# -- what is known to fail ------------------------------------------------------------------------------------


def book(*patterns: str) -> Book:
    import datetime

    return Book([Entry(Written(cases=p, kind="fails", reason="x", owner="me", expires="2100-01-01"), datetime.date(2100, 1, 1), "f", n, n + 1)
                 for n, p in enumerate(patterns)])  # fmt: skip


def test_what_a_peer_fails_it_may_fail_on_a_platform() -> None:
    known = book("spec/talk/*/server=go/*")
    native, guest = "spec/talk/x/client=c/server=go/ipv4", "spec/talk/x/client=c@here/server=go@windows/ipv4"
    assert known.speaking_of(native)
    assert known.excusing(guest)
    assert not known.speaking_of(guest), "whether it does is left open: a pass there is none that was not expected"
    assert not known.excusing("spec/talk/x/client=c/server=gone@windows/ipv4")
    assert not book("spec/talk/*/server=go@windows/*").excusing(native)


def test_an_entry_names_the_platforms_that_it_is_about() -> None:
    names = ["c@windows", "go@windows", "c@s390x"]
    assert book("spec/*=*@windows/*").speaks_of_peers(names) == {"c@windows": ("spec",), "go@windows": ("spec",)}
    assert book("spec/*/client=c@s390x/*").speaks_of_peers(names) == {"c@s390x": ("spec",)}
    assert book("spec/*/server=c/*").speaks_of_peers(names) == {}
    assert book("*/client=c@s390x/*").speaks_of_peers(names) == {"c@s390x": ()}, "of whatever spec"


async def test_a_program_for_another_machine_is_told_as_such(tmp_path: Path) -> None:
    from harness.errors import LaunchError
    from harness.launch.process import ProcessLauncher
    from harness.network.base import Loopback
    from harness.peer.build import Built

    other = bytearray(Path(sys.executable).read_bytes()[:4096])
    if other[:4] != b"\x7fELF":
        pytest.skip("programs have another form here")
    other[18:20] = b"\x00\x16"
    for content in (bytes(other), b"MZ" + bytes(100)):
        (tmp_path / "program").write_bytes(content)
        (tmp_path / "program").chmod(0o755)
        launcher = ProcessLauncher(Loopback())
        with pytest.raises(LaunchError, match="for another system or machine"):
            await launcher.start(Built(load_peers()["c"], (str(tmp_path / "program"),), None), "x", print, print, print)


def test_a_tool_that_fails_its_check_is_not_said_to_be_missing(tmp_path: Path) -> None:
    tools = '[tools.emulator]\npath = ["false"]\ncheck = ["--version", "x"]'
    there = platform(tmp_path, f'says = "x"\ntarget = "far"\n{tools}', "far")
    with pytest.raises(ToolError, match=r"false --version x does not end with status 0"):
        Toolbox(tmp_path / "tools", print).find(there, "emulator")


async def test_a_machine_is_given_few_conversations_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from harness.model.trace import Side, Trace
    from harness.run import scheduler

    at_once: dict[str, int] = {"a": 0, "x": 0}
    most = dict(at_once)

    async def hold(case: Case, *_: object) -> tuple[Trace, None]:
        at_once[case.client] += 1
        most[case.client] = max(most[case.client], at_once[case.client])
        await asyncio.sleep(0.001)
        at_once[case.client] -= 1
        return Trace(Side(), Side()), None

    monkeypatch.setattr(scheduler, "hold", hold)
    pool = SimpleNamespace(at_hand=lambda *_: SimpleNamespace(busy=0, trouble=""))
    scenario = next(s for s in SCENARIOS if s.transport == "tcp")
    wanted = [Case(scenario, client, "b", "ipv4", n) for n in range(100) for client in ("a", "x")]
    done: list[str] = []
    plan = scheduler.Scheduler(pool, {}, 40, lambda c, _: done.append(c.id), machines={"x": "far"})  # type: ignore[arg-type]
    await plan.run(wanted)
    assert sorted(done) == sorted(c.id for c in wanted)
    assert most == {"a": 40, "x": scheduler.FEW}
