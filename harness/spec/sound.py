"""What no single word of a spec can show: that what is named exists, and that the words of a conversation fit together. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from harness.model import transports
from harness.spec import model, yamlpos
from harness.suggest import did_you_mean

Problem = tuple[yamlpos.Path_, str]
"""Where in the conversation, and a sentence."""
_SPEAKS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "exchange": ("HTTP", ("http",), ("tcp",)),
    "probe": ("HTTP to a server", ("http",), ("tcp",)),
    "probe_client": ("HTTP in place of a server", ("script",), ("tcp",)),
    "mail": ("SMTP", ("smtp", "script"), ("tcp",)),
    "operations": ("FTP", ("ftp", "script"), ("tcp",)),
    "dialogue": ("in commands and replies", ("smtp", "ftp"), ("tcp",)),
    "stream": ("RTP", ("rtp",), ("udp",)),
    "questions": ("DNS", ("dns",), ("udp",)),
    "queries": ("DNS", ("dns",), ("udp", "tcp")),
}
"""What the client's side may be: what it speaks, with which services, over which transports."""


class Known:
    """What a spec may name: requirements, content rules and wire rules."""

    def __init__(self, requirements: Collection[str], rules: Collection[str], wire_rules: Collection[str]) -> None:
        self.requirements, self.rules, self.wire_rules = requirements, rules, wire_rules


def problems(head: model.Head, c: model.Conversation, known: Known) -> Iterable[Problem]:
    """All that is wrong with a conversation."""
    for where, ids in _cited(c):
        for unknown in (i for i in ids if i not in known.requirements):
            yield where, f"there is no requirement '{unknown}'{did_you_mean(unknown, known.requirements)}"
    for role in ("client", "server"):
        steps = getattr(c, role) or ()
        for i, step in enumerate(steps):
            for says in _step_problems(head, role, i, step, last=i == len(steps) - 1, rules=known.rules):
                yield (role, i), says
    for i, seen in enumerate(c.wire):
        if seen.rule not in known.wire_rules:
            yield ("wire", i, "rule"), f"there is no wire rule '{seen.rule}'{did_you_mean(seen.rule, known.wire_rules)}"
    yield from _protocol_problems(head, c)
    yield from _crowd_problems(head, c)
    yield from _machine_problems(head, c)


def _protocol_problems(head: model.Head, c: model.Conversation) -> Iterable[Problem]:
    for word, (what, services, carriers) in _SPEAKS.items():
        if getattr(c, word) and (head.service not in services or head.transport not in carriers):
            shown = model.Conversation.model_fields[word].alias or word
            carried = f"'transport: {carriers[0]}' and " if head.transport not in carriers else ""
            yield (shown,), f"'{shown}' speaks {what}: it needs {carried}'service: {services[0]}'"
    if c.server and head.service != "script":
        yield ("server",), f"the server is the service '{head.service}'; a server's own steps need 'service: script'"
    if c.times > 1 and not c.server:
        yield ("times",), "'times' holds a server's script again on its port: it needs 'service: script'"
    if not c.server and not c.probe_client and head.service == "script":
        yield (), "'service: script' needs the server's steps under 'server'"


def _crowd_problems(head: model.Head, c: model.Conversation) -> Iterable[Problem]:
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


def _machine_problems(head: model.Head, c: model.Conversation) -> Iterable[Problem]:
    """What is of one machine alone, or cannot be there."""
    machine = head.place == "machine" or head.transport in transports.LOCAL
    if head.transport in transports.LOCAL and head.service not in ("script", "nobody"):
        yield (), f"no service is served over {head.transport}: it needs 'service: script' or 'nobody'"
    scripted = all(getattr(c, word) is None for word in model.CLIENTS if word != "client")
    if machine and (not scripted or c.wire or c.times > 1 or c.clients > 1):
        yield (), "on one machine there are scripts of one client, and no wire to look at"
    if head.transport == "multicast" and (machine or head.service != "script"):
        yield (), "multicast is between hosts, and both sides are scripts: it needs 'place: wire' and 'service: script'"
    if head.transport in transports.LOCAL and "families" in c.model_fields_set:
        yield ("families",), f"{head.transport} knows no address families"
    for word, fits in (
        ("room", head.transport in ("shared-memory", "message-queue")),
        ("joined", head.transport == "pipe"),
        ("abstract", head.transport in ("unix", "unix-datagram", "unix-seqpacket")),
        ("at", machine and head.transport in transports.NETWORKED),
        ("source", head.transport == "multicast"),
        ("hops", head.transport == "multicast"),
    ):
        if getattr(c, word) and not fits:
            yield (word,), f"'{word}' is not of {head.transport}" + (" on a wire" if word == "at" else "")


def _cited(c: model.Conversation) -> Iterable[tuple[yamlpos.Path_, list[str]]]:
    yield ("requires",), c.requires
    for role in ("client", "server"):
        for i, step in enumerate(getattr(c, role) or ()):
            for word in ("connect", "send", "expect"):
                yield (role, i, word, "requires"), getattr(getattr(step, word), "requires", [])
    for i, seen in enumerate(c.wire):
        yield ("wire", i, "requires"), seen.requires
    for word in ("exchange", "mail", "operations", "queries"):
        for i, one in enumerate(getattr(c, word) or ()):
            yield (word, i, "expect", "requires"), one.expect.requires if one.expect else []
    yield ("stream", "requires"), c.stream.requires if c.stream else []
    for word in ("questions", "dialogue"):
        for i, one in enumerate(getattr(c, word) or ()):
            yield (word, i, "requires"), one.requires


def _step_problems(head: model.Head, role: str, at: int, step: model.Step, *, last: bool, rules: Collection[str]) -> Iterable[str]:
    expect = step.expect
    failing = step.connect or step.send or expect
    if failing and failing.fails and not last:
        yield "what must fail ends the script: 'fails' belongs to the last step"
    if expect and expect.matches and expect.matches not in rules:
        yield f"there is no content rule '{expect.matches}'{did_you_mean(expect.matches, rules)}"
    transport, word = head.transport, next(iter(step.model_fields_set))
    name = transport.upper() if transport in transports.NETWORKED else transport
    if transport in transports.ACCEPTING:
        first = "connect" if role == "client" else "accept"
        if (at == 0) != (word == first) and not (transport in transports.LOCAL and role == "server"):
            yield f"a {name} {role} begins with '{first}', and does it once"
    elif step.accept or step.half_close:
        yield f"{name} has no connections: 'accept' and 'half-close' are for TCP"
    if expect:
        yield from _content_problems(transport, name, expect)
    yield from _local_problems(transport, step)


def _content_problems(transport: str, name: str, expect: model.Expect) -> Iterable[str]:
    if transport in transports.RECORDS:
        if expect.octets or (expect.then and transport not in transports.ACCEPTING):
            yield f"over {name}, expect 'datagrams' or 'records', 'matches' or 'nothing'"
    elif expect.datagrams or expect.records:
        yield f"over {name} there are no datagrams: expect 'octets'"
    elif expect.matches and not (expect.then or expect.size is not None):
        yield "say how much is matched: 'size: N' octets, or 'then: end'"


def _local_problems(transport: str, step: model.Step) -> Iterable[str]:
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
    if (step.join or step.leave) and transport != "multicast":
        yield "groups are joined and left in multicast alone"
    if step.reset and transport != "tcp":
        yield "only TCP can be reset"
