"""What native FTP clients did with files: what they were told to do, what the wire carried, what the server was left with (RFC 959)."""

from __future__ import annotations

from harness.judge import streams
from harness.judge.base import Findings, at, failure
from harness.model.case import Case
from harness.model.files import LISTING, STORING, VERBS, Entry, Operation
from harness.model.mail import fits
from harness.model.payload import sha256
from harness.model.result import CONTRACT, DISAGREE, MISREPORT, NONCONFORMANT
from harness.model.talk import COMMAND, DATA, Said
from harness.model.trace import Step, Trace

_NAME_AS_GIVEN = "RFC1123-4.1.4.1-pathnames-as-given"
Numbered = tuple[int, Step]


def judge(case: Case, trace: Trace, findings: Findings) -> None:
    """Adds what is wrong with the operations of a case."""
    session = case.scenario.session
    assert session is not None
    told = [(i, s) for i, s in enumerate(trace.client.steps) if s.step == "did"]
    renamed = False
    if case.scenario.server:
        streams.alone(case.scenario.server, trace.server.steps, trace, findings)
        if findings:
            return  # the client did not say what it had to
    else:
        _names(session.operations[: len(told)], trace, findings)
        renamed = bool(findings)
    carried = _carried(trace)
    moved = iter(carried or ())
    for number, operation in enumerate(session.operations):
        if number >= len(told):
            _not_told(number, operation, trace, findings)
            return
        if renamed:
            continue  # a server need not know another name
        if not _status(number, operation, told[number], findings) or not operation.succeeds:
            if findings:
                return
            continue
        _told(number, operation, told[number], findings)
        if operation.moves and carried is not None:
            _moved(number, operation, told[number], next(moved, None), findings)
        elif operation.op == "retrieve":
            _came(number, operation, told[number], findings)
    if not findings and not case.scenario.server:
        _left(case, trace, watched=carried is not None, findings=findings)


def _carried(trace: Trace) -> list[Said] | None:
    """What data connections carried, in order; None where nobody watched."""
    flows = [flow for flow in trace.wire.flows if flow.talk == "ftp"]
    return [s for s in flows[0].dialogue if s.kind == DATA] if flows else None


def _what(number: int, operation: Operation) -> str:
    name = operation.told.get("name")
    return f"operation {number + 1}, {operation.op}" + (f" {name!r}" if name else "")


def _not_told(number: int, operation: Operation, trace: Trace, findings: Findings) -> None:
    """An operation of which the client tells nothing: the session broke off, or its report is not whole."""
    steps = trace.client.steps
    failed = next((i for i, s in enumerate(steps) if s.step == "failed"), None)
    if failed is not None and operation.breaks:
        return
    if failed is not None:
        says, wanted = f"{_what(number, operation)} was not done: the session broke off", " or ".join(operation.status)
        findings.add(
            NONCONFORMANT, findings.server, says, wanted, failure(steps[failed]), requirement=operation.requires, evidence=(at("client", failed),)
        )
    elif not (steps and _ended_before(number, trace)):
        findings.add(CONTRACT, "client", f"{_what(number, operation)} is missing in the client's report", "'did' or 'failed'", "neither")


def _ended_before(number: int, trace: Trace) -> bool:
    """Whether the last thing that was told is that the server takes no more (421), or no session."""
    last = [s for s in trace.client.steps if s.step == "did"]
    return bool(number and last) and (last[-1].status or 0) >= 400


def _status(number: int, operation: Operation, numbered: Numbered, findings: Findings) -> bool:
    """Whether the reply that decides is one that is due."""
    place, step = numbered
    if step.op != operation.op:
        says = f"the client tells of another operation than {_what(number, operation)}"
        findings.add(CONTRACT, "client", says, operation.op, str(step.op), evidence=(at("client", place),))
        return False
    if fits(step.status or 0, operation.status):
        return True
    says = f"{_what(number, operation)} has another status"
    findings.add(
        NONCONFORMANT, findings.server, says, " or ".join(operation.status), str(step.status), requirement=operation.requires,
        evidence=(at("client", place),),
    )  # fmt: skip
    return False


def _told(number: int, operation: Operation, numbered: Numbered, findings: Findings) -> None:
    """What the client tells besides: contents that it was given, and what it was told in lists and replies."""
    place, step = numbered
    where, what = (at("client", place),), _what(number, operation)
    if operation.op in STORING and operation.content is not None:
        says = f"{what}: the client reports another content than it was given"
        findings.content(MISREPORT, "client", says, operation.content.measure(), step, evidence=where)
    for word, wanted, got in (
        ("names", _sorted(operation.names), _sorted(_last_parts(step.names))),
        ("entries", _entries(operation.entries), _entries(step.entries)),
        ("size", operation.size, step.size),
        ("path", operation.path, step.name),
    ):
        if wanted is not None and wanted != got:
            says = f"{what} tells another {word}" if word in ("size", "path") else f"{what} tells other {word}"
            findings.add(NONCONFORMANT, "server", says, str(wanted), str(got), requirement=operation.requires, evidence=where)


def _last_parts(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """NLST tells pathnames (4.1.3): with the folder or without."""
    return tuple(name.rstrip("/").rpartition("/")[2] for name in names) if names is not None else None


def _sorted(names: tuple[str, ...] | None) -> list[str] | None:
    return sorted(names) if names is not None else None


def _entries(entries: tuple[Entry, ...] | None) -> list[Entry] | None:
    return sorted((name, kind, size if kind == "file" else None) for name, kind, size in entries) if entries is not None else None


def _moved(number: int, operation: Operation, numbered: Numbered, said: Said | None, findings: Findings) -> None:
    """What the data connection carried, against what had to be sent and what was told."""
    place, step = numbered
    what = _what(number, operation)
    if said is None or said.verb != VERBS[operation.op]:
        observed = f"one of {said.verb}" if said else "none"
        findings.add(MISREPORT, "client", f"{what} is reported as done, and no data connection of it is seen", "one", observed)
        return
    if operation.op in LISTING:
        return
    octets = operation.on_the_wire()
    due = len(octets), sha256(octets)
    sender = "client" if operation.op in STORING else "server"
    says = f"{what}: another content leaves the {sender} than is due"
    right = findings.content(NONCONFORMANT, sender, says, due, said, requirement=operation.requires, evidence=(f"frame {said.frame}",))
    if right and operation.op == "retrieve" and operation.content is not None:
        says = f"{what}: the client reports another content than came"
        where = (at("client", place),)
        findings.content(NONCONFORMANT, "client", says, operation.content.measure(), step, requirement=operation.requires, evidence=where)


def _came(number: int, operation: Operation, numbered: Numbered, findings: Findings) -> None:
    """What came, where nobody watched."""
    place, step = numbered
    if operation.content is not None:
        says = f"{_what(number, operation)}: another content came than is at the server"
        where = (at("client", place),)
        findings.content(DISAGREE, "both", says, operation.content.measure(), step, requirement=operation.requires, evidence=where)


def _names(done: tuple[Operation, ...], trace: Trace, findings: Findings) -> None:
    """Names reach the server as they were given (RFC 1123 4.1.4.1), in the operations that were done: of another the wire may show nothing."""
    for flow in trace.wire.flows:
        said = [(s.verb, s.text.partition(" ")[2].encode("latin-1")) for s in flow.dialogue if s.kind == COMMAND]
        for number, operation in enumerate(done):
            name, verb = operation.told.get("name"), VERBS[operation.op]
            of_it = [given for one, given in said if one == verb]
            if name and of_it and name.encode() not in of_it:
                shown = ", ".join(repr(given.decode("utf-8", "replace")) for given in of_it[:4])
                says = f"{_what(number, operation)}: the client says another name"
                findings.add(NONCONFORMANT, "client", says, f"{verb} {name}", shown, requirement=_NAME_AS_GIVEN)


def _left(case: Case, trace: Trace, *, watched: bool, findings: Findings) -> None:
    """What the server reports to hold of each file that was stored."""
    assert case.scenario.session is not None
    if not trace.server.connections:
        return
    due = [o.left for o in case.scenario.session.operations if o.left is not None]
    told = [s for c in trace.server.connections for s in c.steps if s.step == "stored"]
    kind, side = (NONCONFORMANT, "server") if watched else (DISAGREE, "both")
    if len(told) != len(due):
        findings.add(kind, side, "files that were stored are not with the server, or not once", f"{len(due)}", f"{len(told)} reported by the server")
        return
    for (name, content), step in zip(due, told, strict=True):
        if step.name != name:
            findings.add(kind, side, "the server reports to have stored another file", name, str(step.name))
        else:
            findings.content(kind, side, f"the server holds another content of {name} than was sent to it", content.measure(), step)
