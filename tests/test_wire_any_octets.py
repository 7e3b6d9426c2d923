"""Whatever the octets: a value, no exception, and every cap kept. Arbitrary octets first, then right frames that are changed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import properties, seeds

FRAMES = seeds.seed_frames()
CAPTURE = seeds.seed_capture()
OCTETS = st.binary(max_size=200)
LIKELY = st.sampled_from([0, 1, 2, 4, 5, 6, 17, 43, 44, 51, 58, 60, 0x45, 0x60, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)


@st.composite
def changed(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """One of the originals with octets replaced, removed or put in, or its end cut off."""
    octets = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(octets)))
        change = draw(st.integers(0, 3))
        if change == 0:
            octets[at : at + 1] = bytes([draw(LIKELY)])
        elif change == 1:
            del octets[at : at + draw(st.integers(1, 8))]
        elif change == 2:
            octets[at:at] = draw(st.binary(max_size=8))
        else:
            del octets[at:]
    return bytes(octets)


@settings(max_examples=500)
@given(OCTETS | changed(FRAMES))
def test_frames(octets):
    properties.check_frame(octets)


@given(OCTETS)
def test_options(octets):
    properties.check_options(octets)


@given(st.lists(OCTETS | changed(FRAMES), max_size=12))
def test_fragments(frames):
    properties.check_fragments(frames)


@given(st.binary(max_size=2000))
def test_streams(octets):
    properties.check_stream(octets)


@settings(max_examples=300)
@given(OCTETS | OCTETS.map(lambda octets: CAPTURE[:28] + octets) | changed([CAPTURE]))
def test_captures(octets):
    properties.check_capture(octets)


@given(OCTETS)
def test_what_the_fuzzer_runs(octets):
    properties.check_octets(octets)


def test_every_seed():
    for frame in FRAMES:
        properties.check_octets(frame)
        properties.check_frame(frame)
    properties.check_fragments(FRAMES)
    properties.check_capture(CAPTURE)
