"""The words of conversations that send a stream of media (RFC 3550)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from harness.model import media
from harness.spec.recipe import Payload, payload
from harness.spec.words import Requires, Strict

Word32 = Annotated[int, Field(ge=0, le=0xFFFFFFFF)]
MAX_DROPOUT, MAX_MISORDER = 3000, 100
"""Leaps from which on a receiver may take a source for one that began anew (RFC 3550 A.1)."""
Numbers = list[Annotated[int, Field(ge=0, le=65_535)]]


class Stream(Strict):
    """A stream, as ``peers/rtp.md`` has it. ``packets``: so many, in order, less those that are ``lost``; or ``order``: just these."""

    ssrc: Word32 = 0x50415231
    type: Annotated[int, Field(ge=0, le=127)] = 0
    sequence: Annotated[int, Field(ge=0, le=65_535)] = 1000
    timestamp: Word32 = 90_000
    advance: Word32 = 160
    payload: Payload
    packets: Annotated[int, Field(ge=1, le=10_000)] | None = None
    lost: Numbers = []
    order: Annotated[Numbers, Field(min_length=1)] | None = None
    gaps: Annotated[list[Annotated[int, Field(ge=0, le=10_000)]], Field(min_length=1)] = [1]
    reports: Numbers = []
    marked: Numbers = []
    csrc: Annotated[list[Word32], Field(max_length=15)] = []
    extension: tuple[Annotated[int, Field(ge=0, le=0xFFFF)], Annotated[str, Field(pattern=r"^([0-9a-fA-F]{8})*$")]] | None = None
    padding: Annotated[int, Field(ge=1, le=255)] | None = None
    requires: Requires = []

    @model_validator(mode="after")
    def _which(self) -> Stream:
        if (self.packets is None) == (self.order is None):
            raise ValueError("a stream has so many 'packets', or sends them in an 'order'")
        if self.lost and self.order is not None:
            raise ValueError("what is not in the 'order' is lost: 'lost' belongs to 'packets'")
        sent = self.sent()
        if not sent:
            raise ValueError("of a stream at least one packet is sent")
        if any(not 0 < n <= len(sent) for n in self.reports):
            raise ValueError("'reports' are asked for after 1 packet, or more, up to as many as are sent")
        highest = sent[0]
        for number in sent:
            if not -MAX_MISORDER < number - highest < MAX_DROPOUT:
                raise ValueError(f"packet {number} comes after {highest}: {MAX_DROPOUT} numbers on or {MAX_MISORDER} back, receivers may begin anew")
            highest = max(highest, number)
        return self

    def sent(self) -> list[int]:
        """Which packets, in their order."""
        return self.order if self.order is not None else [k for k in range(self.packets or 0) if k not in self.lost]


def stream(spec: Stream) -> media.Stream:
    """As a value."""
    order = spec.sent()
    told = {
        "ssrc": spec.ssrc, "type": spec.type, "sequence": spec.sequence, "timestamp": spec.timestamp, "advance": spec.advance,
        "payload": payload(spec.payload).as_told(), "order": order, "gaps": spec.gaps, "reports": sorted(set(spec.reports)),
    }  # fmt: skip
    more = {"marked": spec.marked, "csrc": spec.csrc, "extension": spec.extension, "padding": spec.padding}
    told |= {word: value for word, value in more.items() if value}
    return media.Stream(told, payload(spec.payload), tuple(order), tuple(sorted({*spec.reports, len(order)})), tuple(spec.requires))
