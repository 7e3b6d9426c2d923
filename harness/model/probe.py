"""Probes: octets that put one side to the test, and all that this side may do with them.

A probe says which side it is ``of``; the other side only carries the octets. Before it, the same side is held to a control: ordinary messages,
which whoever is to be judged must understand.
"""

from __future__ import annotations

import msgspec

from harness.model.payload import Payload

SERVED, NONE = "served", "none"
"""Instead of a status: that of the control's response to the same method; no final response at all."""
CLOSE, SENTINEL, OPEN, ANY = "close", "sentinel", "open", "any"
ENDINGS = (CLOSE, SENTINEL, OPEN, ANY)
"""What comes after the answers: the connection ends and the sentinel was not served; the sentinel was; neither; whichever."""
SENTINEL_PATH = "/sentinel"


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that may come of it.

    ``answers``: of a server, for each final response before the sentinel's the statuses that are allowed (``400``, ``4xx``, ``served``),
    None for any number of any; of a client, the status that it reports. ``body``: the first response's content. ``interim``: the 1xx that
    come before the first final response. ``fields``: values that the first response has; ``present``: names; ``framing``: how its
    end is found (``none``, ``length``, ``chunked``, ``close``). Of a client, ``complete``: whether it takes the
    content for whole; ``fails``: it reports that there is no response. ``then``: one of ``ENDINGS``.
    """

    answers: tuple[tuple[str, ...], ...] | None = None
    body: Payload | None = None
    interim: tuple[int, ...] | None = None
    fields: tuple[tuple[str, str], ...] = ()
    present: tuple[str, ...] = ()
    framing: tuple[str, ...] = ()
    complete: bool | None = None
    fails: bool = False
    then: str = ANY

    def __str__(self) -> str:
        words = [str(n) for n in self.interim or ()]
        if self.fails:
            words.append("no response")
        elif self.answers is not None:
            words += [" or ".join(one) for one in self.answers] or ["no answer"]
        words += [f"with {self.body}"] if self.body is not None else []
        words += [f"{name}: {value!r}" for name, value in self.fields]
        words += [f"with {name}" for name in self.present]
        words += [f"framed by {' or '.join(self.framing)}"] if self.framing else []
        words += [] if self.complete is None else ["complete" if self.complete else "incomplete"]
        words += [] if self.then == ANY else [self.then]
        return ", ".join(words) or "anything"


class Probe(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is probed. ``methods``: of the requests that are sent, without the sentinel's; ``known_site``: what is allowed speaks of
    resources that only the contract's site has; ``why``: why it matters; ``disputed``: why sources
    differ on it, if they do: then nothing of it fails a case.
    """

    of: str
    allow: tuple[Outcome, ...]
    methods: tuple[str, ...] = ("GET",)
    sentinel: bool = True
    known_site: bool = False
    why: str = ""
    disputed: str = ""
