"""From frames to facts: right conversations, what happens to them on the way, and whatever octets there are."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.payload import sha256
from harness.model.wire import SHOWN_FRAMES, Datagram, Flow, Sent, Slice
from harness.wire import observe
from tests import frames
from tests.frames import ACK, CLIENT, CLIENT6, FIN, MSS_1460, PSH, RST, SERVER, SERVER6, SYN, conversation, fragments_of
from tests.fuzz.seeds import seed_frames

FAMILIES = pytest.mark.parametrize(("client", "server"), [(CLIENT, SERVER), (CLIENT6, SERVER6)], ids=["ipv4", "ipv6"])
QUESTION, ANSWER = bytes(range(256)) * 12, b"an answer" * 300
Talk = list[tuple[int, str, bytes]]


def entries(talk: Talk) -> list[observe.Entry]:
    return [(nanoseconds // 1000, True, frame) for nanoseconds, _, frame in talk]


def seen(talk: Talk, *cuts: tuple[int, ...], client: frames.Endpoint = CLIENT, server: frames.Endpoint = SERVER) -> Flow:
    """The flow, with the client's stream cut as each of ``cuts`` says."""
    return observe.flow(entries(talk), client, server, cuts)[0]


def facts(side: Sent) -> tuple[int, str, int, bool]:
    return side.octets, side.digest, side.segments, side.whole


def whole(octets: bytes, segments: int) -> tuple[int, str, int, bool]:
    return len(octets), sha256(octets), segments, True


# -- one connection -------------------------------------------------------------------------------------------


@FAMILIES
def test_a_right_conversation(client: frames.Endpoint, server: frames.Endpoint) -> None:
    talk = conversation(client, server, QUESTION, ANSWER)
    flow = seen(talk, client=client, server=server)
    assert facts(flow.client) == whole(QUESTION, 3)
    assert facts(flow.server) == whole(ANSWER, 2)
    assert (flow.client_address, flow.server_address) == (client, server)
    assert flow.established and flow.settled
    for side in (flow.client, flow.server):
        assert side.fin_acked and side.mss == 1460 and side.slowest_ack == 10
        assert not (side.rst_frame or side.again or side.conflict_frame or side.after_fin_frame or side.bad_checksum_frame or side.malformed_frame)
        assert not (side.edge_moved_left_frame or side.keepalive_frame or side.zero_window_frame or side.probed)
    count = len(talk)
    assert (flow.client.fin_frame, flow.server.fin_frame) == (count - 3, count - 1)
    assert flow.client.syn_times == (talk[0][0] // 1000,)
    assert (flow.client.fin_time, flow.client.last_octet) == (talk[-4][0] // 1000, talk[7][0] // 1000)


def test_frames_for_the_ladder_count_from_the_syn() -> None:
    talk = conversation(client_octets=b"question", server_octets=b"answer", client_isn=0xFFFFFFFF, server_isn=5)
    ladder = observe.flow(entries(talk), CLIENT, SERVER)[1]
    assert [(f.by, f.flags, f.seq, f.ack, f.octets) for f in ladder] == [
        ("client", "S", 0, 0, 0), ("server", "SA", 0, 1, 0), ("client", "A", 1, 1, 0),
        ("client", "PA", 1, 1, 8), ("server", "A", 1, 9, 0), ("server", "PA", 1, 9, 6), ("client", "A", 9, 7, 0),
        ("client", "FA", 9, 7, 0), ("server", "A", 7, 10, 0), ("server", "FA", 7, 10, 0), ("client", "A", 10, 8, 0),
    ]  # fmt: skip
    assert [f.number for f in ladder] == list(range(1, 12))


def test_of_a_long_conversation_the_beginning_and_the_end_are_shown() -> None:
    talk = conversation(client_octets=bytes(200), size=1)
    ladder = observe.flow(entries(talk), CLIENT, SERVER)[1]
    assert len(ladder) == SHOWN_FRAMES
    assert [f.number for f in ladder][-16:] == list(range(len(talk) - 15, len(talk) + 1))
    assert observe.flow(entries(talk), CLIENT, SERVER, shown=False)[1] == []


@pytest.mark.parametrize("isn", [0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFF000, 0x7FFFFFFF])
def test_sequence_numbers_wrap_around(isn: int) -> None:
    flow = seen(conversation(client_octets=QUESTION * 3, server_octets=ANSWER, client_isn=isn, server_isn=isn))
    assert (flow.client.octets, flow.client.digest) == (len(QUESTION) * 3, sha256(QUESTION * 3))
    assert flow.settled and not flow.client.again and not flow.client.edge_moved_left_frame


def test_a_segment_sent_again() -> None:
    talk = conversation(client_octets=QUESTION)
    flow = seen([*talk[:4], (talk[3][0] + 1, "client", talk[3][2]), *talk[4:]])
    assert facts(flow.client) == whole(QUESTION, 3)
    assert (flow.client.again, flow.client.conflict_frame) == (1460, 0)


def test_a_segment_sent_again_with_another_value() -> None:
    talk = conversation(client_octets=QUESTION)
    other = frames.tcp(seq=1001, ack=900_001, flags=PSH | ACK, data=bytes([9]) * 10)
    flow = seen([*talk[:4], (talk[3][0] + 1, "client", other), *talk[4:]])
    assert flow.client.conflict_frame == 5
    assert flow.client.digest == sha256(QUESTION)


def test_segments_out_of_order() -> None:
    talk = conversation(client_octets=QUESTION, size=500)
    data = [i for i in range(3, len(talk) - 4) if talk[i][1] == "client"]
    shuffled = list(data)
    random.Random(1).shuffle(shuffled)
    mixed = list(talk)
    for here, there in zip(data, shuffled, strict=True):
        mixed[here] = (talk[here][0], "client", talk[there][2])
    flow = seen(mixed)
    assert (flow.client.octets, flow.client.digest, flow.client.whole) == (len(QUESTION), sha256(QUESTION), True)
    assert not flow.client.conflict_frame and not flow.client.after_fin_frame


def test_a_hole_stays_a_hole() -> None:
    talk = conversation(client_octets=QUESTION)
    flow = seen(talk[:5] + talk[6:])
    assert (flow.client.octets, flow.client.digest, flow.client.whole) == (1460, sha256(QUESTION[:1460]), False)


def test_a_bad_segment_leaves_no_octets() -> None:
    talk = conversation(client_octets=QUESTION)
    broken = bytearray(talk[5][2])
    broken[-1] ^= 1
    flow = seen([*talk[:5], (talk[5][0], "client", bytes(broken)), *talk[5:]])
    assert flow.client.bad_checksum_frame == 6
    assert facts(flow.client) == whole(QUESTION, 3)


def test_a_header_with_a_wrong_sum_is_as_bad() -> None:
    talk = conversation(client_octets=QUESTION)
    broken = frames.tcp(seq=1001, ack=900_001, flags=ACK, data=b"x", ip_checksum=0x1234)
    assert seen([*talk[:3], (talk[2][0] + 1, "client", broken), *talk[3:]]).client.bad_checksum_frame == 4


def test_a_segment_from_before_the_syn_counts_for_nothing() -> None:
    """Left over from an earlier connection (RFC 9293 3.4.3)."""
    talk = conversation(client_octets=QUESTION)
    old = frames.tcp(seq=500, ack=1, flags=PSH | ACK, data=b"old")
    flow, ladder = observe.flow(entries([*talk[:3], (talk[2][0] + 1, "client", old), *talk[3:]]), CLIENT, SERVER)[:2]
    assert facts(flow.client) == whole(QUESTION, 3)
    assert (ladder[3].seq, flow.settled) == (-500, True)


def test_a_bad_fin_is_looked_at_however_late_it_comes() -> None:
    """Plain data is only looked at now and then in long connections."""
    talk = conversation(client_octets=bytes(300), size=1)
    frame = bytearray(talk[-4][2])
    frame[-4] ^= 1
    assert seen([*talk[:-4], (talk[-4][0], "client", bytes(frame)), *talk[-3:]]).client.bad_checksum_frame == len(talk) - 3


def test_a_reset() -> None:
    talk = conversation(client_octets=QUESTION)[:5]
    flow = seen([*talk, (talk[-1][0] + 1000, "server", frames.tcp(SERVER, CLIENT, 900_001, 0, RST, 0))])
    assert (flow.server.rst_frame, flow.server.fin_frame, flow.settled, flow.established) == (6, 0, True, True)


def test_a_refusal() -> None:
    refusal = frames.tcp(SERVER, CLIENT, 0, 1001, RST | ACK, 0)
    flow = seen([conversation()[0], (2_000_000_000, "server", refusal)])
    assert (flow.established, flow.settled, flow.server.rst_frame, flow.server.syn_times) == (False, True, 2, ())


def test_no_answer() -> None:
    t, by, syn = conversation()[0]
    flow = seen([(t, by, syn), (t + 10**9, by, syn), (t + 3 * 10**9, by, syn)])
    assert (len(flow.client.syn_times), flow.established, flow.settled) == (3, False, False)
    assert flow.client.whole and not flow.client.octets


def test_half_closed_is_not_settled() -> None:
    talk = conversation(client_octets=QUESTION, server_octets=ANSWER)
    flow = seen(talk[:-2])
    assert flow.client.fin_acked and not flow.server.fin_frame and not flow.settled
    assert not seen(talk[:-3]).client.fin_acked
    assert not seen(talk[:-1]).settled


def test_an_acknowledgement_of_the_octets_is_none_of_the_fin() -> None:
    talk = conversation(client_octets=b"12345678")
    at = talk[-4][0]
    late = (at + 1, "server", frames.tcp(SERVER, CLIENT, 900_001, 1009, ACK))
    assert not seen([*talk[:-3], late]).client.fin_acked
    assert seen([*talk[:-3], late, *talk[-3:]]).client.fin_acked


def test_octets_after_the_fin() -> None:
    talk = conversation(client_octets=b"12345678")
    more = frames.tcp(seq=1010, ack=900_001, flags=PSH | ACK, data=b"more")
    flow = seen([*talk, (talk[-1][0] + 1, "client", more)])
    assert flow.client.after_fin_frame == len(talk) + 1
    assert flow.client.digest == sha256(b"12345678")


@pytest.mark.parametrize(
    ("options", "words", "wrong"),
    [(b"\x01" * 4, None, False), (bytes.fromhex("0101080a0000000100000002"), None, False), (bytes.fromhex("00ffffff"), None, False),
     (bytes.fromhex("0101080c0000000100000002"), None, True), (bytes.fromhex("05010101"), None, True), (bytes.fromhex("01010105"), None, True),
     (bytes.fromhex("080a000000010000000205ff"), None, True), (b"", 4, True), (b"", 9, True)],
)  # fmt: skip
def test_header_format(options: bytes, words: int | None, wrong: bool) -> None:
    talk = conversation(client_octets=QUESTION)
    segment = frames.tcp(seq=1001, ack=900_001, options=options, words=words)
    assert bool(seen([*talk[:3], (talk[2][0] + 1, "client", segment), *talk[3:]]).client.malformed_frame) == wrong


@pytest.mark.parametrize(
    "cuts",
    [((3072,),), ((1000, 2072),), ((1, 1, 1),), ((3000, 72), (72, 3000)), ((3072,), (1536, 1536)), ((0, 3072),), ((5000,),), ((4000, 1), (10,)), ()],
    ids=str,
)
def test_a_stream_is_cut_as_reports_cut_it(cuts: tuple[tuple[int, ...], ...]) -> None:
    wanted, beyond = set(), set()
    for lengths in cuts:
        for i, length in enumerate(lengths):
            start = sum(lengths[:i])
            (wanted if start + length <= len(QUESTION) else beyond).add(Slice(start, length, sha256(QUESTION[start : start + length])))
    slices = seen(conversation(client_octets=QUESTION), *cuts).client.slices
    assert set(slices) == wanted and len(slices) == len(wanted)


def test_both_streams_are_cut() -> None:
    talk = entries(conversation(client_octets=QUESTION, server_octets=ANSWER))
    flow = observe.flow(talk, CLIENT, SERVER, [(10,)], [(20, 30)])[0]
    assert flow.client.slices == (Slice(0, 10, sha256(QUESTION[:10])),)
    assert flow.server.slices == (Slice(0, 20, sha256(ANSWER[:20])), Slice(20, 30, sha256(ANSWER[20:50])))


# -- windows --------------------------------------------------------------------------------------------------

SCALED = MSS_1460 + bytes.fromhex("01030307")


def windows(*offers: tuple[int, int], options: bytes = MSS_1460) -> Flow:
    """A connection over which the server offers windows: (acknowledged octets, the header's field)."""
    begin = [frames.tcp(seq=1000, flags=SYN, options=options), frames.tcp(SERVER, CLIENT, 5000, 1001, SYN | ACK, 8000, options=options)]
    data = [frames.tcp(seq=1001, ack=5001, flags=ACK, data=bytes(1000))]
    acks = [frames.tcp(SERVER, CLIENT, 5001, 1001 + acked, ACK, window) for acked, window in offers]
    return observe.flow([(1000 * i, True, f) for i, f in enumerate(begin + data + acks)], CLIENT, SERVER)[0]


def test_the_right_edge_of_a_window() -> None:
    assert not windows((500, 7500), (1000, 7000), (1000, 9000)).server.edge_moved_left_frame
    assert windows((500, 7500), (1000, 6999)).server.edge_moved_left_frame == 5
    assert windows((0, 8000), (0, 7000), (0, 9000)).server.edge_moved_left_frame == 5


def test_a_scaled_window_may_lose_less_than_its_unit() -> None:
    """RFC 7323 2.4: an acknowledgement in between may make the field round down."""
    assert not windows((0, 100), (1, 100), (100, 100), (500, 96), options=SCALED).server.edge_moved_left_frame
    assert windows((0, 100), (500, 95), options=SCALED).server.edge_moved_left_frame == 5


def test_a_closed_window_and_how_it_opens() -> None:
    server = windows((500, 7500), (1000, 0), (1000, 10), (1000, 9000)).server
    assert (server.zero_window_frame, server.reopened_with) == (5, 10)
    assert windows((1000, 0), (1000, 2), options=SCALED).server.reopened_with == 256
    assert windows((1000, 0)).server.reopened_with == -1


def asking(window: int, idle: int, data: bytes = b"") -> Sent:
    """What the client is seen to do when it repeats an old sequence number after so many microseconds."""
    talk = conversation(client_octets=b"12345678")[:4]
    at = talk[-1][0] // 1000
    ack = frames.tcp(SERVER, CLIENT, 900_001, 1009, ACK, window)
    probe = frames.tcp(seq=1008, ack=900_001, flags=ACK, data=data)
    return observe.flow([*entries(talk), (at + 10, True, ack), (at + 10 + idle, True, probe)], CLIENT, SERVER)[0].client


@pytest.mark.parametrize("data", [b"", b"8"], ids=["empty", "one octet"])
def test_probes_and_keep_alives(data: bytes) -> None:
    assert (asking(0, 300_000, data).probed, asking(0, 300_000, data).keepalive_frame) == (1, 0)
    assert (asking(9000, 1_000_000, data).probed, asking(9000, 1_000_000, data).keepalive_frame) == (0, 6)
    assert asking(9000, 1000, data).keepalive_frame == 0


def test_how_long_data_waits_for_its_acknowledgement() -> None:
    talk = conversation(client_octets=bytes(2920), step_ns=1000)
    late = [(t + (700_000_000 if i >= 6 else 0), by, frame) for i, (t, by, frame) in enumerate(talk)]
    server = seen(late).server
    assert (server.slowest_ack, server.slowest_ack_frame) == (700_001, 7)


# -- datagrams ------------------------------------------------------------------------------------------------


def crossing(*sent: bytes, lost: tuple[int, ...] = ()) -> list[observe.Entry]:
    """Frames that leave one after the other, and arrive but for ``lost``."""
    return sorted((100 * i + (0 if left else 50), left, f) for i, f in enumerate(sent) for left in (True, False) if left or i not in lost)


@FAMILIES
def test_a_question_and_its_answer(client: frames.Endpoint, server: frames.Endpoint) -> None:
    found, errors, ladder = observe.datagrams(crossing(frames.udp(client, server, QUESTION[:512]), frames.udp(server, client, b"")), client)
    assert found == (
        Datagram(1, 0, "client", 512, sha256(QUESTION[:512]), client, server, "ok", 520, True, True, hops=64),
        Datagram(2, 100, "server", 0, sha256(b""), server, client, "ok", 8, True, True, hops=64),
    )
    assert errors == ()
    assert [(f.number, f.by, f.kind, f.octets) for f in ladder] == [(1, "client", "udp", 512), (2, "server", "udp", 0)]


@FAMILIES
@pytest.mark.parametrize("order", ["in order", "backwards"])
def test_a_datagram_in_fragments_leaves_and_arrives(client: frames.Endpoint, server: frames.Endpoint, order: str) -> None:
    octets = (QUESTION * 3)[:8192]
    parts = fragments_of(frames.udp(client, server, octets), 1480 if client == CLIENT else 1448)
    sent = parts if order == "in order" else parts[::-1]
    found, _, ladder = observe.datagrams(crossing(*sent), client)
    assert [(d.octets, d.digest, d.checksum, d.length, d.left, d.arrived, d.fragments) for d in found] == [
        (8192, sha256(octets), "ok", 8200, True, True, 6)
    ]
    assert (found[0].by, found[0].source, found[0].destination) == ("client", client, server)
    assert [f.kind for f in ladder] == ["fragment"] * 6 + ["udp"]
    gone = observe.datagrams(crossing(*sent, lost=(2,)), client)[0]
    assert [(d.left, d.arrived) for d in gone] == [(True, False)]


def test_datagrams_that_are_alike_arrive_each_once() -> None:
    one = frames.udp(data=b"same")
    assert [(d.left, d.arrived) for d in observe.datagrams(crossing(one, one, one, lost=(1,)), CLIENT)[0]] == [
        (True, True),
        (True, True),
        (True, False),
    ]


def test_what_arrives_and_never_left() -> None:
    assert [(d.left, d.arrived) for d in observe.datagrams([(5, False, frames.udp(data=b"x"))], CLIENT)[0]] == [(False, True)]


@pytest.mark.parametrize(
    ("fields", "state", "length"),
    [({"checksum": 0}, "none", 9), ({"checksum": 0x1234}, "bad", 9), ({"length": 12}, "unknown", 12), ({"length": 0}, "unknown", 0)],
    ids=["no checksum", "a wrong one", "too long", "none"],
)
def test_what_is_wrong_with_a_datagram(fields: dict[str, int], state: str, length: int) -> None:
    found = observe.datagrams(crossing(frames.udp(data=b"x", **fields)), CLIENT)[0]  # type: ignore[arg-type]
    assert [(d.checksum, d.length, d.octets) for d in found] == [(state, length, 1)]


def test_over_ipv6_there_must_be_a_checksum() -> None:
    assert observe.datagrams(crossing(frames.udp(CLIENT6, SERVER6, b"x", checksum=0)), CLIENT6)[0][0].checksum == "bad"


@FAMILIES
@pytest.mark.parametrize("quoted", [None, 28], ids=["all of it", "as little as must be"])
def test_an_error_tells_what_it_is_about(client: frames.Endpoint, server: frames.Endpoint, quoted: int | None) -> None:
    question = frames.udp(client, server, b"anybody there?")
    octets = quoted if quoted is None or client == CLIENT else 48
    found, errors, ladder = observe.datagrams(crossing(question, frames.icmp_unreachable(question, octets=octets)), client)
    assert [(d.left, d.arrived) for d in found] == [(True, True)]
    assert [(e.number, e.by, e.what, e.source, e.destination) for e in errors] == [(2, "server", "port", client, server)]
    assert [f.kind for f in ladder] == ["udp", "icmp"]


@pytest.mark.parametrize(("code", "what"), [(0, "network"), (1, "host"), (3, "port"), (13, "other")])
def test_the_kinds_of_errors(code: int, what: str) -> None:
    question = frames.udp(data=b"x")
    assert observe.datagrams(crossing(question, frames.icmp_unreachable(question, code=code)), CLIENT)[1][0].what == what


# -- whatever there is ----------------------------------------------------------------------------------------

SEEDS = [frame for _, _, frame in conversation(client_octets=QUESTION, server_octets=ANSWER)] + seed_frames()
SEEDS += [frames.udp(data=b"x"), frames.icmp_unreachable(frames.udp(data=b"x")), *fragments_of(frames.udp(data=QUESTION), 1480)]


@st.composite
def bent(draw: st.DrawFn) -> bytes:
    """A right frame with octets changed or cut off, or none at all."""
    octets = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        if octets:
            octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    return bytes(octets[: draw(st.integers(0, len(octets)))] if draw(st.integers(0, 4)) == 0 else octets)


any_frame = bent() | st.binary(max_size=100)
any_entries = st.lists(st.tuples(st.integers(0, 10**7), st.booleans(), any_frame), max_size=30)
endpoints = st.sampled_from([CLIENT, SERVER, CLIENT6, SERVER6])
any_cuts = st.lists(st.lists(st.integers(0, 5000), max_size=4), max_size=3)


@settings(max_examples=300, deadline=None)
@given(any_entries, endpoints, endpoints, any_cuts, any_cuts)
def test_any_frames_are_some_flow(
    taken: list[observe.Entry], client: frames.Endpoint, server: frames.Endpoint, one: list[list[int]], two: list[list[int]]
) -> None:
    flow, ladder = observe.flow(taken, client, server, one, two)[:2]
    assert len(ladder) <= SHOWN_FRAMES
    for side in (flow.client, flow.server):
        numbers = (side.fin_frame, side.rst_frame, side.conflict_frame, side.after_fin_frame, side.bad_checksum_frame, side.malformed_frame)
        assert all(0 <= number <= len(taken) for number in numbers)
        assert all(s.start + s.octets <= side.octets for s in side.slices)


@settings(max_examples=300, deadline=None)
@given(any_entries, endpoints)
def test_any_frames_are_some_datagrams(taken: list[observe.Entry], client: frames.Endpoint) -> None:
    found, errors, ladder = observe.datagrams(taken, client)
    assert len(found) + len(errors) <= len(taken)
    assert all(d.left or d.arrived for d in found)
    assert all(0 <= f.number <= len(taken) for f in ladder)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=6000), st.binary(max_size=3000), st.integers(1, 1460), st.integers(0, 0xFFFFFFFF))
def test_whatever_is_sent_is_seen(question: bytes, answer: bytes, size: int, isn: int) -> None:
    flow = seen(
        conversation(client_octets=question[: 100 * size], server_octets=answer[: 100 * size], size=size, client_isn=isn, server_isn=isn ^ 0x80000000)
    )
    assert (flow.client.digest, flow.server.digest) == (sha256(question[: 100 * size]), sha256(answer[: 100 * size]))
    assert flow.settled and flow.client.whole and flow.server.whole
    assert not any(s.keepalive_frame or s.conflict_frame or s.after_fin_frame or s.edge_moved_left_frame for s in (flow.client, flow.server))


def test_a_fin_with_data_and_a_syn_with_data() -> None:
    """TCP Fast Open and a FIN on the last segment (RFC 9293 3.4): both count where they stand."""
    talk = [
        frames.tcp(seq=1000, flags=SYN, options=MSS_1460, data=b"early"),
        frames.tcp(SERVER, CLIENT, 5000, 1006, SYN | ACK, options=MSS_1460),
        frames.tcp(seq=1006, ack=5001, flags=FIN | PSH | ACK, data=b" late"),
        frames.tcp(SERVER, CLIENT, 5001, 1012, FIN | ACK),
        frames.tcp(seq=1012, ack=5002, flags=ACK),
    ]
    flow = observe.flow([(i, True, f) for i, f in enumerate(talk)], CLIENT, SERVER)[0]
    assert (flow.client.digest, flow.client.fin_frame, flow.client.fin_acked, flow.settled) == (sha256(b"early late"), 3, True, True)
