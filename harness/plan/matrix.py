"""The matrix: every scenario with every ordered pair of peers and every family; what a peer lacks is said, not left out.

Pure: what peers declare comes in as values.
"""

from __future__ import annotations

import fnmatch
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from harness.errors import UsageError
from harness.model.case import BURST, FAMILIES, ROLES, Case, Scenario, Script
from harness.model.transports import LOCAL_FAMILY
from harness.suggest import did_you_mean

Doubt = Callable[[str], object]
EARLY = 0.6
"""Over so much of a run the cases that wait are strewn."""
SLOW_MILLISECONDS = 300


class Abilities(msgspec.Struct, frozen=True):
    """What one peer declared in its hello. ``known`` is false for a peer that could not be asked: then nothing
    is ruled out here, and its cases end in the reason why it could not. ``offers``: the abilities that it is there for, empty: all;
    no conversation that needs another is planned with it. ``guest``: it is on a platform, and meets the others in turns; ``sampled``: and holds
    each conversation but once. ``system``: the platform whose machine it is on where two peers are on one machine, empty: this one;
    ``slower``: its deadlines are so many times longer.
    """

    can: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    lacks: Mapping[str, str] = {}
    known: bool = True
    offers: frozenset[str] = frozenset()
    guest: bool = False
    sampled: bool = False
    system: str = ""
    slower: float = 1.0

    @property
    def in_turns(self) -> bool:
        """Whether it does not meet everybody in every conversation."""
        return bool(self.offers) or self.guest

    def on(self, lacks: Mapping[str, str]) -> Abilities:
        """What is left of it on a platform that lacks these abilities, each for a reason."""
        return msgspec.structs.replace(self, can=self.can - lacks.keys(), lacks={**self.lacks, **lacks})

    def meant_for(self, ability: str) -> bool:
        """Whether conversations that need this of it belong into the matrix."""
        return not self.offers or ability in self.offers

    def ignorant(self, knows: Sequence[str]) -> str:
        """Why this peer cannot carry what takes one of these abilities; empty if it can."""
        if not self.known or not knows or self.can.intersection(knows):
            return ""
        return "it declares neither of " + " and ".join(f"'{ability}'" for ability in knows)

    def missing(self, ability: str, family: str) -> str:
        """Why this peer cannot hold such a conversation; empty if it can."""
        if not self.known or not ability:
            return ""
        if ability not in self.can:
            reason = self.lacks.get(ability, "")
            return f"it does not declare '{ability}'" + (f": {reason}" if reason else "")
        return "" if family in self.families or family == LOCAL_FAMILY else f"it does not declare {family}"


class Selection(msgspec.Struct, frozen=True):
    """What the command line asks for. Empty means all. ``patterns`` are parts of case ids, or globs with * ? [ ]. ``all_pairs``: those
    that are there for a few abilities only (variants, programs) meet each other, too, not only the peers that are there for all. ``guests_only``:
    no conversation without a peer on a platform.
    """

    servers: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    specs: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    repeat: int = 1
    all_pairs: bool = False
    guests_only: bool = False


def cases(
    scenarios: Sequence[Scenario], peers: Mapping[str, Abilities], wanted: Selection, every_prober: bool = False, doubtful: Doubt = lambda _: False
) -> list[Case]:
    """All cases of a run, in the order in which they are best held: neighbours busy different peers. The octets of a probe are carried by
    one peer of those that can, a different one from probe to probe; ``every_prober``: by any, as long as it is not known who can.
    ``doubtful``: whether the case of that id is known to fail, and so may wait for what does not come: these are first.

    Raises ``UsageError`` for a peer, spec or pattern that selects nothing.
    """
    servers = _names(wanted.servers, peers, "--server")
    clients = _names(wanted.clients, peers, "--client")
    chosen = _specs(scenarios, wanted.specs)
    patient = _Patience(peers)
    made = [
        Case(patient.with_(scenario, client, server), client, server, family, unsupported=_unsupported(scenario, peers, client, server, family))
        for scenario in chosen
        for family in (wanted.families or (*FAMILIES, LOCAL_FAMILY))
        if family in scenario.families
        for client, server in (
            _pairs(clients, servers) if not scenario.tested or every_prober else _probing(scenario, peers, clients, servers, family)
        )
        if peers[client].meant_for(scenario.client_ability) and peers[server].meant_for(scenario.server_ability)
        if _meet(scenario, peers, wanted, family, client, server)
    ]
    if not made:
        raise UsageError(
            "these peers hold no conversation of these specs with each other", hint="`parley list peers` shows what each of them is there for."
        )
    kept = _early(_matching(made, wanted.patterns), doubtful)
    return [msgspec.structs.replace(c, attempt=n) if n > 1 else c for n in range(1, wanted.repeat + 1) for c in kept]


def _early(made: list[Case], doubtful: Doubt) -> list[Case]:
    """Those that wait much, strewn over the first part of a run: all in one heap they would leave nothing to do beside them, at its end nothing
    to wait for them with.
    """
    first: list[Case] = []
    rest: list[Case] = []
    for case in made:
        (first if doubtful(case.id) else rest).append(case)
    slow = [*first, *sorted((c for c in rest if _slow(c)), key=lambda c: zlib.crc32(c.id.encode()))]
    quick = [c for c in rest if not _slow(c)]
    every = max(1, int(len(quick) * EARLY) // max(1, len(slow)))
    mixed: list[Case] = []
    for at, case in enumerate(quick):
        if at % every == 0 and at // every < len(slow):
            mixed.append(slow[at // every])
        mixed.append(case)
    return [*mixed, *slow[(len(quick) + every - 1) // every :]]


def _slow(case: Case) -> bool:
    """Whether it waits of its own accord, may have to wait for an answer that does not come, or for others that take a server's room."""
    return case.scenario.waits >= SLOW_MILLISECONDS or case.scenario.probe is not None or case.scenario.burst > BURST // 2


def _unsupported(scenario: Scenario, peers: Mapping[str, Abilities], client: str, server: str, family: str) -> str:
    for role, name, ability in (("client", client, scenario.client_ability), ("server", server, scenario.server_ability)):
        reason = peers[name].missing(ability, family)
        if reason:
            return f"{role} {name}: {reason}"
    ignorant = peers[client].ignorant(scenario.client_knows)
    return f"client {client}: {ignorant}" if ignorant else ""


def _meet(scenario: Scenario, peers: Mapping[str, Abilities], wanted: Selection, family: str, client: str, server: str) -> bool:
    """Whether the two are a pair of this matrix. Those that are there for a few abilities meet each other only if asked for, and of the others
    one, whose turn it is: from scenario to scenario another; those that are named meet all.
    """
    few = [name for name in (client, server) if peers[name].in_turns]
    if wanted.guests_only and not (peers[client].guest or peers[server].guest):
        return False
    if not all(_is_its_turn(scenario, name, "client" if name == client else "server", family) for name in few if peers[name].sampled):
        return False
    together = scenario.place == "machine" and peers[client].system
    if scenario.place == "machine" and peers[client].system != peers[server].system:
        return False
    if wanted.all_pairs or not few or scenario.tested:
        return True
    if len(few) == 2 and not together:
        return client in wanted.clients and server in wanted.servers
    if few[0] in (*wanted.clients, *wanted.servers):
        return True
    partner, named, ability = (
        (server, wanted.servers, scenario.server_ability) if few[0] == client else (client, wanted.clients, scenario.client_ability)
    )
    if together:
        others = [name for name in named or peers if peers[name].system == together]
    else:
        others = [name for name in named or peers if not peers[name].in_turns]
    able = [name for name in others if not peers[name].missing(ability, family)] or others
    return partner == able[zlib.crc32(f"{scenario.key}/{few[0]}".encode()) % len(able)]


def _is_its_turn(scenario: Scenario, name: str, role: str, family: str) -> bool:
    """Whether this is the one case of the scenario that a peer holds which holds each but once: in one role, over one family."""
    roles = [scenario.tested] if scenario.tested else list(ROLES)
    turns = [(r, f) for r in roles for f in scenario.families]
    return (role, family) == turns[zlib.crc32(f"{name}/{scenario.key}".encode()) % len(turns)]


class _Patience:
    """Scenarios as slow peers hold them: with longer deadlines, each made once."""

    def __init__(self, peers: Mapping[str, Abilities]) -> None:
        self._peers = peers
        self._made: dict[tuple[int, float], Scenario] = {}

    def with_(self, scenario: Scenario, client: str, server: str) -> Scenario:
        """The scenario with the patience that the slower of the two needs."""
        factor = max(self._peers[client].slower, self._peers[server].slower)
        if factor == 1.0:
            return scenario
        key = (id(scenario), factor)
        if key not in self._made:
            self._made[key] = _slower(scenario, factor)
        return self._made[key]


def _slower(scenario: Scenario, factor: float) -> Scenario:
    """With longer deadlines, and, where it puts one side to the test, with a script that waits longer for what that does."""
    deadline, control = int(scenario.deadline * factor), scenario.control and _slower(scenario.control, factor)
    client, server = (_patient(script, factor) if scenario.tested and script else script for script in (scenario.client, scenario.server))
    return msgspec.structs.replace(scenario, deadline=deadline, control=control, client=client, server=server)


def _patient(script: Script, factor: float) -> Script:
    steps = tuple({**step, "within": int(step["within"] * factor)} if "within" in step else step for step in script.steps)
    return msgspec.structs.replace(script, steps=steps)


def _pairs(clients: Sequence[str], servers: Sequence[str]) -> Iterable[tuple[str, str]]:
    """All ordered pairs, diagonal by diagonal, so that a row of cases spreads over all peers."""
    for shift in range(len(servers)):
        for i, client in enumerate(clients):
            yield client, servers[(i + shift) % len(servers)]


def _probing(
    scenario: Scenario, peers: Mapping[str, Abilities], clients: Sequence[str], servers: Sequence[str], family: str
) -> Iterable[tuple[str, str]]:
    """Each peer that is put to the test, with the prober whose turn it is."""
    of_server = scenario.tested == "server"
    ability, others = (scenario.client_ability, clients) if of_server else (scenario.server_ability, servers)
    meant = [name for name in others if peers[name].meant_for(ability)]
    meant = [name for name in meant if not peers[name].guest] or meant  # what is doubted is the one side, not the platform that carries it
    knows = scenario.client_knows if of_server else ()
    able = [name for name in meant if not peers[name].missing(ability, family) and not peers[name].ignorant(knows)] or meant
    if not able:
        return
    turn = zlib.crc32(scenario.key.encode())
    for place, tested in enumerate(servers if of_server else clients):
        prober = able[(turn + place) % len(able)]
        yield (prober, tested) if of_server else (tested, prober)


def _names(wanted: tuple[str, ...], peers: Mapping[str, Abilities], option: str) -> list[str]:
    for name in wanted:
        if name not in peers:
            raise UsageError(f"{option} {name}: there is no such peer{did_you_mean(name, peers)}")
    return list(dict.fromkeys(wanted)) or list(peers)


def _specs(scenarios: Sequence[Scenario], wanted: tuple[str, ...]) -> list[Scenario]:
    if not wanted:
        return list(scenarios)
    chosen: dict[str, Scenario] = {}
    for text in wanted:
        found = [s for s in scenarios if names_spec(s.key, text)]
        if not found:
            known = {"/".join(s.key.split("/")[:2]) for s in scenarios}
            raise UsageError(
                f"--spec {text}: no spec or conversation is called so{did_you_mean(text, known)}", hint="`parley list specs` shows them all."
            )
        chosen |= {s.key: s for s in found}
    return [s for s in scenarios if s.key in chosen]


def names_spec(key: str, text: str) -> bool:
    """Whether ``text`` names the scenario ``key``: the beginning of it up to a ``/``, or a glob over it."""
    text = text.removesuffix(".yaml").strip("/")
    return key == text or key.startswith(text + "/") or fnmatch.fnmatchcase(key, text)


def _matching(made: list[Case], patterns: tuple[str, ...]) -> list[Case]:
    if not patterns:
        return made
    ids = [case.id for case in made]
    keep: set[int] = set()
    for pattern in patterns:
        found = {i for i, id_ in enumerate(ids) if matches(id_, pattern)}
        if not found:
            raise UsageError(
                f"-k {pattern}: selects none of {len(ids):,} cases",
                hint="`parley list cases` shows their ids; a pattern is a part of an id, or a glob.",
            )
        keep |= found
    return [case for i, case in enumerate(made) if i in keep]


def matches(case_id: str, pattern: str) -> bool:
    """Whether a pattern selects a case id: a glob over the whole if it has ``*`` or ``?``, else a part of it."""
    if any(c in pattern for c in "*?["):
        return fnmatch.fnmatchcase(case_id, pattern)
    return pattern in case_id
