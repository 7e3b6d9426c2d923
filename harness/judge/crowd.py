"""Several clients at one server's script: each is judged by itself, with its part of the server's account and its own flow on the wire."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from harness.judge.base import Findings
from harness.model.trace import Side, Trace


def parts(trace: Trace) -> Iterator[Trace]:
    """The evidence of each client; the whole where there is only one."""
    if not trace.others:
        yield trace
        return
    for client, server in ((trace.client, trace.server), *trace.others):
        mine = _endpoints(client)
        flows = tuple(flow for flow in trace.wire.flows if flow.client_address in mine)
        wire = msgspec.structs.replace(trace.wire, flows=flows) if not trace.wire.absent else trace.wire
        yield msgspec.structs.replace(trace, client=client, server=server, wire=wire, others=())


def _endpoints(client: Side) -> set[object]:
    return {s.local for s in client.steps if s.step == "connected"}


def name(findings: Findings, number: int, count: int) -> None:
    """Says which client it was. Evidence names the steps of the first one, which a report shows; of the others it is left out."""
    if count == 1:
        return
    for place, finding in enumerate(findings.list):
        evidence = finding.evidence if number == 1 else ()
        findings.list[place] = msgspec.structs.replace(finding, says=f"{finding.says} (client {number} of {count})", evidence=evidence)
