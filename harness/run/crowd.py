"""Several clients at one server's script: whose part of the server's account belongs to which client. Evidence is only sorted here, not judged."""

from __future__ import annotations

import msgspec

from harness.model.trace import Side, Step


def pair(clients: list[Side], server: Side, length: int) -> list[tuple[Side, Side]]:
    """Each client's account with the server's of the connection that was that client's, found by the client's address.

    A script of ``length`` steps was gone through once for each of them; each part counts its steps from 0 again. What the server tells of
    connections that no client knows goes to those that have none.
    """
    before, parts = _parts(server.steps)
    found: list[tuple[Step, ...] | None] = []
    for client in clients:
        mine = {s.local for s in client.steps if s.step == "connected"}
        part = next((p for p in parts if p[0].remote in mine), None)
        found.append(part)
        if part is not None:
            parts.remove(part)
    together = []
    for client, part in zip(clients, found, strict=True):
        steps = part or (parts.pop(0) if parts else ())
        together.append((client, msgspec.structs.replace(server, steps=before + tuple(_from_zero(s, length) for s in steps))))
    return together


def _parts(steps: tuple[Step, ...]) -> tuple[tuple[Step, ...], list[tuple[Step, ...]]]:
    """What comes before the first connection, and the steps of each."""
    starts = [i for i, s in enumerate(steps) if s.step == "accepted"]
    ends = [*starts[1:], len(steps)]
    return steps[: starts[0] if starts else len(steps)], [steps[a:b] for a, b in zip(starts, ends, strict=True)]


def _from_zero(step: Step, length: int) -> Step:
    return msgspec.structs.replace(step, at=step.at % length) if step.at is not None and step.at >= 0 and length else step
