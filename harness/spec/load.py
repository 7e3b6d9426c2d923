"""Spec files and requirement files, read and checked: everything that is wrong with them in one go."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import SpecError, UsageError
from harness.model import levels
from harness.model.case import Scenario
from harness.spec import compile as compiler
from harness.spec import expand, files, model, names, shared, sound, yamlpos
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
    files: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class SpecSet:
    """All specs of a run, the requirements that they may cite, and the site of all their http services."""

    specs: tuple[Spec, ...]
    requirements: Mapping[str, model.Requirement]
    site: tuple[dict[str, Any], ...] = field(default=())
    records: Mapping[int | str, tuple[str, tuple[model.Requirement, ...]]] = field(default_factory=dict)
    """By RFC: its title, and its requirements in file order."""

    zone: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[dict[str, Any], ...] = ()

    def told(self) -> dict[str, Mapping[str, Any]]:
        """What the services of every peer are told, by service."""
        return {"http": {"site": self.site}, "dns": {"zone": self.zone}, "ftp": {"files": self.files}}

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
    site, zone, held = shared.site(specs, problems), shared.zone(specs, problems), shared.files(specs, problems)
    if problems:
        raise SpecError(sorted(set(problems)))
    in_order = dict(sorted(records.items(), key=lambda record: (isinstance(record[0], str), record[0])))
    return SpecSet(tuple(specs), requirements, tuple(site), in_order, zone, tuple(held))


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


class _Loader:
    """Reads spec files, gathering problems instead of stopping at the first."""

    def __init__(self, requirements: Mapping[str, Any], rules: frozenset[str], wire_rules: frozenset[str], problems: list[Problem]) -> None:
        self._known = sound.Known(requirements, rules, wire_rules)
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
        zone, held = names.zone(head.zone) if head.zone else None, tuple(map(files.held, head.files))
        return Spec(name, path, head.rfc, head.section, head.transport, head.service, tuple(scenarios), site, zone, held)

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
        if conversation is None:
            return None
        found = [document.error((*path, *where), says) for where, says in sound.problems(head, conversation, self._known)]
        if found:
            self._problems += found
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
