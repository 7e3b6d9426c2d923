"""What happened: the steps that each side reported, as they came, and what the wire showed. Evidence only; nothing here judges it."""

from __future__ import annotations

import msgspec

from harness.model.wire import UNWATCHED, Address, Wire


class Descriptor(msgspec.Struct, frozen=True):
    """What a descriptor that was passed held, read to its end."""

    octets: int
    digest: str


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reported step (``peers/README.md``, Events). ``t`` is in microseconds on the peer's own clock."""

    step: str
    t: int = 0
    local: Address | None = None
    remote: Address | None = None
    octets: int | None = None
    digest: str | None = None
    hex: str | None = None
    at: int | None = None
    error: str | None = None
    says: str | None = None
    by: str | None = None
    method: str | None = None
    target: str | None = None
    status: int | None = None
    reason: str | None = None
    version: str | None = None
    fields: tuple[tuple[str, str], ...] | None = None
    trailers: tuple[tuple[str, str], ...] | None = None
    complete: bool | None = None
    records: tuple[tuple[str | int, ...], ...] | None = None
    rcode: str | None = None
    sender: str | None = msgspec.field(name="from", default=None)
    recipients: tuple[str, ...] | None = None
    refused: tuple[tuple[str, int], ...] | None = None
    name: str | None = None
    op: str | None = None
    names: tuple[str, ...] | None = None
    entries: tuple[tuple[str, str, int | None], ...] | None = None
    size: int | None = None
    ssrc: int | None = None
    packets: int | None = None
    fraction: int | None = None
    lost: int | None = None
    highest: int | None = None
    jitter: int | None = None
    lsr: int | None = None
    dlsr: int | None = None
    credentials: dict[str, int] | None = None
    descriptor: Descriptor | None = None
    priority: int | None = None
    signal: str | None = None
    value: int | None = None
    pid: int | None = None
    conversations: int | None = None
    failed: int | None = None
    t0: int | None = None


class Connection(msgspec.Struct, frozen=True, omit_defaults=True):
    """The steps of one connection that a service accepted, found by the client's address."""

    steps: tuple[Step, ...]
    done: bool = True


class Side(msgspec.Struct, frozen=True, omit_defaults=True):
    """One side's own account.

    ``steps`` are those of a script or an ``ask``; ``connections`` those of a shared service. ``trouble``
    says what kept the account from being whole: ``crashed``, ``silent``, ``broke-contract``, ``refused-command``, ``declined``
    (it says that it does not support this), ``never-started``;
    ``says`` explains it. ``offset`` is added to ``t`` to get the harness's own clock, in microseconds.
    """

    steps: tuple[Step, ...] = ()
    connections: tuple[Connection, ...] = ()
    trouble: str = ""
    says: str = ""
    offset: int = 0

    @property
    def account(self) -> tuple[Step, ...]:
        """What it tells of the conversation: its script's steps, or those of the first connection that its service accepted."""
        return self.connections[0].steps if self.connections else self.steps


class Trace(msgspec.Struct, frozen=True, omit_defaults=True):
    """All evidence of one case. ``asked`` is the address that the client was given; ``clock`` the harness's
    wall clock at the start, in seconds since 1970 UTC; ``seconds`` how long it took. ``others``: where several clients talked to one server's
    script, the accounts of the second and so on, client's and server's. ``control``: the accounts of a probe's control;
    ``attached``: the server is none of ours, and tells nothing.
    """

    client: Side
    server: Side
    asked: Address = ("", 0)
    clock: float = 0.0
    seconds: float = 0.0
    fault: str = ""
    wire: Wire = UNWATCHED
    others: tuple[tuple[Side, Side], ...] = ()
    control: tuple[Side, Side] | None = None
    attached: bool = False


__all__ = ["Address", "Connection", "Side", "Step", "Trace", "Wire"]
