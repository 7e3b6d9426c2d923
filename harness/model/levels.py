"""The three levels that every report keeps apart, and the one place where a record's own word becomes one of them.

Records say what their RFC says: ``MUST*`` is a plain sentence of an RFC older than the words (RFC 2119), ``derived`` follows from
several such sentences, ``recommended`` is an RFC's own "recommended" or "suggested".
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.model.result import NONCONFORMANT, Finding

MUST, SHOULD, MAY = "MUST", "SHOULD", "MAY"
LEVELS = (MUST, SHOULD, MAY)
WORDS = {
    "MUST": MUST,
    "MUST*": MUST,
    "MUST NOT": MUST,
    "MUST NOT differ": MUST,
    "MAY-then-MUST": MUST,
    "derived": MUST,
    "SHOULD": SHOULD,
    "SHOULD NOT": SHOULD,
    "recommended": SHOULD,
    "MAY": MAY,
}
"""Every word that a record may have, and its level."""


def of(word: str) -> str:
    """The level of a record's word. What has no record binds: it is a MUST."""
    return WORDS.get(word, MUST)


def of_finding(finding: Finding) -> str:
    """How heavy a finding is. A broken contract or a false report is never softened by the requirement it was found at."""
    return of(finding.level) if finding.kind == NONCONFORMANT else MUST


def failing(findings: Iterable[Finding], strict: bool = False) -> tuple[Finding, ...]:
    """The findings that fail a case: broken MUSTs, and where ``strict``, broken SHOULDs. A MAY never does."""
    hard = (MUST, SHOULD) if strict else (MUST,)
    return tuple(f for f in findings if of_finding(f) in hard)


def standard(rfc: int | str) -> str:
    """What a standard is called: an RFC goes by its number."""
    return f"RFC {rfc}" if isinstance(rfc, int) else rfc
