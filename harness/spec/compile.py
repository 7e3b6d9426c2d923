"""From the words of a spec to what peers are told and what the judge checks.

Pure. Knows the contract's script steps and nothing else of peers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from harness.model import case as m
from harness.model import transports
from harness.model.files import Session
from harness.model.payload import Payload
from harness.model.probe import Probe
from harness.spec import files, media, model, names, probes, talk
from harness.spec.recipe import Payload as Recipe
from harness.spec.recipe import payload

KEEP_WHOLE = 64
"""Contents up to so many octets come back whole with the report, as evidence."""
KEEP_FOR_RULE = 4096
PROBE_FAMILIES = ("ipv4",)
"""What HTTP probes use that name none: messages do not depend on it."""
PROBE_DEADLINE = 6_000
DEADLINES = {"tcp": 10_000, "udp": 4_000, "multicast": 4_000}
"""Milliseconds for a whole conversation that states none: over UDP nothing is sent again, so what is late is lost."""


def script(role: str, steps: Sequence[model.Step], transport: str, reading: str) -> m.Script:
    """A side's steps as commands, with what must be seen for each ``expect``."""
    commands = tuple(_command(step, transport) for step in steps)
    checks = tuple(c for at, step in enumerate(steps) if (c := _step_check(at, step)))
    return m.Script(role, commands, checks, reading)


def _step_check(at: int, step: model.Step) -> m.Check | None:
    if step.expect:
        return _check(at, step.expect)
    failing = step.connect or step.send
    return m.Check(at, fails=tuple(failing.fails), requires=tuple(failing.requires)) if failing and failing.fails else None


def _command(step: model.Step, transport: str) -> dict[str, Any]:
    if step.wait is not None:
        return {"do": "wait", **step.wait.model_dump(exclude_none=True)}
    word = next(iter(step.model_fields_set))
    arguments = getattr(step, word)
    if step.expect is not None:
        command = _receive(step.expect, transport)
    elif step.send is not None:
        command = _send(step.send)
    else:
        command = {"do": word.replace("_", "-"), **_members(arguments)}
    return command if arguments.within is None else {**command, "within": arguments.within}


def _members(arguments: Any) -> dict[str, Any]:
    """Those that the contract has under the same name."""
    found = {name: getattr(arguments, name, None) for name in ("credentials", "signals", "signal", "value", "priority", "now")}
    return {name: value for name, value in found.items() if value is not None and value is not False}


def _send(send: model.Send) -> dict[str, Any]:
    command: dict[str, Any] = {"do": "send", **_members(send)}
    if send.payload:
        command["payload"] = payload(send.payload).as_told()
        if send.writes or send.cuts:
            command["writes"] = send.writes or probes.sizes(send.cuts or [], payload(send.payload).length())
    if send.descriptor:
        command["descriptor"] = payload(send.descriptor).as_told()
    if send.gap:
        command["gap"] = send.gap
    if send.count > 1:
        command["count"] = send.count
    return command


def _receive(expect: model.Expect, transport: str) -> dict[str, Any]:
    if expect.nothing is not None:
        return {"do": "receive", "quiet": expect.nothing}
    content = _content(expect)
    size = payload(content).length() if content else expect.size
    keep = max(KEEP_FOR_RULE, expect.size or 0) if expect.matches else size if size is not None and size <= KEEP_WHOLE else 0
    command: dict[str, Any] = {"do": "receive", **({"now": True} if expect.now else {}), **({"descriptor": True} if expect.descriptor else {})}
    if expect.line is not None:
        return {**command, "through": "0d0a", "keep": KEEP_FOR_RULE}
    if expect.signals:
        return {**command, "signal": list(dict.fromkeys(expect.signals)), "count": len(expect.signals)}
    if transport in transports.RECORDS:
        command |= {"count": expect.count, **({"until": "end"} if expect.then else {})}
    elif expect.then or expect.fails:
        command["until"] = "end"
    else:
        command["octets"] = size or 0
    return {**command, "keep": keep} if keep else command


def _valued(expect: model.Expect) -> list[tuple[str, int | None]]:
    names = expect.signals or []
    return list(zip(names, expect.values, strict=True)) if expect.values else [(name, None) for name in names]


def _content(expect: model.Expect) -> Recipe | None:
    return expect.octets or expect.datagrams or expect.records


def _check(at: int, expect: model.Expect) -> m.Check:
    content = _content(expect)
    return m.Check(
        at=at,
        octets=payload(content) if content else None,
        rule=expect.matches,
        line=expect.line,
        size=expect.size,
        end=expect.then == "end",
        quiet=expect.nothing is not None,
        count=expect.count,
        any_order=expect.order == "any",
        descriptor=payload(expect.descriptor) if expect.descriptor else None,
        priority=expect.priority,
        signals=tuple(_valued(expect)),
        fails=tuple(expect.fails),
        requires=tuple(expect.requires),
    )


def exchange(spec: model.Exchange) -> m.Exchange:
    """A request as the contract's ``ask`` takes it, and the answer that must come."""
    return m.Exchange(request(spec.request), payload(spec.request.body) if spec.request.body else None, _answer(spec.expect))


def request(asked: model.Request) -> dict[str, Any]:
    """A request as the contract's ``ask`` takes it."""
    members: dict[str, Any] = {"method": asked.method, "target": asked.target, "fields": [list(f) for f in asked.fields]}
    if asked.body:
        members |= {"body": payload(asked.body).as_told(), "coding": asked.coding}
    return members


def _answer(spec: model.Answer) -> m.Answer:
    body: Payload | str | None = payload(spec.body) if isinstance(spec.body, Recipe) else spec.body
    return m.Answer(
        status=spec.status,
        fields=tuple(spec.fields),
        present=tuple(spec.present),
        absent=tuple(spec.absent),
        body=None if body == "none" else body,
        body_stated=spec.body is not None,
        requires=tuple(spec.requires),
    )


def resource(spec: model.Resource) -> dict[str, Any]:
    """A resource as the contract's ``site`` lists it."""
    found: dict[str, Any] = {"path": spec.path, "method": spec.method, "status": spec.status}
    if spec.fields:
        found["fields"] = [list(f) for f in spec.fields]
    if spec.body is not None:
        found["body"] = spec.body if isinstance(spec.body, str) else payload(spec.body).as_told()
    if spec.coding != "length":
        found["coding"] = spec.coding
    if spec.etag is not None:
        found["etag"] = spec.etag
    return found


def scenario(head: model.Head, conversation: model.Conversation, key: str, origin: str) -> m.Scenario:
    """A bound conversation as the value that plan, run and judge share."""
    common: dict[str, Any] = {
        "key": key,
        "says": conversation.says,
        "requires": tuple(conversation.requires),
        "transport": head.transport,
        "service": head.service,
        "families": _families(head, conversation),
        "deadline": conversation.deadline or (PROBE_DEADLINE if _one_side(head, conversation) else DEADLINES.get(head.transport, 10_000)),
        "connections": conversation.connections,
        "times": conversation.times,
        "clients": conversation.clients,
        "backlog": conversation.backlog,
        "source": conversation.source or "",
        "hops": conversation.hops,
        "wire": tuple(m.WireCheck(seen.rule, seen.by, seen.count, tuple(seen.requires)) for seen in conversation.wire),
        "origin": origin,
    }
    if head.place == "machine" or head.transport in transports.LOCAL:
        common |= _on_one_machine(head, conversation)
    if conversation.probe:
        prober, probe = probes.server_scripts(conversation.probe)
        return m.Scenario(**common, client=prober, probe=_with_reasons(probe, conversation), control=CONTROLS["server"])
    if conversation.probe_client:
        return _client_probe(conversation, conversation.probe_client, common)
    if conversation.dialogue:
        client = msgspec.structs.replace(talk.script(conversation.dialogue), reading=conversation.reading)
        arrives = tuple(map(talk.message, conversation.arrives)) if conversation.arrives is not None else None
        return m.Scenario(**common, client=client, arrives=arrives, carried="server")
    if conversation.queries:
        return m.Scenario(**common, client=names.script(conversation.queries, head.transport, conversation.cuts or []), carried="server")
    if conversation.stream:
        return m.Scenario(**common, stream=media.stream(conversation.stream))
    if conversation.questions:
        return m.Scenario(**common, questions=tuple(map(names.question, conversation.questions)))
    if conversation.mail or conversation.operations:
        asked = {"messages": tuple(map(talk.delivery, conversation.mail))} if conversation.mail else {"session": _session(conversation)}
        responder = script("server", conversation.server, head.transport, conversation.reading) if conversation.server else None
        return m.Scenario(**common, **asked, server=responder, carried="client" if responder else "")
    if conversation.exchange:
        return m.Scenario(**common, exchanges=tuple(exchange(e) for e in conversation.exchange))
    server = conversation.server
    return m.Scenario(
        **common,
        client=script("client", conversation.client or (), head.transport, conversation.reading),
        server=script("server", server, head.transport, conversation.reading) if server else None,
        carried="server" if _one_side(head, conversation) else "",
    )


def _families(head: model.Head, conversation: model.Conversation) -> tuple[str, ...]:
    """What it is held over. Where only one side is put to the test, one family is enough if none is named."""
    if head.transport in transports.LOCAL:
        return (transports.LOCAL_FAMILY,)
    return PROBE_FAMILIES if _one_side(head, conversation) and "families" not in conversation.model_fields_set else tuple(conversation.families)


def _one_side(head: model.Head, c: model.Conversation) -> bool:
    """Whether it puts one side alone to the test."""
    return bool(
        c.probe or c.probe_client or c.dialogue or c.queries or ((c.mail or c.operations) and c.server) or (c.client and head.service in m.SPOKEN)
    )


def _session(c: model.Conversation) -> Session:
    operations = tuple(map(files.operation, c.operations or ()))
    return Session(operations, c.active, *c.login) if c.login else Session(operations, c.active)


def _on_one_machine(head: model.Head, conversation: model.Conversation) -> dict[str, Any]:
    """What a conversation between two processes of one machine has besides."""
    steps = (*(conversation.client or ()), *(conversation.server or ()))
    credentials = any(getattr(step.connect or step.accept, "credentials", False) for step in steps)
    return {
        "place": "machine",
        "shares": transports.shares(head.transport, abstract=conversation.abstract, credentials=credentials),
        "at": conversation.at or "",
        "abstract": conversation.abstract,
        "room": conversation.room.model_dump(exclude_none=True) if conversation.room else None,
        "joined": conversation.joined,
    }


def _with_reasons(probe: Probe, conversation: model.Conversation) -> Probe:
    return msgspec.structs.replace(probe, why=conversation.why, disputed=conversation.disputed)


def _client_probe(conversation: model.Conversation, spec: model.ClientProbe, common: dict[str, Any]) -> m.Scenario:
    """The native client asks, a script answers."""
    responder, probe = probes.client_script(spec, spec.request.method)
    asked = m.Exchange(request(spec.request), None, m.Answer(0))
    return m.Scenario(**common, exchanges=(asked,), server=responder, probe=_with_reasons(probe, conversation), control=CONTROLS["client"])


_CONTROL: dict[str, Any] = {"says": "Ordinary messages are understood.", "requires": ("",), "transport": "tcp"}


def server_control(kind: str, requests: str, methods: Sequence[str]) -> m.Scenario:
    """What a server must be able to do before anything is made of what it does with probes: answer these requests and the sentinel."""
    spec = probes.ServerProbe.model_validate({"send": requests, "methods": list(methods), "allow": {}, "patience": probes.PATIENCE})
    prober, probe = probes.server_scripts(spec)
    return m.Scenario(key=f"control/{kind}", service="http", client=prober, probe=probe, **_CONTROL)


def _client_control() -> m.Scenario:
    reply = probes.Reply.model_validate({"answer": probes.CONTROL_RESPONSE, "allow": {}})
    responder, probe = probes.client_script(reply, "GET")
    asked = m.Exchange({"method": "GET", "target": "/control", "fields": []}, None, m.Answer(0))
    return m.Scenario(key="control/client", service="script", exchanges=(asked,), server=responder, probe=probe, **_CONTROL)


CONTROLS = {"server": server_control("server", probes.CONTROL_REQUESTS, probes.CONTROL_METHODS), "client": _client_control()}
