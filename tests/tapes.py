"""Conversations on tape: right ones, frame by frame and with the two reports that fit them, and mutants in which one thing is broken.

Owns what stands on the tapes. From frames to facts it goes as in the witness: the shelf, then ``observe``; verdicts are the judge's, on the
scenarios that the project's own specs hold.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import msgspec

from harness.judge.judge import judge
from harness.model.case import NOBODY, Case, Scenario
from harness.model.payload import sha256
from harness.model.result import Result
from harness.model.trace import Address, Connection, Side, Step, Trace
from harness.model.wire import UNWATCHED, Wire
from harness.pipeline import load_specs
from harness.spec.load import SpecSet
from harness.wire import observe
from harness.wire.link import cuts
from harness.wire.shelf import Shelf, Shelved
from tests import frames
from tests.frames import ACK, FIN, MSS_1460, PSH, RST, SYN

LOCAL, SERVED = ("198.18.0.8", 5000), ("198.18.0.4", 7)
"""Where the client's octets leave from, and the address that it is given."""
OTHER = {"client": "server", "server": "client"}
BEGIN, STEP, SECOND = 5_000_000, 100, 1_000_000
"""Microseconds: when a tape begins, how far frames lie apart, and a second."""
CLIENT_ISN, SERVER_ISN = 1000, 900_000
SMALL, LARGE = 500, 60_000
"""Octets in a segment: several make a small payload, and few make a large one."""
MSS_LARGE = bytes.fromhex("0204ffd7")
WINDOW = 64_240
UNSEEN = UNWATCHED
LATEST = 1 << 62
"""Nanoseconds: after every tape."""


class Segment(msgspec.Struct, frozen=True):
    """A TCP segment as it leaves; ``broken`` are fields that ``frames.tcp`` is told to set in another way than is right."""

    t: int
    by: str
    flags: int
    seq: int
    ack: int
    data: bytes = b""
    window: int = WINDOW
    options: bytes = b""
    broken: tuple[tuple[str, Any], ...] = ()

    def frame(self) -> bytes:
        here, there = (LOCAL, SERVED) if self.by == "client" else (SERVED, LOCAL)
        return frames.tcp(here, there, self.seq, self.ack, self.flags, self.window, self.data, options=self.options, **dict(self.broken))


class Datagram(msgspec.Struct, frozen=True):
    """A UDP datagram that leaves and arrives; ``source``: from elsewhere than is right."""

    t: int
    by: str
    data: bytes
    source: Address | None = None
    broken: tuple[tuple[str, Any], ...] = ()

    def frame(self) -> bytes:
        here, there = (LOCAL, SERVED) if self.by == "client" else (SERVED, LOCAL)
        return frames.udp(self.source or here, there, self.data, **dict(self.broken))


class Unreachable(msgspec.Struct, frozen=True):
    """The server's host says that nobody listens there."""

    t: int
    about: Datagram
    by: str = "server"

    def frame(self) -> bytes:
        return frames.icmp_unreachable(self.about.frame())


Piece = Segment | Datagram | Unreachable


class Tape(msgspec.Struct, frozen=True):
    """The frames of a conversation in the order of time, and what either side reports of it."""

    scenario: str
    line: tuple[Piece, ...]
    client: tuple[Step, ...]
    server: tuple[Step, ...] = ()


# -- the judge's part -----------------------------------------------------------------------------------------


@cache
def specs() -> SpecSet:
    return load_specs()


@cache
def scenarios() -> dict[str, Scenario]:
    return {s.key: s for s in specs().scenarios()}


def wire(tape: Tape) -> Wire:
    """The facts, as the witness gets them: hosts are drained one after the other; of what arrives, TCP is not caught."""
    shelf, scenario = Shelf(), scenarios()[tape.scenario]
    for host, role in ((1, "client"), (2, "server")):
        for piece in tape.line:
            if piece.by == role:
                shelf.put(host, piece.t * 1000, True, piece.frame())
            elif not isinstance(piece, Segment):
                shelf.put(host, (piece.t + STEP // 2) * 1000, False, piece.frame())
    if scenario.transport == "udp":
        found, errors, _ = observe.datagrams(_entries(shelf.take_datagrams(LOCAL, 0, LATEST)), LOCAL)
        return Wire(datagrams=found, errors=errors)
    alone = scenario.server is not None or scenario.service in NOBODY
    known = [s.local for s in tape.client if s.step == "connected" and s.local] or shelf.attempts(LOCAL[0], SERVED, 0, established=alone)
    if not known:
        return Wire()
    from_client = cuts(_lengths(tape.client, "sent"), _lengths(tape.server, "received"))
    from_server = cuts(_lengths(tape.server, "sent"), _lengths(tape.client, "received"))
    entries = _entries(shelf.take_stream(known[0], SERVED, 0))
    return Wire(flows=(observe.flow(entries, known[0], SERVED, from_client, from_server)[0],) if entries else ())


def _entries(shelved: list[Shelved]) -> list[observe.Entry]:
    return [(nanoseconds // 1000, left, frame) for nanoseconds, _, left, frame in shelved]


def _lengths(steps: tuple[Step, ...], name: str) -> tuple[int, ...]:
    return tuple(s.octets or 0 for s in steps if s.step == name)


def trace(tape: Tape, seen: Wire | None = None) -> Trace:
    """All evidence; ``seen``: another wire than the tape's."""
    scenario = scenarios()[tape.scenario]
    served = scenario.server is None and scenario.service not in NOBODY
    server = Side(connections=(Connection(tape.server),) if tape.server else ()) if served else Side(tape.server)
    return Trace(Side(tape.client), server, asked=SERVED, wire=wire(tape) if seen is None else seen)


def judged(tape: Tape, *, strict: bool = False, seen: Wire | None = None) -> Result:
    """The verdict on the tape's own scenario, with the real records of requirements."""
    case = Case(scenarios()[tape.scenario], "c", "s", "ipv4")
    return judge(case, trace(tape, seen), specs().requirements, strict)


# -- right tapes ----------------------------------------------------------------------------------------------


class _Talk:
    """A conversation being written down: frames and reports, one moment after the other."""

    def __init__(self, scenario: str, mss: bytes = MSS_1460) -> None:
        self.scenario = scenarios()[scenario]
        self.t = BEGIN
        self.mss = mss
        self.seq = {"client": CLIENT_ISN, "server": SERVER_ISN}
        self.line: list[Piece] = []
        self.steps: dict[str, list[Step]] = {"client": [], "server": []}

    def tell(self, role: str, *names: str, **members: Any) -> None:
        self.steps[role] += [Step(name, t=self.t, **members) for name in names]

    def tell_octets(self, role: str, name: str, octets: bytes, **members: Any) -> None:
        self.tell(role, name, octets=len(octets), digest=sha256(octets), **members)

    def fail(self, role: str, at: int, error: str) -> None:
        self.tell(role, "failed", at=at, error=error, says="in the system's words")

    def send(self, by: str, flags: int = ACK, data: bytes = b"", *, window: int = WINDOW, options: bytes = b"", known: int = 0) -> None:
        """One segment; ``known``: so much less of the other side's octets than left is acknowledged."""
        self.t += STEP
        ack = self.seq[OTHER[by]] - known if flags & ACK else 0
        self.line.append(Segment(self.t, by, flags, self.seq[by], ack, data, window, options))
        self.seq[by] += len(data) + bool(flags & SYN) + bool(flags & FIN)

    def open(self) -> None:
        """The beginning of a connection, and the reports of it."""
        if self.scenario.server:
            self.tell("server", "created", "bound", "listening", local=SERVED)
        self.tell("client", "created")
        self.tell("client", "connecting", remote=SERVED)
        self.send("client", SYN, options=self.mss)
        self.send("server", SYN | ACK, options=self.mss)
        self.send("client")
        self.tell("client", "connected", local=LOCAL, remote=SERVED)
        self.tell("server", "accepted", local=SERVED, remote=LOCAL)

    def data(self, by: str, octets: bytes, size: int = SMALL) -> None:
        """Octets, each segment acknowledged."""
        for at in range(0, len(octets), size):
            self.send(by, PSH | ACK, octets[at : at + size])
            self.send(OTHER[by])

    def fin(self, by: str) -> None:
        self.send(by, FIN | ACK)
        self.send(OTHER[by])

    def payload(self, role: str = "client") -> bytes:
        """What the scenario tells that side to send."""
        script = self.scenario.client if role == "client" else self.scenario.server
        assert script is not None
        return b"".join(payload.octets() for _, payload in script.sent)

    def wait(self, microseconds: int) -> None:
        self.t += microseconds

    def tape(self) -> Tape:
        return Tape(self.scenario.key, tuple(self.line), tuple(self.steps["client"]), tuple(self.steps["server"]))


RIGHT: dict[str, Callable[[], Tape]] = {}
"""Every right tape."""


def _right(make: Callable[[], Tape]) -> Callable[[], Tape]:
    made = cache(make)
    RIGHT[make.__name__] = made
    return made


@_right
def echo() -> Tape:
    """TCP echo: the client sends, closes its direction, and reads to the end."""
    talk = _Talk("rfc862-echo/tcp/octets-come-back/pattern=random,size=1460")
    octets = talk.payload()
    talk.open()
    talk.data("client", octets)
    talk.tell_octets("client", "sent", octets)
    talk.tell("client", "half-closed")
    talk.fin("client")
    talk.tell_octets("server", "received", octets)
    talk.tell("server", "end")
    talk.data("server", octets)
    talk.tell_octets("server", "sent", octets)
    talk.fin("server")
    talk.tell("server", "closed")
    talk.tell_octets("client", "received", octets)
    talk.tell("client", "end", "closed")
    return talk.tape()


def _asked(talk: _Talk) -> Datagram:
    octets = talk.payload()
    talk.tell("client", "created")
    talk.tell("client", "bound", local=LOCAL)
    question = Datagram(talk.t + STEP, "client", octets)
    talk.wait(2 * STEP)
    talk.line.append(question)
    talk.tell_octets("client", "sent", octets, remote=SERVED)
    return question


@_right
def echo_udp() -> Tape:
    """UDP echo of one datagram."""
    talk = _Talk("rfc862-echo/udp/datagram-comes-back/pattern=random,size=512")
    octets = _asked(talk).data
    talk.tell_octets("server", "received", octets, remote=LOCAL)
    talk.line.append(Datagram(talk.t + STEP, "server", octets))
    talk.wait(2 * STEP)
    talk.tell_octets("server", "sent", octets, remote=LOCAL)
    talk.tell_octets("client", "received", octets, remote=SERVED)
    talk.tell("client", "closed")
    return talk.tape()


@_right
def unreachable() -> Tape:
    """A datagram to a closed port."""
    talk = _Talk("rfc1122-udp/unreachable/port-unreachable")
    talk.line.append(Unreachable(talk.t + 3 * STEP, _asked(talk)))
    talk.wait(20_000)
    talk.tell("client", "quiet", "closed")
    return talk.tape()


def _tried(talk: _Talk) -> None:
    talk.tell("client", "created")
    talk.tell("client", "connecting", remote=SERVED)
    talk.send("client", SYN, options=talk.mss)


@_right
def refused() -> Tape:
    """A SYN to a closed port."""
    talk = _Talk("rfc9293-tcp/refused/closed-port-refused")
    _tried(talk)
    talk.line.append(Segment(talk.t + STEP, "server", RST | ACK, 0, CLIENT_ISN + 1, window=0))
    talk.wait(2 * STEP)
    talk.fail("client", 0, "refused")
    talk.tell("client", "closed")
    return talk.tape()


def _unanswered(*moments: int) -> Tape:
    """SYNs at these seconds after the first."""
    talk = _Talk("rfc9293-tcp/unanswered/no-answer-at-all")
    _tried(talk)
    first = talk.line[0]
    talk.line += [msgspec.structs.replace(first, t=first.t + int(s * SECOND)) for s in moments]
    talk.wait(3_500_000)
    talk.fail("client", 0, "timeout")
    talk.tell("client", "closed")
    return talk.tape()


@_right
def black_hole() -> Tape:
    """A SYN that nobody answers, sent again after one second and after two more."""
    return _unanswered(1, 3)


@_right
def window() -> Tape:
    """A window that closes, is probed, and opens again."""
    talk = _Talk("rfc9293-tcp/window/closed-window-is-probed", MSS_LARGE)
    octets = talk.payload()
    talk.open()
    talk.send("client", PSH | ACK, octets[:LARGE])
    talk.send("server", window=WINDOW - LARGE)
    rest = LARGE + WINDOW - LARGE
    talk.send("client", PSH | ACK, octets[LARGE:rest])
    talk.send("server", window=0)
    for pause in (200_000, 400_000):
        talk.wait(pause)
        talk.line.append(Segment(talk.t, "client", ACK, talk.seq["client"] - 1, talk.seq["server"]))
        talk.send("server", window=0)
    talk.tell_octets("client", "sent", octets)
    talk.tell("client", "half-closed")
    talk.wait(300_000)
    talk.send("server", window=0xFFFF)
    talk.data("client", octets[rest:], LARGE)
    talk.fin("client")
    _read_and_close(talk, octets)
    return talk.tape()


def _read_and_close(talk: _Talk, octets: bytes) -> None:
    """The server's script reads to the end; then it closes too."""
    if octets:
        talk.tell_octets("server", "received", octets)
    talk.tell("server", "end", "closed")
    talk.fin("server")
    _nothing_came(talk)
    talk.tell("client", "end", "closed")


def _nothing_came(talk: _Talk) -> None:
    talk.tell_octets("client", "received", b"")


def _was_reset(talk: _Talk, role: str, at: int, got: bytes) -> None:
    talk.tell_octets(role, "received", got)
    talk.tell(role, "reset", by="them")
    talk.fail(role, at, "reset")
    talk.tell(role, "closed")


def _aborted(flags: int) -> Tape:
    """An abort while octets wait for a window; a FIN leaves once they are through, and the reader sees an end."""
    talk = _Talk("rfc9293-tcp/abort/abort-drops-what-waits", MSS_LARGE)
    octets, half = talk.payload(), 20_000
    talk.open()
    talk.send("client", PSH | ACK, octets[:half])
    talk.send("server", window=WINDOW - half)
    talk.tell_octets("client", "sent", octets)
    talk.wait(30_000)
    talk.tell("client", "reset", by="us")
    talk.tell("client", "closed")
    if flags & RST:
        talk.send("client", flags, window=0)
        talk.wait(60_000)
        _was_reset(talk, "server", 2, octets[:half])
        return talk.tape()
    talk.data("client", octets[half:], half)
    talk.fin("client")
    talk.tell_octets("server", "received", octets)
    talk.tell("server", "end", "closed")
    talk.fin("server")
    return talk.tape()


@_right
def abort() -> Tape:
    """An abort with RST."""
    return _aborted(RST | ACK)


@_right
def reset() -> Tape:
    """A reset by the client, after octets that were read."""
    talk = _Talk("rfc9293-tcp/reset/reset-by-the-client")
    octets = talk.payload()
    talk.open()
    talk.data("client", octets)
    talk.tell_octets("client", "sent", octets)
    talk.tell_octets("server", "received", octets)
    talk.data("server", b"heard")
    talk.tell_octets("server", "sent", b"heard")
    talk.tell_octets("client", "received", b"heard")
    talk.send("client", RST | ACK, window=0)
    talk.tell("client", "reset", by="us")
    talk.tell("client", "closed")
    _was_reset(talk, "server", 3, b"")
    return talk.tape()


def _closed_unread(flags: int) -> Tape:
    """The server closes while octets lie unread; after a FIN the reader sees an end."""
    talk = _Talk("rfc9293-tcp/half-closed/close-with-octets-unread")
    octets = talk.payload()
    talk.open()
    talk.data("client", octets)
    talk.tell_octets("client", "sent", octets)
    talk.wait(60_000)
    talk.send("server", flags, window=0 if flags & RST else WINDOW)
    talk.tell("server", "closed")
    if flags & RST:
        _was_reset(talk, "client", 2, b"")
        return talk.tape()
    talk.send("client")
    _nothing_came(talk)
    talk.tell("client", "end", "closed")
    talk.fin("client")
    return talk.tape()


@_right
def unread() -> Tape:
    """The server closes while octets lie unread: RST."""
    return _closed_unread(RST | ACK)


@_right
def both_close() -> Tape:
    """Both close at once: the FINs cross, and each is acknowledged."""
    talk = _Talk("rfc9293-tcp/closing/both-close-at-once")
    talk.open()
    talk.wait(40_000)
    talk.send("client", FIN | ACK)
    talk.send("server", FIN | ACK, known=1)
    talk.send("client")
    talk.send("server")
    talk.tell("client", "closed")
    talk.tell("server", "closed")
    return talk.tape()


@_right
def writes() -> Tape:
    """Sixty writes, each in a segment of its own."""
    talk = _Talk("rfc9293-tcp/nagle/each-write-a-segment")
    octets = talk.payload()
    talk.open()
    talk.data("client", octets, 1)
    talk.tell_octets("client", "sent", octets)
    talk.tell("client", "half-closed")
    talk.fin("client")
    talk.wait(500_000)
    _read_and_close(talk, octets)
    return talk.tape()


@_right
def idle() -> Tape:
    """A connection that is silent for two seconds."""
    talk = _Talk("rfc9293-tcp/idle/no-keep-alive-unasked")
    talk.open()
    talk.wait(2_200_000)
    talk.tell("client", "half-closed")
    talk.fin("client")
    talk.tell_octets("server", "received", b"")
    _read_and_close(talk, b"")
    return talk.tape()


def _answered(status_line: bytes) -> Tape:
    """An HTTP request by hand, and the response."""
    talk = _Talk("rfc9112-http11/octets/plainest-request/writes=4096")
    octets, response = talk.payload(), status_line + b"\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntext"
    talk.open()
    talk.data("client", octets)
    talk.tell_octets("client", "sent", octets)
    talk.tell_octets("server", "request", b"", method="GET", target="/text")
    talk.data("server", response)
    talk.tell_octets("server", "response", b"text", status=200)
    talk.fin("server")
    talk.fin("client")
    talk.tell("server", "closed")
    talk.tell_octets("client", "received", response, hex=response.hex())
    talk.tell("client", "end", "closed")
    return talk.tape()


@_right
def http() -> Tape:
    """The plainest request over HTTP."""
    return _answered(b"HTTP/1.1 200 OK")


# -- one thing broken -----------------------------------------------------------------------------------------

MUTANTS: dict[str, Callable[[], Tape]] = {}
"""Every mutant by its name in ``mutants/catalogue.yaml``."""


def _mutant(name: str) -> Callable[[Callable[[], Tape]], Callable[[], Tape]]:
    def register(make: Callable[[], Tape]) -> Callable[[], Tape]:
        MUTANTS[name] = make
        return make

    return register


def place(tape: Tape, by: str, *, flags: int | None = None, data: bool | None = None, nth: int = 0) -> int:
    """Where the segment or datagram of that kind stands."""
    return [
        i
        for i, piece in enumerate(tape.line)
        if piece.by == by
        and (flags is None or (isinstance(piece, Segment) and piece.flags == flags))
        and (data is None or bool(getattr(piece, "data", b"")) == data)
    ][nth]


def changed(tape: Tape, at: int, **fields: Any) -> Tape:
    """With one frame made in another way; what no field of it names is broken in the header."""
    piece = tape.line[at]
    broken = tuple((k, v) for k, v in fields.items() if k not in piece.__struct_fields__)
    known = {k: v for k, v in fields.items() if k in piece.__struct_fields__}
    return swapped(tape, at, msgspec.structs.replace(piece, **known, **({"broken": broken} if broken else {})))


def swapped(tape: Tape, at: int, *pieces: Piece) -> Tape:
    """With other frames, or none, in the place of one."""
    return msgspec.structs.replace(tape, line=(*tape.line[:at], *pieces, *tape.line[at + 1 :]))


def after(tape: Tape, at: int, **fields: Any) -> Tape:
    """With one frame once more, a moment later and changed."""
    piece = tape.line[at]
    again = msgspec.structs.replace(piece, **{"t": piece.t + STEP // 2, **fields})
    return msgspec.structs.replace(tape, line=tuple(sorted((*tape.line, again), key=lambda p: p.t)))


def later(tape: Tape, at: int, microseconds: int) -> Tape:
    """With that frame, and all that comes then, so much later."""
    moment = tape.line[at].t

    def moved(items: Any) -> Any:
        return tuple(msgspec.structs.replace(i, t=i.t + microseconds) if i.t >= moment else i for i in items)

    return msgspec.structs.replace(tape, line=moved(tape.line), client=moved(tape.client), server=moved(tape.server))


def retold(tape: Tape, role: str, name: str, *steps: Step) -> Tape:
    """With other steps, or none, in the place of the first of that name in one report."""
    told: tuple[Step, ...] = getattr(tape, role)
    at = [s.step for s in told].index(name)
    return msgspec.structs.replace(tape, **{role: (*told[:at], *(msgspec.structs.replace(s, t=s.t or told[at].t) for s in steps), *told[at + 1 :])})


def told(name: str, octets: bytes = b"") -> Step:
    return Step(name, octets=len(octets), digest=sha256(octets))


def flipped(octets: bytes, at: int = 10) -> bytes:
    """With one bit of one octet changed."""
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]


def _wrong_sum(by: str) -> Tape:
    tape = echo()
    at = place(tape, by, data=True, nth=1)
    right = tape.line[at]
    wrong = msgspec.structs.replace(right, t=right.t - STEP // 2, broken=(("checksum", 0x1234),))  # it is dropped, and sent again
    return swapped(tape, at, wrong, right)


@_mutant("client-sums-a-segment-wrongly")
def _() -> Tape:
    return _wrong_sum("client")


@_mutant("server-sums-a-segment-wrongly")
def _() -> Tape:
    return _wrong_sum("server")


@_mutant("client-header-is-shorter-than-a-header")
def _() -> Tape:
    return changed(echo(), place(echo(), "client", flags=ACK), words=4)


@_mutant("server-header-is-longer-than-its-segment")
def _() -> Tape:
    return changed(echo(), place(echo(), "server", flags=ACK), words=15)


@_mutant("server-option-is-longer-than-its-header")
def _() -> Tape:
    return changed(echo(), place(echo(), "server", flags=ACK), options=bytes.fromhex("0101080c0000000100000002"))


@_mutant("client-option-has-no-length")
def _() -> Tape:
    return changed(echo(), place(echo(), "client", flags=ACK), options=bytes.fromhex("01010800"))


@_mutant("server-sends-octets-again-with-another-value")
def _() -> Tape:
    at = place(echo(), "server", data=True, nth=1)
    return after(echo(), at, data=flipped(echo().line[at].data))  # type: ignore[union-attr]


@_mutant("client-sends-octets-after-its-fin")
def _() -> Tape:
    fin = echo().line[place(echo(), "client", flags=FIN | ACK)]
    assert isinstance(fin, Segment)
    return after(echo(), echo().line.index(fin), flags=PSH | ACK, seq=fin.seq + 1, data=b"one thing more")


@_mutant("server-syn-has-no-mss")
def _() -> Tape:
    return changed(echo(), place(echo(), "server", flags=SYN | ACK), options=b"")


@_mutant("client-syn-has-no-mss")
def _() -> Tape:
    return changed(echo(), place(echo(), "client", flags=SYN), options=b"")


@_mutant("client-sends-its-syn-again-every-second")
def _() -> Tape:
    return _unanswered(1, 2, 3)


@_mutant("client-sends-its-syn-once")
def _() -> Tape:
    return _unanswered()


@_mutant("client-keeps-alive-with-an-empty-segment")
def _() -> Tape:
    at = place(idle(), "client", flags=ACK)
    return after(idle(), at, t=idle().line[at].t + SECOND, seq=CLIENT_ISN)


@_mutant("server-keeps-alive-with-an-old-octet")
def _() -> Tape:
    at = place(echo(), "client", flags=ACK, nth=-1)
    acked = echo().line[place(echo(), "server", data=True, nth=-1)]
    assert isinstance(acked, Segment)
    tape = later(echo(), place(echo(), "server", flags=FIN | ACK), 2 * SECOND)
    again = msgspec.structs.replace(acked, t=acked.t + SECOND, seq=acked.seq + len(acked.data) - 1, data=acked.data[-1:])
    return swapped(tape, at - 2, tape.line[at - 2], again)


@_mutant("server-takes-window-back")
def _() -> Tape:
    return changed(echo(), place(echo(), "server", flags=ACK, nth=1), window=1000)


@_mutant("server-opens-its-window-by-ten-octets")
def _() -> Tape:
    tape = window()
    at = next(i for i, (a, b) in enumerate(pairwise(tape.line)) if getattr(a, "window", 1) == 0 and getattr(b, "window", 0) == 0xFFFF) + 1
    return after(changed(tape, at, window=10), at, window=0xFFFF)


@_mutant("server-acknowledges-after-0.7-seconds")
def _() -> Tape:
    return later(echo(), place(echo(), "server", flags=ACK), 7 * SECOND // 10)


@_mutant("client-datagram-does-not-count-its-header")
def _() -> Tape:
    return changed(echo_udp(), 0, length=512)


@_mutant("server-datagram-is-shorter-than-it-says")
def _() -> Tape:
    return changed(echo_udp(), 1, length=600)


@_mutant("client-sums-a-datagram-wrongly")
def _() -> Tape:
    return changed(echo_udp(), 0, checksum=0x1234)


@_mutant("server-names-no-source-port")
def _() -> Tape:
    return changed(echo_udp(), 1, source=(SERVED[0], 0))


@_mutant("client-sends-a-datagram-without-checksum")
def _() -> Tape:
    return changed(echo_udp(), 0, checksum=0)


@_mutant("server-answers-from-another-address")
def _() -> Tape:
    return changed(echo_udp(), 1, source=("198.18.0.5", SERVED[1]))


@_mutant("server-answers-from-another-port")
def _() -> Tape:
    return changed(echo_udp(), 1, source=(SERVED[0], 40007))


@_mutant("closed-port-does-not-answer-the-syn")
def _() -> Tape:
    return retold(swapped(refused(), 1), "client", "failed", Step("failed", at=0, error="timeout", says="the deadline passed"))


@_mutant("client-aborts-with-a-fin")
def _() -> Tape:
    return _aborted(FIN | ACK)


@_mutant("server-closes-unread-octets-with-a-fin")
def _() -> Tape:
    return _closed_unread(FIN | ACK)


@_mutant("client-does-not-probe-a-closed-window")
def _() -> Tape:
    tape = window()
    return msgspec.structs.replace(tape, line=tuple(p for i, p in enumerate(tape.line) if not _probe(tape, i)))


def _probe(tape: Tape, at: int) -> bool:
    """Whether the window's tape has a probe there, or the answer to one."""
    first = place(tape, "server", flags=ACK, nth=1)
    return first < at <= first + 4


@_mutant("client-merges-its-writes")
def _() -> Tape:
    tape, octets = writes(), b"".join(p.data for p in writes().line if isinstance(p, Segment) and p.by == "client")
    first, last = place(tape, "client", data=True), place(tape, "client", data=True, nth=-1)
    one = msgspec.structs.replace(tape.line[first], data=octets)
    return msgspec.structs.replace(tape, line=(*tape.line[:first], one, *tape.line[last + 1 :]))


@_mutant("closed-port-sends-no-icmp-error")
def _() -> Tape:
    return swapped(unreachable(), 1)


@_mutant("server-resets-where-both-close")
def _() -> Tape:
    tape = both_close()
    at = place(tape, "server", flags=FIN | ACK)
    fin = tape.line[at]
    assert isinstance(fin, Segment)
    acknowledges = msgspec.structs.replace(fin, flags=ACK, ack=fin.ack + 1)
    return msgspec.structs.replace(tape, line=(*tape.line[:at], acknowledges, msgspec.structs.replace(acknowledges, t=fin.t + 10, flags=RST | ACK)))


@_mutant("server-reports-the-end-where-rst-came")
def _() -> Tape:
    return retold(retold(reset(), "server", "reset", Step("end")), "server", "failed")


@_mutant("status-line-has-no-second-space")
def _() -> Tape:
    return _answered(b"HTTP/1.1 200")
