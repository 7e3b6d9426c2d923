"""``parley smoke`` on what a peer may do besides: each rule of ``machine.md``, ``smtp.md``, ``ftp.md``, ``dns.md`` and ``rtp.md`` is broken by a mutant, and by nothing right."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.peer import manifest
from harness.pipeline import ROOT
from harness.smoke import smoke_peer
from harness.smoke.probe import BROKEN, HELD

pytestmark = pytest.mark.peers

DEFECTS = [
    ("posix-stream-drops-an-octet", "octets pass both ways over unix,"),
    ("posix-pipe-keeps-an-end", "octets pass both ways over pipe,"),
    ("posix-ring-does-not-wrap", "octets pass both ways over shared-memory,"),
    ("posix-pipe-last-in-first-out", "octets pass both ways over fifo,"),
    ("posix-missing-is-refused", "'connect' over unix fails"),
    ("posix-fifo-makes-what-is-missing", "'connect' over fifo fails"),
    ("posix-datagram-is-cut", "records over unix-datagram keep"),
    ("posix-priority-is-forgotten", "highest priority comes first"),
    ("posix-full-queue-is-waited-for", "'now' does not wait"),
    ("posix-large-message-is-cut", "'now' does not wait"),
    ("posix-signal-is-not-sent", "a signal that a script waits for"),
    ("posix-missing-process-is-no-error", "a process that is not there"),
    ("smtp-does-not-unstuff", "a message is taken"),
    ("smtp-does-not-stuff", "a message is delivered"),
    ("ftp-no-preliminary-reply", "a session finds the files"),
    ("ftp-lets-everybody-in", "'nobody' is refused with 530"),
    ("rtp-highest-without-cycles", "an SR is answered"),
    ("rtp-report-without-cname", "an SR is answered"),
    ("rtp-sequence-numbers-repeat", "a stream is sent in its order"),
    ("rtp-sr-counts-headers", "a stream is sent in its order"),
    ("ftp-client-loses-the-last-octet", "operations are done one after the other"),
    ("dns-no-nxdomain", "gets NXDOMAIN"),
    ("dns-length-counts-itself", "two octets of length"),
    ("dns-takes-truncated-for-whole", "a truncated answer is asked for again"),
]


def peer(folder: Path, defect: str) -> manifest.Manifest:
    """The Python peer with one defect, or (without a name) as it is."""
    more = f', "--defect", "{defect}"' if defect else ""
    launch = f'["{{python}}", "-u", "{ROOT / "mutants" / "peer.py"}"{more}]'
    (folder / "peer.toml").write_text(f'name = "mutant"\nlaunch = {launch}\n\n[tools.python]\nown = true\n', encoding="utf-8")
    return manifest.load(folder)


@pytest.mark.parametrize(("defect", "rule"), DEFECTS)
async def test_a_defect_is_told_at_its_rule(tmp_path: Path, defect: str, rule: str) -> None:
    found = await smoke_peer(peer(tmp_path, defect), lambda _: None, only=rule)
    assert any(p.outcome == BROKEN and rule in p.rule and "expected:" in p.says for p in found), [(p.rule, p.outcome, p.says) for p in found]


@pytest.mark.parametrize("rule", sorted({rule for _, rule in DEFECTS}))
async def test_what_is_right_holds_it(tmp_path: Path, rule: str) -> None:
    found = await smoke_peer(peer(tmp_path, ""), lambda _: None, only=rule)
    probed = [p for p in found if rule in p.rule]
    assert probed and all(p.outcome == HELD for p in probed), [(p.rule, p.outcome, p.says) for p in found]
