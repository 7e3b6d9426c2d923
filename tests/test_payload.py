"""Payload recipes: the contract's check values, and the same octets on both sides of the control channel."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model.payload import PATTERNS, Payload, sha256

ROOT = Path(__file__).resolve().parent.parent


def _peer_module(name: str) -> ModuleType:
    path = ROOT / "peers" / "python" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"peer_{name}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PEER = _peer_module("payload")


@pytest.mark.parametrize(("pattern", "size", "beginning"), [("random", 10, "2bda327a"), ("text", 100, "ea481ead")])
def test_the_check_values_of_the_contract_page(pattern: str, size: int, beginning: str) -> None:
    digest = Payload(pattern=pattern, seed=1, size=size).digest()
    assert digest.startswith(beginning)
    assert beginning in (ROOT / "peers" / "README.md").read_text()


def test_text_is_the_pattern_of_rfc_864() -> None:
    lines = Payload(pattern="text", seed=1, size=74 * 95 * 2).octets().split(b"\r\n")
    assert lines[0].startswith(b"!\"#$%&'()*+,-./0123456789")
    assert lines[1][:5] == b'"#$%&'
    assert lines[95] == lines[0]


def test_every_octet_has_every_octet() -> None:
    assert set(Payload(pattern="every-octet", seed=77, size=256).octets()) == set(range(256))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PATTERNS), st.integers(0, 2**32 - 1), st.integers(0, 3000))
def test_a_peer_makes_the_octets_that_the_harness_makes(pattern: str, seed: int, size: int) -> None:
    ours = Payload(pattern=pattern, seed=seed, size=size).octets()
    assert len(ours) == size
    assert ours == PEER.octets({"pattern": pattern, "seed": seed, "size": size})


def test_successors_differ_and_wrap() -> None:
    last = Payload(pattern="random", seed=2**32 - 1, size=8)
    assert last.successor(1) == Payload(pattern="random", seed=0, size=8)
    assert Payload(text="x").successor(3) == Payload(text="x")


def test_texts_and_hex() -> None:
    assert Payload(text="é").octets() == b"\xc3\xa9"
    assert Payload(hex="00ff").digest() == sha256(b"\0\xff")
