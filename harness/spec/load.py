"""Spec files and requirement files, read and checked: everything that is wrong with them in one go."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import SpecError, UsageError
from harness.model import levels, transports
from harness.model.case import Scenario
from harness.spec import compile as compiler
from harness.spec import expand, model, names, yamlpos
from harness.suggest import did_you_mean

REQUIREMENTS = "requirements"
M = TypeVar("M", bound=BaseModel)
Problem = tuple[str, int, int, str]


@dataclass(frozen=True)
class Spec:
    """One spec file: its name (path below the specs folder, without ending), heading and scenarios."""

    name: str
    path: Path
    rfc: int | str
    section: str
    transport: str
    service: str
    scenarios: tuple[Scenario, ...]
    site: tuple[dict[str, Any], ...]
    zone: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class SpecSet:
    """All specs of a run, the requirements that they may cite, and the site of all their http services."""

    specs: tuple[Spec, ...]
    requirements: Mapping[str, model.Requirement]
    site: tuple[dict[str, Any], ...] = field(default=())
    records: Mapping[int | str, tuple[str, tuple[model.Requirement, ...]]] = field(default_factory=dict)
    """By RFC: its title, and its requirements in file order."""

    zone: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Mapping[str, Any]]:
        """What the services of every peer are told, by service."""
        return {"http": {"site": self.site}, "dns": {"zone": self.zone}}

    def scenarios(self) -> tuple[Scenario, ...]:
        """Every scenario of every spec, in file order."""
        return tuple(s for spec in self.specs for s in spec.scenarios)


def load(roots: Iterable[Path], rules: Iterable[str], requirement_roots: Iterable[Path] = (), wire_rules: Iterable[str] = ()) -> SpecSet:
    """Reads every spec below ``roots`` (folders or files). ``rules`` and ``wire_rules`` are the content and wire rules that the judge
    knows; requirements are those below the roots, and below ``requirement_roots``.

    Raises ``SpecError`` with all problems of all files, ``UsageError`` if a root holds no spec.
    """
    files, requirement_files = _find(roots)
    requirement_files += [
        p for root in requirement_roots for p in sorted((root.resolve() / REQUIREMENTS).glob("*.yaml")) if p not in requirement_files
    ]
    problems: list[Problem] = []
    records: dict[int | str, tuple[str, tuple[model.Requirement, ...]]] = {}
    requirements = _requirements(requirement_files, problems, records)
    loader = _Loader(requirements, frozenset(rules), frozenset(wire_rules), problems)
    specs = [spec for name, path in files if (spec := loader.spec(name, path))]
    site = _merge_sites(specs, problems)
    zone = _merge_zones(specs, problems)
    if problems:
        raise SpecError(sorted(set(problems)))
    return SpecSet(tuple(specs), requirements, tuple(site), dict(sorted(records.items(), key=lambda held: (isinstance(held[0], str), held[0]))), zone)


def _find(roots: Iterable[Path]) -> tuple[list[tuple[str, Path]], list[Path]]:
    files: dict[Path, str] = {}
    requirement_files: dict[Path, None] = {}
    for root in roots:
        if root.is_file():
            files.setdefault(root.resolve(), f"{root.parent.name}/{root.stem}")
            home = root.resolve().parent.parent
        elif root.is_dir():
            found = [p for p in sorted(root.rglob("*.yaml")) if REQUIREMENTS not in p.relative_to(root).parts]
            if not found:
                raise UsageError(f"{root}: there is no spec (*.yaml) below this folder")
            for path in found:
                files.setdefault(path.resolve(), str(path.relative_to(root).with_suffix("")).replace("\\", "/"))
            home = root.resolve()
        else:
            raise UsageError(f"{root}: there is no such file or folder", hint="--specs names a folder of specs, check names spec files.")
        requirement_files |= dict.fromkeys(sorted((home / REQUIREMENTS).glob("*.yaml")))
    return [(name, path) for path, name in files.items()], list(requirement_files)


def _requirements(
    files: list[Path], problems: list[Problem], records: dict[int | str, tuple[str, tuple[model.Requirement, ...]]]
) -> dict[str, model.Requirement]:
    found: dict[str, model.Requirement] = {}
    for path in files:
        document = yamlpos.read(path)
        file = validated(document, model.RequirementFile, document.value, (), problems)
        for i, requirement in enumerate(file.requirements if file else []):
            if requirement.level not in levels.WORDS:
                says = f"'{requirement.level}' is no level{did_you_mean(requirement.level, levels.WORDS)}"
                problems.append(document.error(("requirements", i, "level"), says))
            if requirement.id in found:
                problems.append(document.error(("requirements", i, "id"), f"the id {requirement.id} is taken"))
            found[requirement.id] = requirement
        if file:
            title, before = records.get(file.rfc, (file.title, ()))
            records[file.rfc] = (title, (*before, *file.requirements))
    return found


def _merge_sites(specs: list[Spec], problems: list[Problem]) -> list[dict[str, Any]]:
    """One site for the whole run: a path and method may stand in several specs only if they are the same."""
    merged: dict[tuple[str, str], tuple[Spec, dict[str, Any]]] = {}
    for spec in specs:
        for resource in spec.site:
            key = (resource["path"], resource["method"])
            other, known = merged.setdefault(key, (spec, resource))
            if known != resource:
                says = f"{key[1]} {key[0]} is answered differently in {other.path.name}; all specs share one site"
                problems.append((str(spec.path), 1, 1, says))
    return [resource for _, resource in merged.values()]


def _merge_zones(specs: list[Spec], problems: list[Problem]) -> dict[str, Any]:
    """One zone for the whole run: all specs have the same origin, and records of all are in it once."""
    merged: dict[str, Any] = {}
    for spec in specs:
        if spec.zone is None:
            continue
        if spec.zone["origin"] != merged.setdefault("origin", spec.zone["origin"]):
            problems.append((str(spec.path), 1, 1, f"another zone than {merged['origin']}; all specs share one"))
        records = merged.setdefault("records", [])
        records += [record for record in spec.zone["records"] if record not in records]
    return merged


class _Loader:
    """Reads spec files, gathering problems instead of stopping at the first."""

    def __init__(self, requirements: Mapping[str, Any], rules: frozenset[str], wire_rules: frozenset[str], problems: list[Problem]) -> None:
        self._wire_rules = wire_rules
        self._requirements = requirements
        self._rules = rules
        self._problems = problems
        self._keys: dict[str, str] = {}

    def spec(self, name: str, path: Path) -> Spec | None:
        try:
            document = yamlpos.read(shown(path))
        except SpecError as error:
            self._problems += error.problems
            return None
        raw = document.value
        if not isinstance(raw, dict):
            self._problems.append(document.error((), "a spec is a mapping: rfc, section, transport, service, conversations"))
            return None
        conversations = raw.get("conversations")
        head = validated(document, model.Head, {k: v for k, v in raw.items() if k != "conversations"}, (), self._problems)
        if not isinstance(conversations, list) or not conversations:
            self._problems.append(document.error(("conversations",), "'conversations' must be a list of at least one conversation"))
            return None
        if head is None:
            return None
        scenarios = [s for i, c in enumerate(conversations) for s in self._conversation(document, head, name, i, c)]
        site = tuple(compiler.resource(r) for r in head.site)
        return Spec(
            name, path, head.rfc, head.section, head.transport, head.service, tuple(scenarios), site, names.zone(head.zone) if head.zone else None
        )

    def _conversation(self, document: yamlpos.Document, head: model.Head, name: str, at: int, raw: Any) -> list[Scenario]:
        path: yamlpos.Path_ = ("conversations", at)
        if not isinstance(raw, dict):
            self._problems.append(document.error(path, "a conversation is a mapping: id, says, requires, ..."))
            return []
        parameters = raw.get("with", {})
        if not isinstance(parameters, dict):
            self._problems.append(document.error((*path, "with"), "'with' is a mapping from parameter to value or list of values"))
            return []
        try:
            combinations = expand.bindings(parameters)
        except ValueError as error:
            self._problems.append(document.error((*path, "with"), str(error)))
            return []
        rest = {k: v for k, v in raw.items() if k != "with"}
        found: list[Scenario] = []
        for label, binding in combinations:
            scenario = self._bind(document, head, name, path, rest, label, binding)
            if scenario is None:
                return found  # its other bindings have the same problem
            found.append(scenario)
        return found

    def _bind(
        self, document: yamlpos.Document, head: model.Head, name: str, path: yamlpos.Path_, rest: Any, label: str, binding: Any
    ) -> Scenario | None:
        try:
            bound = expand.substitute(rest, binding)
        except expand.ReferenceProblem as problem:
            self._problems.append(document.error((*path, *problem.path), str(problem)))
            return None
        conversation = validated(document, model.Conversation, bound, path, self._problems, written=rest)
        if conversation is None or not self._sound(document, head, conversation, path):
            return None
        key = f"{name}/{conversation.id}" + (f"/{label}" if label else "")
        line, _ = document.place((*path, "id"))
        if not self._unique(document, path, key, f"{document.path}:{line}"):
            return None
        return compiler.scenario(head, conversation, key, f"{document.path}:{line}")

    def _unique(self, document: yamlpos.Document, path: yamlpos.Path_, key: str, origin: str) -> bool:
        if key in self._keys:
            self._problems.append(document.error((*path, "id"), f"the id '{key}' is taken by {self._keys[key]}"))
            return False
        self._keys[key] = origin
        return True

    def _sound(self, document: yamlpos.Document, head: model.Head, c: model.Conversation, path: yamlpos.Path_) -> bool:
        """What no single word can show: that what is named exists, and that the words fit together."""
        before = len(self._problems)

        def say(where: yamlpos.Path_, says: str) -> None:
            self._problems.append(document.error((*path, *where), says))

        for where, ids in self._cited(c):
            for unknown in (i for i in ids if i not in self._requirements):
                say(where, f"there is no requirement '{unknown}'{did_you_mean(unknown, self._requirements)}")
        for role in ("client", "server"):
            steps = getattr(c, role) or ()
            for i, step in enumerate(steps):
                for says in self._step_problems(head, role, i, step, last=i == len(steps) - 1):
                    say((role, i), says)
        for i, seen in enumerate(c.wire):
            if seen.rule not in self._wire_rules:
                say(("wire", i, "rule"), f"there is no wire rule '{seen.rule}'{did_you_mean(seen.rule, self._wire_rules)}")
        for word, service in (("mail", ("smtp", "script")), ("dialogue", ("smtp",))):
            if getattr(c, word) and (head.service not in service or head.transport != "tcp"):
                say((word,), f"'{word}' speaks SMTP: it needs 'transport: tcp' and 'service: {service[0]}'")
        for word in ("questions", "queries"):
            if getattr(c, word) and (head.service != "dns" or (word == "questions" and head.transport != "udp")):
                say((word,), f"'{word}' are asked of a name server: it needs 'service: dns'" + " and 'transport: udp'" * (word == "questions"))
        if c.exchange and head.service != "http":
            say(("exchange",), "'exchange' speaks HTTP: it needs 'service: http'")
        if c.server and head.service != "script":
            say(("server",), f"the server is the service '{head.service}'; a server's own steps need 'service: script'")
        if c.times > 1 and not c.server:
            say(("times",), "'times' holds a server's script again on its port: it needs 'service: script'")
        for where, says in (*self._crowd_problems(head, c), *self._machine_problems(head, c)):
            say(where, says)
        if c.probe and head.service != "http":
            say(("probe",), "'probe' speaks HTTP to a server: it needs 'service: http'")
        if c.probe_client and head.service != "script":
            say(("probe-client",), "'probe-client' answers in place of a server: it needs 'service: script'")
        if not c.server and not c.probe_client and head.service == "script":
            say((), "'service: script' needs the server's steps under 'server'")
        return len(self._problems) == before

    def _crowd_problems(self, head: model.Head, c: model.Conversation) -> Iterable[tuple[yamlpos.Path_, str]]:
        listens = head.transport == "tcp" and bool(c.server)
        if c.backlog is not None and not listens:
            yield ("backlog",), "'backlog' is of a listener: it needs 'transport: tcp' and 'service: script'"
        if c.clients == 1:
            return
        last = c.server[-1] if c.server else None
        if not listens or last is None:
            yield ("clients",), "several 'clients' take turns at a server's script: it needs 'transport: tcp' and 'service: script'"
        elif not last.close and not last.reset:
            yield ("server", len(c.server or ()) - 1), "where several clients take turns, the server's last step is 'close' or 'reset'"
        if c.times > 1:
            yield ("times",), "a conversation has either 'times' or 'clients'"

    def _machine_problems(self, head: model.Head, c: model.Conversation) -> Iterable[tuple[yamlpos.Path_, str]]:
        """What is of one machine alone, or cannot be there."""
        machine = head.place == "machine" or head.transport in transports.LOCAL
        if head.transport in transports.LOCAL and head.service not in ("script", "nobody"):
            yield (), f"no service is served over {head.transport}: it needs 'service: script' or 'nobody'"
        if machine and (
            c.exchange or c.mail or c.dialogue or c.questions or c.queries or c.probe or c.probe_client or c.wire or c.times > 1 or c.clients > 1
        ):
            yield (), "on one machine there are scripts of one client, and no wire to look at"
        if head.transport in transports.LOCAL and "families" in c.model_fields_set:
            yield ("families",), f"{head.transport} knows no address families"
        for word, fits in (
            ("room", head.transport in ("shared-memory", "message-queue")),
            ("joined", head.transport == "pipe"),
            ("abstract", head.transport in ("unix", "unix-datagram", "unix-seqpacket")),
            ("at", machine and head.transport in transports.NETWORKED),
        ):
            if getattr(c, word) and not fits:
                yield (word,), f"'{word}' is not of {head.transport}" + (" on a wire" if word == "at" else "")

    def _cited(self, c: model.Conversation) -> Iterable[tuple[yamlpos.Path_, list[str]]]:
        yield ("requires",), c.requires
        for role in ("client", "server"):
            for i, step in enumerate(getattr(c, role) or ()):
                for word in ("connect", "send", "expect"):
                    yield (role, i, word, "requires"), getattr(getattr(step, word), "requires", [])
        for i, seen in enumerate(c.wire):
            yield ("wire", i, "requires"), seen.requires
        for i, delivery in enumerate(c.mail or ()):
            yield ("mail", i, "expect", "requires"), delivery.expect.requires
        for i, question in enumerate(c.questions or ()):
            yield ("questions", i, "requires"), question.requires
        for i, asked in enumerate(c.queries or ()):
            yield ("queries", i, "expect", "requires"), asked.expect.requires if asked.expect else []
        for i, turn in enumerate(c.dialogue or ()):
            yield ("dialogue", i, "requires"), turn.requires
        for i, e in enumerate(c.exchange or ()):
            yield ("exchange", i, "expect", "requires"), e.expect.requires

    def _step_problems(self, head: model.Head, role: str, at: int, step: model.Step, *, last: bool) -> Iterable[str]:
        expect = step.expect
        failing = step.connect or step.send or expect
        if failing and failing.fails and not last:
            yield "what must fail ends the script: 'fails' belongs to the last step"
        if expect and expect.matches and expect.matches not in self._rules:
            yield f"there is no content rule '{expect.matches}'{did_you_mean(expect.matches, self._rules)}"
        transport, word = head.transport, next(iter(step.model_fields_set))
        name = transport.upper() if transport in transports.NETWORKED else transport
        if transport in transports.ACCEPTING:
            first = "connect" if role == "client" else "accept"
            if (at == 0) != (word == first) and not (transport in transports.LOCAL and role == "server"):
                yield f"a {name} {role} begins with '{first}', and does it once"
        elif step.accept or step.half_close:
            yield f"{name} has no connections: 'accept' and 'half-close' are for TCP"
        if expect:
            yield from self._content_problems(transport, name, expect)
        yield from self._local_problems(transport, step)

    def _content_problems(self, transport: str, name: str, expect: model.Expect) -> Iterable[str]:
        if transport in transports.RECORDS:
            if expect.octets or (expect.then and transport not in transports.ACCEPTING):
                yield f"over {name}, expect 'datagrams' or 'records', 'matches' or 'nothing'"
        elif expect.datagrams or expect.records:
            yield f"over {name} there are no datagrams: expect 'octets'"
        elif expect.matches and not (expect.then or expect.size is not None):
            yield "say how much is matched: 'size: N' octets, or 'then: end'"

    def _local_problems(self, transport: str, step: model.Step) -> Iterable[str]:
        """Members that belong to some transports of one machine alone."""
        arguments = getattr(step, next(iter(step.model_fields_set)))
        for words, fits in (
            (("descriptor", "credentials"), transport in ("unix", "unix-seqpacket")),
            (("priority", "now", "messages"), transport == "message-queue"),
            (("signal", "signals"), transport == "signal"),
        ):
            for word in words:
                if getattr(arguments, word, None) not in (None, False) and not fits:
                    yield f"'{word}' is not of {transport}"
        if transport == "signal" and (getattr(arguments, "payload", None) or getattr(arguments, "octets", None)):
            yield "signals carry no octets: send a 'signal', expect 'signals'"
        if step.reset and transport != "tcp":
            yield "only TCP can be reset"


def shown(path: Path) -> Path:
    """The path as a user would write it: relative where that is shorter."""
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path


def validated(document: yamlpos.Document, kind: type[M], value: Any, path: yamlpos.Path_, problems: list[Problem], written: Any = None) -> M | None:
    """The value as a model, or None with its problems added, each at its place; ``written`` is the value as it stands in
    the file, with its references.
    """
    try:
        return kind.model_validate_json(json.dumps(value))
    except ValidationError as error:
        for e in error.errors():
            place = expand.origin(written, _real(e["loc"], value))
            problems.append(document.error((*path, *place), _sentence(e, kind)))
        return None


def _real(loc: tuple[str | int, ...], value: Any) -> tuple[str | int, ...]:
    """The parts of a location that stand in the file: pydantic adds the names of alternatives to them."""
    path: list[str | int] = []
    for part in loc:
        known: Any = value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
        if part in known:
            value = known[part]
            path.append(part)
    return tuple(path)


def _sentence(error: Any, kind: type[BaseModel]) -> str:
    name = error["loc"][-1] if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        return f"'{name}' is not known here{did_you_mean(str(name), _words(kind, error['loc'][:-1]))}"
    if error["type"] == "missing":
        return f"'{name}' is missing"
    says = error["msg"].removeprefix("Value error, ")
    return f"'{name}': {says[0].lower()}{says[1:]}" if isinstance(name, str) and name else says


def _words(kind: type[BaseModel], loc: tuple[str | int, ...]) -> set[str]:
    """The words that are known at a location: those of the model found by following it."""
    current: Any = kind
    for part in loc:
        fields = {f.alias or n: f for n, f in current.model_fields.items()}
        if isinstance(part, str) and part in fields:
            current = _model_in(fields[part].annotation) or current
    return {f.alias or n for n, f in current.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The first model inside an annotation such as ``list[Annotated[Step, ...]] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in (*getattr(annotation, "__args__", ()), getattr(annotation, "__origin__", None)):
        found = _model_in(part) if part is not None and part is not annotation else None
        if found:
            return found
    return None
