"""The rules, in the order of the contract page: a module a part.

Each says what it wants of a peer, and what to do when it does not get it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from harness.smoke.probe import Rule
from harness.smoke.rules import (
    ask,
    datagram_scripts,
    datagram_services,
    failures,
    files,
    hello,
    http,
    leaving,
    lines,
    machine,
    mail,
    many,
    media,
    names,
    server_scripts,
    stream_scripts,
    stream_services,
)

_CHAPTERS = (
    hello.chapter,
    lines.chapter,
    stream_services.chapter,
    datagram_services.chapter,
    stream_scripts.chapter,
    failures.chapter,
    server_scripts.chapter,
    datagram_scripts.chapter,
    many.chapter,
    http.chapter,
    ask.chapter,
    *machine.chapters,
    mail.serving,
    mail.asking,
    mail.replies,
    files.serving,
    files.asking,
    media.serving,
    media.asking,
    names.serving,
    names.streams,
    names.asking,
    leaving.chapter,
)


def expand(families: Iterable[str]) -> Iterator[Rule]:
    """All rules in order; those for each family once for each."""
    known = tuple(families)
    for chapter in _CHAPTERS:
        for rule, each_family in chapter.rules:
            if each_family:
                yield from (replace(rule, family=family) for family in known)
            else:
                yield rule


__all__ = ["expand", "hello"]
