"""Reports that lie, over right frames: each lie is found once, the liar is blamed, and never the other side."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from harness.model.result import CONTRACT, DISAGREE, ERROR, FAIL, MISREPORT, NONCONFORMANT, PASS, Result
from harness.model.trace import Step
from harness.model.wire import Wire
from tests import tapes
from tests.frames import ACK, FIN, PSH, RST
from tests.tapes import LOCAL, SECOND, SERVED, UNSEEN, Tape, changed, flipped, judged, later, place, retold, told

OCTETS = tapes.echo().line[3].data
WHOLE = b"".join(p.data for p in tapes.echo().line if p.by == "client")
DATAGRAM = tapes.echo_udp().line[0].data
PASSES = (PASS,)
change = msgspec.structs.replace
Made = Callable[[], Tape]


def shown(result: Result) -> str:
    return "\n".join([result.verdict, *(f"{f.kind} {f.side}: {f.says}: {f.expected} / {f.observed}" for f in result.findings)])


def count(tape: Tape, role: str, name: str, by: int) -> Tape:
    """The same digest with another number of octets."""
    step = next(s for s in getattr(tape, role) if s.step == name)
    return retold(tape, role, name, change(step, octets=step.octets + by))


def other(tape: Tape, role: str, name: str, octets: bytes) -> Tape:
    """Other octets of the same number."""
    step = next(s for s in getattr(tape, role) if s.step == name)
    return retold(tape, role, name, change(told(name, flipped(octets)), remote=step.remote))


def cut(tape: Tape, *places: int) -> Tape:
    """Without these frames."""
    gone = {at % len(tape.line) for at in places}
    return change(tape, line=tuple(p for i, p in enumerate(tape.line) if i not in gone))


def without(tape: Tape, role: str, *names: str) -> Tape:
    return change(tape, **{role: tuple(s for s in getattr(tape, role) if s.step not in names)})


GAVE_UP = Step("failed", at=3, error="timeout", says="the deadline passed")


def open_to_the_end() -> Tape:
    """An echo that the server does not close; nobody lies about it."""
    honest = without(cut(tapes.echo(), -1, -2), "server", "closed")
    return retold(honest, "client", "end", GAVE_UP)


def never_half_closed() -> Tape:
    """An echo in which the client's FIN never leaves: it resets at its deadline."""
    tape = tapes.echo()
    fin = place(tape, "client", flags=FIN | ACK)
    tape = cut(changed(tape, len(tape.line) - 1, flags=RST | ACK), fin, fin + 1, len(tape.line) - 2)
    tape = retold(tape, "client", "end", GAVE_UP)
    return change(retold(tape, "server", "end"), server=(*without(tape, "server", "end", "closed").server, Step("reset", by="them"), Step("closed")))


def unanswered() -> Tape:
    """An echo of which nothing but the SYN is on the wire."""
    return change(tapes.echo(), line=tapes.echo().line[:1], server=())


def unseen() -> Tape:
    """An echo of which nothing at all is on the wire."""
    return change(tapes.echo(), line=(), server=())


def late_fin() -> Tape:
    """The client's FIN, and all that follows, a second after it told of it."""
    tape = tapes.echo()
    moved = later(tape, place(tape, "client", flags=FIN | ACK), SECOND)
    return change(moved, client=tuple(a if a.step == "half-closed" else b for a, b in zip(tape.client, moved.client, strict=True)))


def late_end() -> Tape:
    """The server tells of the end a second before the client's FIN."""
    tape = tapes.echo()
    moved = later(tape, place(tape, "client", flags=FIN | ACK), SECOND)
    moved = change(moved, client=tuple(change(s, t=s.t + SECOND) if s.step == "half-closed" else s for s in moved.client))
    return change(moved, server=tuple(a if a.step == "end" else b for a, b in zip(tape.server, moved.server, strict=True)))


def late_octets() -> Tape:
    """The client tells that all is sent while most of it waits for a second, for no reason."""
    tape = tapes.echo()
    moved = later(tape, place(tape, "client", data=True, nth=1), SECOND)
    return change(moved, client=tuple(a if a.step == "sent" else b for a, b in zip(tape.client, moved.client, strict=True)))


def unsent_answer() -> Tape:
    return cut(tapes.echo_udp(), 1)


def made_up(role: str, name: str) -> Tape:
    """One datagram more than there was in a report."""
    tape = tapes.echo_udp()
    steps = getattr(tape, role)
    at = next(i for i, s in enumerate(steps) if s.step == name)
    return change(tape, **{role: (*steps[: at + 1], change(told(name, b"never there"), remote=steps[at].remote), *steps[at + 1 :])})


LIES: list[tuple[str, str, str, Made, tuple[str, ...]]] = [
    # (what, who lies, words of the finding, the tape, what is known without the wire: the verdict, else kind and side)
    ("sent-one-more", "client", "number of octets sent", lambda: count(tapes.echo(), "client", "sent", 1), (MISREPORT, "client")),
    ("sent-others", "client", "other octets sent", lambda: other(tapes.echo(), "client", "sent", WHOLE), (MISREPORT, "client")),
    ("received-one-less", "client", "other octets received", lambda: count(tapes.echo(), "client", "received", -1), (DISAGREE, "both")),
    ("received-others", "client", "other octets received", lambda: other(tapes.echo(), "client", "received", WHOLE), (DISAGREE, "both")),
    ("received-one-more", "client", "number of octets received", lambda: count(tapes.echo(), "client", "received", 1), (DISAGREE, "both")),
    ("served-one-more", "server", "number of octets sent", lambda: count(tapes.echo(), "server", "sent", 1), (DISAGREE, "both")),
    ("served-others", "server", "other octets sent", lambda: other(tapes.echo(), "server", "sent", WHOLE), (DISAGREE, "both")),
    ("took-one-less", "server", "other octets received", lambda: count(tapes.echo(), "server", "received", -1), (DISAGREE, "both")),
    ("took-others", "server", "other octets received", lambda: other(tapes.echo(), "server", "received", WHOLE), (DISAGREE, "both")),
    (
        "received-all-but-the-last", "client", "number of octets received",
        lambda: retold(tapes.echo(), "client", "received", told("received", WHOLE[:-1])), (DISAGREE, "both"),
    ),
    (
        "took-all-but-the-last", "server", "number of octets received",
        lambda: retold(tapes.echo(), "server", "received", told("received", WHOLE[:-1])), (DISAGREE, "both"),
    ),
    (
        "served-all-but-the-last", "server", "number of octets sent",
        lambda: retold(tapes.echo(), "server", "sent", told("sent", WHOLE[:-1])), (DISAGREE, "both"),
    ),
    ("end-without-fin", "client", "'end'", lambda: retold(open_to_the_end(), "client", "failed", Step("end")), (NONCONFORMANT, "server")),
    ("half-closed-without-fin", "client", "'half-closed'", never_half_closed, (NONCONFORMANT, "server")),
    ("half-closed-too-early", "client", "'half-closed' before", late_fin, PASSES),
    ("end-too-early", "server", "'end' before", late_end, PASSES),
    ("sent-too-early", "client", "'sent' before", late_octets, PASSES),
    (
        "closed-without-fin", "server", "'closed'",
        lambda: change(open_to_the_end(), server=tapes.echo().server), (NONCONFORMANT, "server"),
    ),
    (
        "reset-without-rst", "client", "reset by the server",
        lambda: retold(tapes.echo(), "client", "end", Step("reset", by="them"), change(GAVE_UP, error="reset")), (NONCONFORMANT, "server"),
    ),
    ("took-a-reset-without-rst", "server", "reset by the client", lambda: retold(tapes.echo(), "server", "end", Step("reset", by="them")), (CONTRACT, "server")),
    (
        "refused-without-rst", "client", "was refused",
        lambda: retold(tapes.black_hole(), "client", "failed", Step("failed", at=0, error="refused")), (NONCONFORMANT, "server"),
    ),
    ("connected-without-answer", "client", "'connected'", unanswered, (DISAGREE, "both")),
    ("connected-without-syn", "client", "a connection that the wire does not show", unseen, (DISAGREE, "both")),
    (
        "not-connected", "client", "could not connect",
        lambda: change(tapes.idle(), client=(*tapes.idle().client[:2], Step("failed", at=0, error="timeout"), Step("closed"))), (NONCONFORMANT, "server"),
    ),
    ("accepted-nothing", "server", "does not report the connection", lambda: change(tapes.echo(), server=()), (DISAGREE, "both")),
    (
        "accepted-from-elsewhere", "server", "does not report the connection",
        lambda: retold(tapes.echo(), "server", "accepted", Step("accepted", local=SERVED, remote=(LOCAL[0], 1))), (DISAGREE, "both"),
    ),
    ("datagram-sent-that-never-was", "server", "datagram sent", lambda: made_up("server", "sent"), (PASS,)),
    ("datagram-received-that-never-was", "server", "datagram received", lambda: made_up("server", "received"), (DISAGREE, "both")),
    ("datagram-sent-of-others", "client", "datagram sent", lambda: other(tapes.echo_udp(), "client", "sent", DATAGRAM), (MISREPORT, "client")),
    ("datagram-received-of-others", "client", "datagram received", lambda: other(tapes.echo_udp(), "client", "received", DATAGRAM), (DISAGREE, "both")),
    ("datagram-not-told-of", "server", "does not report to have sent", lambda: without(tapes.echo_udp(), "server", "sent"), (DISAGREE, "both")),
]  # fmt: skip
each_lie = pytest.mark.parametrize(("liar", "words", "make", "blindly"), [pytest.param(*lie[1:], id=lie[0]) for lie in LIES])


@each_lie
def test_a_lie_is_found_once_and_the_liar_is_blamed(liar: str, words: str, make: Made, blindly: tuple[str, ...]) -> None:
    result = judged(make())
    lies = [f for f in result.findings if f.kind == MISREPORT]
    assert [(f.side, words in f.says) for f in lies] == [(liar, True)], shown(result)
    assert result.verdict == FAIL


@each_lie
def test_a_lie_never_blames_the_other_side(liar: str, words: str, make: Made, blindly: tuple[str, ...]) -> None:
    result = judged(make())
    assert {f.side for f in result.findings} == {liar}, shown(result)
    assert {f.kind for f in result.findings} <= {MISREPORT, CONTRACT, NONCONFORMANT}, shown(result)


@each_lie
def test_without_the_wire_reports_are_all_there_is(liar: str, words: str, make: Made, blindly: tuple[str, ...]) -> None:
    result = judged(make(), seen=UNSEEN)
    assert (PASSES if result.verdict == PASS else (result.findings[0].kind, result.findings[0].side)) == blindly, shown(result)
    assert judged(make(), seen=Wire(absent="another reason")).findings == result.findings


@pytest.mark.parametrize("name", tapes.RIGHT)
def test_without_the_wire_right_tapes_pass_too(name: str) -> None:
    result = judged(tapes.RIGHT[name](), seen=UNSEEN)
    assert (result.verdict, result.findings) == (PASS, ()), shown(result)


@pytest.mark.parametrize("name", [*tapes.RIGHT, *tapes.MUTANTS])
def test_incomplete_evidence_is_an_error_and_nobodys_fault(name: str) -> None:
    tape = (tapes.RIGHT | tapes.MUTANTS)[name]()
    result = judged(tape, seen=change(tapes.wire(tape), incomplete="the capture lost 3 frames"))
    assert (result.verdict, result.findings) == (ERROR, ())
    assert "the capture lost 3 frames" in result.reason


# -- honest reports -------------------------------------------------------------------------------------------


def test_the_wire_confirms_who_receives_something_wrong() -> None:
    """The server sends a wrong octet and tells of the right ones: without the wire nothing tells who is wrong."""
    tape = tapes.echo()
    at = place(tape, "server", data=True)
    tape = other(changed(tape, at, data=flipped(OCTETS)), "client", "received", WHOLE)
    found = {(f.kind, f.side) for f in judged(tape).findings}
    assert found == {(NONCONFORMANT, "server"), (MISREPORT, "server")}
    assert {(f.kind, f.side) for f in judged(tape, seen=UNSEEN).findings} == {(DISAGREE, "both")}


def test_the_wire_confirms_a_wrong_answer_that_both_tell_of() -> None:
    tape = tapes.echo()
    tape = other(changed(tape, place(tape, "server", data=True), data=flipped(OCTETS)), "client", "received", WHOLE)
    result = judged(other(tape, "server", "sent", WHOLE))
    assert [(f.kind, f.side, f.requirement) for f in result.findings] == [(NONCONFORMANT, "server", "RFC862-tcp-same-octets")], shown(result)


def test_a_lie_that_both_tell_is_found_on_both() -> None:
    """The reports agree with each other, and with the script; the wire knows better."""
    tape = tapes.echo()
    tape = changed(tape, place(tape, "server", data=True), data=flipped(OCTETS))
    assert judged(tape, seen=UNSEEN).verdict == PASS
    assert [(f.kind, f.side) for f in judged(tape).findings] == [(MISREPORT, "client"), (MISREPORT, "server")]


def test_an_honest_report_of_a_connection_that_stays_open() -> None:
    result = judged(open_to_the_end())
    assert [(f.kind, f.side) for f in result.findings] == [(NONCONFORMANT, "server")], shown(result)


def test_octets_that_leave_late_because_of_a_closed_window_are_no_lie() -> None:
    """The window's tape tells 'sent' and 'half-closed' long before the last octet leaves."""
    tape = tapes.window()
    flow = tapes.wire(tape).flows[0]
    early = next(s.t for s in tape.client if s.step == "sent")
    assert flow.client.last_octet > early
    assert judged(later(tape, place(tape, "server", flags=ACK, nth=4), 7 * SECOND)).verdict == PASS


def test_what_waits_for_a_window_that_stays_closed_is_no_lie() -> None:
    """The client wrote it all and closed; neither the rest nor the FIN can leave."""
    tape = tapes.window()
    reopens = place(tape, "server", flags=ACK, nth=4)
    client = tuple(GAVE_UP if s.step == "end" else s for s in tape.client if s.step != "received")
    stuck = change(tape, line=tape.line[:reopens], client=client, server=tape.server[:4])
    assert tapes.wire(stuck).flows[0].client.fin_frame == 0
    result = judged(stuck)
    assert {f.side for f in result.findings} == {"server"} and MISREPORT not in {f.kind for f in result.findings}, shown(result)


def test_a_reset_frees_from_showing_what_was_to_be_sent() -> None:
    """What the client wrote and a reset threw away is not on the wire, and it did write it."""
    flow = tapes.wire(tapes.abort()).flows[0]
    told_of = next(s.octets for s in tapes.abort().client if s.step == "sent")
    assert (flow.client.octets, told_of) == (20_000, 40_000)
    assert judged(tapes.abort()).verdict == PASS


def test_clocks_may_be_apart_a_little() -> None:
    """200 ms, which nobody's clock on one machine is off."""
    for role in ("client", "server"):
        tape = tapes.echo()
        moved = change(tape, **{role: tuple(change(s, t=s.t - 200_000) for s in getattr(tape, role))})
        assert judged(moved).verdict == PASS


def test_of_a_broken_frame_only_the_cause_is_told() -> None:
    """An answer with a wrong checksum is dropped: that it never comes is no finding of its own."""
    tape = changed(tapes.echo_udp(), 1, checksum=0x1234)
    tape = retold(tape, "client", "received", Step("failed", at=1, error="timeout"))
    assert [(f.side, f.requirement) for f in judged(tape).findings] == [("server", "RFC768-fields-checksum-pseudo-header")]
    assert [(f.side, f.requirement) for f in judged(tape, seen=UNSEEN).findings] == [("server", "RFC862-udp-one-for-one")]


def test_data_on_a_push_is_on_the_tape() -> None:
    """The tapes are what these tests take them for."""
    assert tapes.echo().line[3].flags == PSH | ACK
    assert len(WHOLE) == 1460
    assert len(DATAGRAM) == 512
