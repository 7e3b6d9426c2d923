"""What the harness and its witness say to each other arrives whole, however large."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from harness.wire.messages import MAX_PACKET, Finished, Keep, Pieces, decode_from_witness, decode_to_witness, packets


@given(st.lists(st.integers(0, 300_000), max_size=6))
def test_messages_of_all_sizes_arrive_in_their_order(sizes: list[int]) -> None:
    sent = [Keep(number, "f" * size) for number, size in enumerate(sizes)]
    cut = list(packets(deque(sent)))
    pieces = Pieces(decode_to_witness)
    assert [message for packet in cut for message in pieces.take(packet)] == sent
    assert max(map(len, cut), default=0) <= MAX_PACKET


def test_what_is_small_leaves_together() -> None:
    (packet,) = packets(deque([Finished(1, 2), Finished(3, 4)]))
    assert Pieces(decode_from_witness).take(packet) == [Finished(1, 2), Finished(3, 4)]
