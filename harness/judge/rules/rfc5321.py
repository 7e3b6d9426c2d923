"""RFC 5321, SMTP: what every session must show of it on the wire."""

from __future__ import annotations

from collections.abc import Iterable

from harness.judge.rules.base import Always, Shown, answered, of, spoken
from harness.model.talk import COMMAND, REPLY, Said
from harness.model.wire import Address, Wire

_CLIENT = {
    "bare-line-end": ("RFC5321-2.3.8-crlf-only", "has a line that does not end in CRLF", "CRLF"),
}
_SERVER = {
    "no-code": ("RFC5321-4.2-three-digit-code", "does not begin with three digits", "three digits"),
    "codes-differ": ("RFC5321-4.2.1-same-code-multiline", "has lines of different codes", "one code"),
}
CHECKS = {
    "RFC5321-2.3.8-crlf-only": "the end of every line that a client sends",
    "RFC5321-3.1-220-greeting": "who speaks first, and how",
    "RFC5321-3.2-client-waits-greeting": "when a client first speaks",
    "RFC5321-4.1.1.1-ehlo-first": "the first command of every session",
    "RFC5321-4.1.1.1-multiline-250": "the lines of the answer to EHLO",
    "RFC5321-4.1.1.10-quit-221": "the answer to QUIT, and who closes after it",
    "RFC5321-4.1.1.10-quit-sent": "the last command of every session",
    "RFC5321-4.2-three-digit-code": "the first octets of every reply",
    "RFC5321-4.2.1-same-code-multiline": "the codes of replies of several lines",
    "RFC5321-4.3.1-lock-step": "when each command leaves, where PIPELINING was not offered",
}


def _grammar(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in of(wire, "smtp"):
        for said in flow.dialogue:
            for problem in said.problems:
                known = (_CLIENT if said.by == "client" else _SERVER).get(problem)
                if known:
                    yield spoken(said, known[1], known[2], problem, known[0])


def _opening(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in of(wire, "smtp"):
        said = flow.dialogue
        if not said:
            continue
        greeting, first = next((s for s in said if s.kind == REPLY), None), next((s for s in said if s.kind == COMMAND), None)
        if greeting is not None and said[0] is greeting and greeting.code not in (220, 421, 554):
            yield spoken(greeting, "is no greeting", "220, or 554", str(greeting.code), "RFC5321-3.1-220-greeting")
        if first is None:
            continue
        if greeting is None or first.began < greeting.ended:
            yield spoken(first, "leaves before the greeting came", "after it", "before", "RFC5321-3.2-client-waits-greeting")
        if first.verb not in ("EHLO", "HELO", "QUIT"):
            yield spoken(first, "opens the session", "EHLO or HELO", first.verb, "RFC5321-4.1.1.1-ehlo-first")


def _lock_step(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in of(wire, "smtp"):
        before: Said | None = None
        commands = 0
        for said in flow.dialogue:
            commands += said.kind == COMMAND
            if said.kind == REPLY and commands:
                if "PIPELINING" in said.text.upper() and said.code == 250:
                    break
                before = said
            elif before is not None and said.began < before.ended:
                yield spoken(said, "leaves before the reply to the last command", "after it", "before", "RFC5321-4.3.1-lock-step")
                break


def _answers(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in of(wire, "smtp"):
        for said, reply in answered(flow):
            if said.verb == "EHLO" and reply.code == 250 and any(line[3:4] not in ("-", " ", "") for line in reply.text.split("\n")):
                yield spoken(reply, "is no answer to EHLO", "250- and a last 250 SP", "another", "RFC5321-4.1.1.1-multiline-250")
            if said.verb == "QUIT" and reply.code != 221:
                yield spoken(reply, "answers QUIT", "221", str(reply.code), "RFC5321-4.1.1.10-quit-221")


def _closing(wire: Wire, _: Address) -> Iterable[Shown]:
    """A session that nothing broke off ends with QUIT, and its answer is waited for."""
    for flow in of(wire, "smtp"):
        commands = [s for s in flow.dialogue if s.kind == COMMAND]
        last = flow.dialogue[-1] if flow.dialogue else None
        if not commands or last is None or flow.server.rst_frame or last.code == 421:
            continue
        ended_by_server = flow.server.fin_time and (not flow.client.fin_time or flow.server.fin_time < flow.client.fin_time)
        if commands[-1].verb != "QUIT" and not ended_by_server:
            yield spoken(commands[-1], "is the last of the session", "QUIT", commands[-1].verb, "RFC5321-4.1.1.10-quit-sent")
        elif commands[-1].verb == "QUIT" and last is commands[-1] and not ended_by_server:
            yield spoken(last, "is not waited for", "its answer, then the end", "the end", "RFC5321-4.1.1.10-quit-sent")


ALWAYS: tuple[Always, ...] = (_grammar, _opening, _lock_step, _answers, _closing)
