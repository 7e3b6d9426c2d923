"""What was expected of a case, as values: the mark that a result carries, and what is wrong with the expectations themselves."""

from __future__ import annotations

import msgspec

FAILS, FLAKY = "fails", "flaky"
KINDS = (FAILS, FLAKY)
STALE, EXPIRED, UNEXPECTED_PASS = "stale", "expired", "unexpected-pass"


class Expected(msgspec.Struct, frozen=True, omit_defaults=True):
    """The entry of an expectations file that speaks of a result. ``where`` is file:line; ``met``: the result is as it says."""

    kind: str
    where: str
    reason: str
    owner: str = ""
    link: str = ""
    requirement: str = ""
    met: bool = True


class Trouble(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry that fails the run by itself. ``what`` is ``stale``, ``expired`` or ``unexpected-pass``; ``cases`` are those it is seen at."""

    what: str
    where: str
    says: str
    remedy: str
    cases: tuple[str, ...] = ()
