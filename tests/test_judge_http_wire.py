"""Native HTTP exchanges with three witnesses: the right ones pass, and of each broken one the guilty side and the clause are named."""

from __future__ import annotations

import pytest

from harness.model import levels
from harness.model.result import CONTRACT, FAIL, MISREPORT, NONCONFORMANT, PASS
from tests import catalogue
from tests.exchanges import BREAKS, judged
from tests.responders import specs

NATIVE = sorted(s.key for s in specs().scenarios() if s.exchanges and not s.probe and s.connections in (None, 1) and "large" not in s.key)


class Row(catalogue.Mutant, frozen=True, kw_only=True):
    """A row of the catalogue that an exchange stands behind (``mutants/README.md``)."""

    conversation: str
    breaks: str
    watched: bool = True


ROWS = catalogue.rows("exchange", Row)


@pytest.mark.parametrize("key", NATIVE)
def test_what_is_right_passes_without_a_remark(key: str) -> None:
    result = judged(key)
    assert (result.verdict, result.findings) == (PASS, ()), result.reason


@catalogue.each(ROWS)
def test_a_mutant_trips_its_requirement_and_no_other(row: Row) -> None:
    result = judged(row.conversation, BREAKS[row.breaks], watched=row.watched)
    assert {(f.requirement, f.side, f.kind) for f in result.findings} == {(row.trips, row.blames, row.kind)}, result.reason
    assert result.verdict == (FAIL if levels.of(specs().requirements[row.trips].level) == levels.MUST else PASS)


@pytest.mark.parametrize(
    ("breaks", "side", "kind"),
    [
        ("sends-another-method", "client", NONCONFORMANT),
        ("sends-the-absolute-form", "client", NONCONFORMANT),
        ("tells-another-target", "server", MISREPORT),
        ("tells-another-status", "client", MISREPORT),
        ("tells-another-content", "client", MISREPORT),
        ("answers-another-content", "server", NONCONFORMANT),
        ("misses-the-response", "client", NONCONFORMANT),
        ("tells-another-field", "client", MISREPORT),
    ],
)
def test_the_wire_tells_who_it_was(breaks: str, side: str, kind: str) -> None:
    result = judged("rfc9110-semantics/methods/get", BREAKS[breaks])
    assert {(f.side, f.kind) for f in result.findings} == {(side, kind)}, result.reason


def test_who_tells_of_no_connection_leaves_nobody_to_blame_but_itself() -> None:
    """No report of the server's can be found then: that it has none says nothing of it."""
    result = judged("rfc9110-semantics/methods/get", BREAKS["misses-the-response-unconnected"], watched=False)
    assert {(f.side, f.kind) for f in result.findings} == {("client", CONTRACT)}, result.reason
