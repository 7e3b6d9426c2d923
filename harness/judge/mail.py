"""Messages that native SMTP stacks deliver: what was given to the client, what the wire carried, what the server was left with (RFC 5321)."""

from __future__ import annotations

from collections.abc import Sequence

from harness.judge import streams
from harness.judge.base import Findings, amount, at, failure
from harness.model.case import Case
from harness.model.mail import Delivery, Message, fits
from harness.model.result import CONTRACT, DISAGREE, MISREPORT, NONCONFORMANT
from harness.model.talk import CONTENT, Said
from harness.model.trace import Step, Trace

_STUFFING, _UNSTUFFING = "RFC5321-4.5.2-dot-stuffing-client", "RFC5321-4.5.2-dot-unstuffing-server"
Numbered = tuple[int, Step]


def judge(case: Case, trace: Trace, findings: Findings) -> None:
    """Adds what is wrong with the deliveries of a case."""
    told = [(i, s) for i, s in enumerate(trace.client.steps) if s.step == "mail"]
    if case.scenario.server:
        streams.alone(case.scenario.server, trace.server.steps, trace, findings)
        if findings:
            return  # the client did not say what it had to
    for i, delivery in enumerate(case.scenario.messages):
        if i >= len(told):
            _not_told(i, delivery, trace, findings)
            return
        _outcome(i, delivery, told[i], findings)
    if not findings and not case.scenario.server:
        _arrived(case, trace, findings)


def _not_told(i: int, delivery: Delivery, trace: Trace, findings: Findings) -> None:
    """A message of which the client tells nothing: the session broke off, or its report is not whole."""
    steps = trace.client.steps
    failed = next((i for i, s in enumerate(steps) if s.step == "failed"), None)
    if failed is None:
        findings.add(CONTRACT, "client", f"message {i + 1} is missing in the client's report", "'mail' or 'failed'", "neither")
    else:
        says = f"message {i + 1} was not delivered: the session broke off"
        where = (at("client", failed),)
        findings.add(NONCONFORMANT, findings.server, says, _status(delivery), failure(steps[failed]), requirement=delivery.requires, evidence=where)


def _status(delivery: Delivery) -> str:
    return " or ".join(delivery.status)


def _outcome(i: int, delivery: Delivery, numbered: Numbered, findings: Findings) -> None:
    place, step = numbered
    content, where = delivery.message.content, (at("client", place),)
    if (step.octets, step.digest) != content.measure():
        says = f"message {i + 1}: the client reports another content than it was given"
        findings.add(MISREPORT, "client", says, amount(*content.measure()), amount(step.octets, step.digest), evidence=where)
    if not fits(step.status or 0, delivery.status):
        says = f"message {i + 1} has another status"
        findings.add(NONCONFORMANT, findings.server, says, _status(delivery), str(step.status), requirement=delivery.requires, evidence=where)
        return
    refused = dict(step.refused or ())
    for recipient in delivery.message.recipients:
        wanted, got = dict(delivery.refused).get(recipient), refused.get(recipient)
        if (wanted is None) != (got is None) or (wanted and got and not fits(got, (wanted,))):
            says = f"message {i + 1}: recipient {recipient}"
            expected, observed = (f"refused with {wanted}" if wanted else "taken"), (f"refused with {got}" if got else "taken")
            findings.add(NONCONFORMANT, "server", says, expected, observed, requirement=delivery.requires, evidence=where)


def _arrived(case: Case, trace: Trace, findings: Findings) -> None:
    """Each message that was taken is with the server once, octet for octet."""
    due = [d for d in case.scenario.messages if d.arrives]
    seen = [s for flow in trace.wire.flows for s in flow.dialogue if s.kind == CONTENT]
    for i, (delivery, said) in enumerate(zip(due, seen, strict=False)) if len(seen) == len(due) else ():
        _sent(i, delivery, said, findings)
    if findings:
        return
    left = [s for c in trace.server.connections for s in c.steps if s.step == "mail"]
    watched = len(seen) == len(due) and bool(seen)
    if len(left) != len(due) and trace.server.connections:
        findings.add(
            NONCONFORMANT if watched else DISAGREE, "server" if watched else "both", "messages that were taken are not with the server, or not once",
            f"{len(due)}", f"{len(left)} reported by the server", requirement="RFC5321-6.1-no-loss-after-250",
        )  # fmt: skip
        return
    for delivery, step in zip(due, left, strict=False):
        _held(delivery, step, watched, findings)


def _sent(i: int, delivery: Delivery, said: Said, findings: Findings) -> None:
    """What left the client as the content, read with the dots of transparency taken out."""
    says = f"message {i + 1} leaves the client as another content than it was given"
    wanted = delivery.message.content.measure()
    findings.content(NONCONFORMANT, "client", says, wanted, said, requirement=_STUFFING, evidence=(f"frame {said.frame}",))


def _held(delivery: Delivery, step: Step, watched: bool, findings: Findings) -> None:
    message = delivery.message
    kind, side = (NONCONFORMANT, "server") if watched else (DISAGREE, "both")
    says = "the server reports another content than the client was given"
    findings.content(kind, side, says, message.content.measure(), step, requirement=_UNSTUFFING)
    _envelope(message.sender, delivery.taken, step, kind, side, findings)


def _envelope(sender: str, recipients: Sequence[str], step: Step, kind: str, side: str, findings: Findings) -> None:
    if step.sender != sender:
        findings.add(kind, side, "the server reports another reverse-path", f"<{sender}>", f"<{step.sender}>")
    if list(step.recipients or ()) != list(recipients):
        findings.add(kind, side, "the server reports other recipients", ", ".join(recipients), ", ".join(step.recipients or ()))


def left(messages: Sequence[Message], trace: Trace, findings: Findings) -> None:
    """What a dialogue must have left at the server, and nothing else. All of it was said by a script, so that the server is to blame."""
    told = [s for c in trace.server.connections for s in c.steps if s.step == "mail"]
    if len(told) != len(messages):
        findings.add(NONCONFORMANT, "server", "the server took another number of messages", str(len(messages)), str(len(told)))
        return
    for message, step in zip(messages, told, strict=True):
        says = "the server reports another content than was sent to it"
        findings.content(NONCONFORMANT, "server", says, message.content.measure(), step)
        _envelope(message.sender, message.recipients, step, NONCONFORMANT, "server", findings)
