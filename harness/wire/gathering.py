"""All connections of one conversation, taken from the shelf: those of its client, and the data connections that they speak of.

Owns which frames belong to an answer, and their numbers in it.
"""

from __future__ import annotations

import msgspec

from harness.model.talk import Said
from harness.model.wire import Address, Flow, Frame
from harness.wire import ftp, messages, observe, talks
from harness.wire.shelf import Shelf, Shelved


class Gathering:
    """What is found for one ``Ask``: ``flows`` in the order of the client's endpoints, ``data`` connections, frames for the ladder, and all
    frames.
    """

    def __init__(self, shelf: Shelf, ask: messages.Ask, clock: int) -> None:
        self._shelf, self._ask, self._clock = shelf, ask, clock
        self.flows: list[Flow] = []
        self.data: list[Flow] = []
        self.frames: list[Frame] = []
        self.shelved: list[Shelved] = []

    def all(self) -> None:
        """Takes everything."""
        for client in self._endpoints():
            cuts = ((), ()) if self.flows else (self._ask.client_cuts, self._ask.server_cuts)
            seen, _ = self._take(client, self._ask.server, cuts)
            if seen is None:
                continue
            flow, transfers = talks.read(seen, self._ask.talk)
            said: dict[int, Said] = {}
            for transfer in transfers:
                self._carried(transfer, client, said)
            self.flows.append(msgspec.structs.replace(flow, dialogue=ftp.with_data(flow.dialogue, said)) if said else flow)

    def _take(self, client: Address, server: Address, cuts: tuple[messages.Cuts, messages.Cuts] = ((), ())) -> tuple[observe.Followed | None, int]:
        """One connection, and the number of its first frame."""
        shelved = self._shelf.take_stream(client, server, self._ask.since)
        before = len(self.shelved)
        if not shelved:
            return None, 0
        entries = [((s[0] - self._clock) // 1000, True, s[3]) for s in shelved if s[2]]
        seen = observe.flow(entries, client, server, *cuts, shown=self._ask.shown)
        self.frames += [msgspec.structs.replace(f, number=f.number + before) for f in seen.frames] if before else seen.frames
        self.shelved += shelved
        return seen, before + 1

    def _carried(self, transfer: ftp.Transfer, client: Address, said: dict[int, Said]) -> None:
        """The data connection of a transfer; nothing where nobody named a port, or nobody came."""
        passive = transfer.listener == "server"
        listener = (self._ask.server if passive else client)[0], transfer.port
        caller = (client if passive else self._ask.server)[0]
        others = self._shelf.attempts(caller, listener, self._ask.since, established=True) if transfer.port else []
        if not others:
            return
        ends = (others[-1], listener) if passive else (listener, others[-1])
        seen, number = self._take(*ends)
        if seen is not None:
            flow, said[transfer.at] = talks.carried(transfer, seen, number)
            self.data.append(flow)

    def _endpoints(self) -> list[Address]:
        """The client's endpoints; one that is not known is found where only one fits."""
        found: list[Address] = []
        for address, port in self._ask.clients:
            if port:
                found.append((address, port))
            else:
                attempts = self._shelf.attempts(address, self._ask.server, self._ask.since, established=self._ask.alone)
                found += attempts if len(attempts) == 1 else []
        return found
