"""What a rule acts with: a peer, an address, sockets of smoke's own, and words for what it finds.

Owns their clean-up after each rule. Knows no rule.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol, TypeVar

from harness.model.payload import Payload, sha256
from harness.network.machine import Names
from harness.peer import contract
from harness.smoke import subject as subjects
from harness.smoke.probe import Broken, Skip
from harness.smoke.subject import Subject, Talk, excerpt
from harness.smoke.wire import Address, Datagrams, Listener, Reserved, Wire, connect

T = TypeVar("T")
Step = dict[str, Any]
LINE = b"\r\n"
READ_FLUSH = "Report each step as it happens, and flush within 50 ms."


class _Closes(Protocol):
    def close(self) -> None: ...


C = TypeVar("C", bound=_Closes)


class Stage:
    """One rule's place."""

    def __init__(self, peer: Subject, address: str, can: Sequence[str]) -> None:
        self.peer, self.address, self.can = peer, address, can
        self._open: list[_Closes] = []
        self._running: list[Talk] = []

    # -- the peer's side --------------------------------------------------------------------------------------

    def script(self, steps: list[Step], port: int = 0, *, role: str = "client", transport: str = "tcp", **more: Any) -> Talk:
        """A script against this stage's address."""
        return self._run(self.peer.send("script", role=role, transport=transport, address=self.address, port=port, steps=steps, **more))

    def ask(self, port: int, requests: list[Step], **more: Any) -> Talk:
        """An ``ask`` for http."""
        return self._run(self.peer.send("ask", service="http", address=self.address, port=port, requests=requests, **more))

    def run(self, do: str, **members: Any) -> Talk:
        """Any command that begins a conversation."""
        return self._run(self.peer.send(do, **members))

    async def serve(self, service: str, transport: str, **more: Any) -> tuple[Talk, int]:
        """A service on a port of the peer's choice, once it is there."""
        port = more.pop("port", 0)
        talk = self._run(self.peer.send("serve", service=service, transport=transport, address=self.address, port=port, **more))
        last = "listening" if transport == "tcp" else "bound"
        await talk.until(lambda t: last in t.names(), f"the step '{last}', once the service stands", READ_FLUSH)
        return talk, bound_port(talk, self.address)

    def _run(self, talk: Talk) -> Talk:
        self._running.append(talk)
        return talk

    async def connection(self, service: Talk, wire: Wire, remedy: str = "") -> Talk:
        """The peer's report of a connection of ours, to its end."""
        expected = f"a connection whose first step is 'accepted' with remote {list(wire.local)}, up to 'closed' and \"done\":true"
        found: list[Talk] = []

        def ready(_: Talk) -> bool:
            found[:] = [c for c in service.conns.values() if c.steps and c.steps[0].get("remote") == list(wire.local)]
            return bool(found)

        await service.until(lambda t: t.conns, expected, remedy or "Report each connection with a 'conn' number of its own.")
        limit = asyncio.get_running_loop().time() + subjects.PATIENCE
        while not ready(service):
            if self.peer.trouble or asyncio.get_running_loop().time() > limit:
                raise Broken(expected, self.peer.trouble or f"only {', '.join(excerpt(c.steps[:1], 150) for c in service.conns.values())}", remedy)
            await asyncio.sleep(0.02)
        return await found[0].over(remedy or 'Report a connection to its end, and mark its last event with "done":true.')

    async def refused(self, line: bytes | Step, fault: str, about: str) -> None:
        """Sends a line that must be answered by an error, and sees whether the peer lives on."""
        own = isinstance(line, dict)
        id_ = self.peer.new_id() if own else ""
        talk = self.peer.talks[id_]
        before = len(talk.errors)
        self.peer.raw(contract.encode({"id": id_, **line}) + b"\n" if isinstance(line, dict) else line + b"\n")
        expected = f'{{"event":"error","id":"{id_}","fault":"{fault}","says":...}} in answer to {about}'
        remedy = "Catch what goes wrong with a line, answer it with an error that carries its id, and read on."
        try:
            await talk.until(lambda t: len(t.errors) > before, expected, remedy)
        except Broken as broken:
            if own or self.peer.trouble:
                raise
            raise Broken(expected, broken.seen.removesuffix(" for ''"), remedy, mute=broken.mute) from None
        if talk.errors[-1].get("fault") != fault:
            raise Broken(expected, excerpt(talk.errors[-1]), f"The fault here is {fault!r}: see 'Rules for every line' for which is which.")
        await self.peer.flush("A bad line never ends the peer: keep reading after it.")

    # -- smoke's own side -------------------------------------------------------------------------------------

    def keep(self, thing: C) -> C:
        """Closes it when the rule is done."""
        self._open.append(thing)
        return thing

    def listen(self, *, buffer: int = 0) -> Listener:
        """A listener of our own."""
        return self.keep(Listener(self.address, buffer=buffer))

    def reserved(self) -> Reserved:
        """A port where nobody listens."""
        return self.keep(Reserved(self.address))

    def datagrams(self, port: int = 0) -> Datagrams:
        """A UDP socket of our own."""
        return self.keep(Datagrams(self.address, port))

    def names(self) -> Names:
        """A place for the names of one machine."""
        return self.keep(Names())

    async def connect(self, port: int) -> Wire:
        """A connection of ours to a service of the peer."""
        work = connect(self.address, port)
        return self.keep(
            await soon(work, f"a connection to {self.address} port {port}, where it says that it listens", "Listen before reporting it.")
        )

    async def accept(self, listener: Listener, talk: Talk) -> Wire:
        """The connection that a script or an ask of the peer makes."""
        expected = f"a connection to {self.address} port {listener.port}, as the command asks"
        try:
            return await asyncio.wait_for(listener.accept(), subjects.PATIENCE)
        except TimeoutError:
            raise Broken(expected, f"none; it says {talk.said()}", "Do the step 'connect'.", mute=not talk.steps) from None

    async def close(self) -> None:
        """Ends all that this rule began."""
        for thing in reversed(self._open):
            thing.close()
        for talk in self._running:
            if not talk.done and not talk.errors:
                self.peer.stop(talk)
        await asyncio.sleep(0)

    def need(self, *abilities: str) -> str:
        """The first of the abilities that is declared; without one the rule is skipped."""
        for ability in abilities:
            if ability in self.can:
                return ability
        raise Skip(f"not declared: {' or '.join(abilities)}")


async def soon(work: Awaitable[T], expected: str, remedy: str = "", *, seconds: float = 0) -> T:
    """Waits for something on our side of the wire, not for ever."""
    try:
        return await asyncio.wait_for(work, seconds or subjects.PATIENCE)
    except TimeoutError:
        raise Broken(expected, f"nothing of it in {seconds or subjects.PATIENCE:g} s", remedy) from None
    except OSError as error:
        raise Broken(expected, f"{type(error).__name__}: {error}", remedy) from None


async def reply(wire: Wire, line: bytes = b"") -> bytes:
    """Says a line, if any, and reads a whole reply of SMTP or FTP; returns its last line."""
    if line:
        await wire.send(line + LINE)
    first = last = await soon(wire.through(LINE), f"a reply to {line!r}", "Answer every command.")
    while first[3:4] == b"-" and last[:4] != first[:3] + b" ":
        last = await soon(wire.through(LINE), f"the last line of the reply to {line!r}", "The last line has the code, and SP behind it.")
    return last


def bound_port(talk: Talk, address: str) -> int:
    """The port that a service or a script server reports; checks that it is an honest one."""
    steps = [s for s in talk.steps if s.get("step") in ("listening", "bound")]
    for step in steps:
        local = step.get("local")
        if not isinstance(local, list) or len(local) != 2 or local[0] != address or type(local[1]) is not int or not 0 < local[1] < 65536:
            raise Broken(f"'local' is [{address!r}, the port that the system gave, not 0]", excerpt(step), "Report what getsockname says after bind.")
    return int(steps[-1]["local"][1])


def same(found: object, wanted: object, what: str, remedy: str = "", *, context: object = None) -> None:
    """Raises ``Broken`` unless the two are equal."""
    if found != wanted:
        shown = f" in {excerpt(context)}" if context is not None else ""
        raise Broken(f"{what} {wanted!r}", f"{found!r}{shown}", remedy)


def told(talk: Talk, wanted: str, remedy: str = "") -> None:
    """Raises ``Broken`` unless the steps are just these, in this order (a UDP client's ``bound`` may stand anywhere)."""
    names = [n for n in talk.names() if n != "bound" or "bound" in wanted]
    if names != wanted.split():
        raise Broken("the steps " + ", ".join(wanted.split()), talk.said(), remedy or "'Events of a conversation' says when each step is reported.")


def one(talk: Talk, name: str, number: int = 0) -> Step:
    """A step that must be there."""
    found = talk.all(name)
    if len(found) <= number:
        raise Broken(f"a step '{name}'", talk.said(), "'Events of a conversation' says when it is reported.")
    return found[number]


def amount(step: Step, octets: bytes) -> None:
    """Raises ``Broken`` unless the step tells of just these octets."""
    if step.get("octets") != len(octets) or step.get("digest") != sha256(octets):
        expected = f"'{step.get('step')}' with octets {len(octets)} and digest {sha256(octets)} (what really passed)"
        raise Broken(expected, excerpt(step), "Count and digest what passed the socket call, not what was asked for.")


def failure(talk: Talk, at: int, *errors: str) -> Step:
    """Raises ``Broken`` unless it failed just once, there and with one of these errors; and closed after it."""
    step = one(talk, "failed")
    if step.get("at") != at or step.get("error") not in errors or len(talk.all("failed")) > 1:
        expected = f"'failed' with at {at} (script step numbers begin with 0) and error {' or '.join(map(repr, errors))}"
        raise Broken(expected, excerpt(step), "Translate the system's error into the contract's word; 'at' is the step that failed.")
    return step


def place(step: Step, member: str, wanted: Address) -> None:
    """Raises ``Broken`` unless the step tells this address."""
    if step.get(member) != list(wanted):
        remedy = "Ask the socket itself: getsockname for 'local', getpeername for 'remote'."
        raise Broken(f"'{step.get('step')}' with {member} {list(wanted)}", excerpt(step), remedy)


def alike(found: bytes, wanted: bytes, what: str, remedy: str = "") -> None:
    """Raises ``Broken`` unless the octets are these; tells where they begin to differ."""
    if found == wanted:
        return
    at = next((i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), min(len(found), len(wanted)))
    seen = f"{len(found)} octets, different from octet {at} on: {contract.excerpt(found[at : at + 20]) or 'nothing more'}"
    raise Broken(f"{what}: {len(wanted)} octets, there {contract.excerpt(wanted[at : at + 20]) or 'the end'}", seen, remedy)


def recipe(pattern: str, size: int, seed: int = 0) -> tuple[Step, bytes]:
    """A payload as a command carries it, and its octets."""
    return {"pattern": pattern, "seed": seed, "size": size}, Payload(pattern=pattern, seed=seed, size=size).octets()


@contextlib.contextmanager
def closing(thing: C) -> Any:
    """Closes a thing at once instead of at the end of the rule."""
    try:
        yield thing
    finally:
        thing.close()
