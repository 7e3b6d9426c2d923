"""What resolvers find, and what name servers respond (RFC 1035), against what the spec says. Messages are read by dnspython."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from harness.judge.base import OTHER, Findings, at, failure
from harness.model.case import Case, Check
from harness.model.names import Data, Question, Response
from harness.model.result import CONTRACT, NONCONFORMANT
from harness.model.trace import Step, Trace

MAX_DATAGRAM = 512
"""Octets of a response over UDP to a query that does not say that more can be taken (RFC 1035 4.2.1)."""
_NEGATIVE = "RFC2308-5-soa-with-negative"
_HEADER_IS_ENOUGH = (dns.rcode.FORMERR, dns.rcode.NOTIMP)
_LIMIT = "RFC1035-4.2.1-udp-512"
_ID, _QUESTION, _FORMAT = "RFC1035-4.1.1-id-copied", "RFC1035-4.1.2-question-copied", "RFC1035-4.1-format"


def judge(case: Case, trace: Trace, findings: Findings) -> None:
    """What a resolver found."""
    answers = [(i, s) for i, s in enumerate(trace.client.steps) if s.step == "answer"]
    for i, question in enumerate(case.scenario.questions):
        if i >= len(answers):
            _unanswered(question, trace, findings)
            return
        _found(question, *answers[i], findings)


def _unanswered(question: Question, trace: Trace, findings: Findings) -> None:
    steps = trace.client.steps
    failed = next((i for i, s in enumerate(steps) if s.step == "failed"), None)
    what = f"{question.name} {question.type}"
    if failed is None:
        findings.add(CONTRACT, "client", f"{what} is missing in the client's report", "'answer' or 'failed'", "neither")
        return
    where = (at("client", failed),)
    says = f"{what} was not answered"
    findings.add(NONCONFORMANT, "both", says, _listed(question.records), failure(steps[failed]), requirement=question.requires, evidence=where)


def _found(question: Question, place: int, step: Step, findings: Findings) -> None:
    """Nobody saw the resolver's own messages: what is wrong may be either side's."""
    what, where = f"{question.name} {question.type}", (at("client", place),)
    wanted, got = sorted(_plain(d) for d in question.records), sorted(_plain(tuple(d)) for d in step.records or ())
    if wanted != got:
        says = f"{what} has other records"
        expected, observed = _listed(question.records), _listed([tuple(d) for d in step.records or ()])
        findings.add(NONCONFORMANT, "both", says, expected, observed, requirement=question.requires, evidence=where)
    elif question.rcode and step.rcode is not None and step.rcode != question.rcode:
        says = f"{what} has another response code"
        findings.add(NONCONFORMANT, "both", says, question.rcode, step.rcode, requirement=question.requires, evidence=where)


def _plain(data: Data) -> tuple[str, ...]:
    """Data so that the same is written the same: addresses and names in one form, strings of a TXT as one."""
    if len(data) == 1 or all(isinstance(d, str) for d in data):
        return (_word("".join(map(str, data))),)
    return tuple(_word(str(d)) for d in data)


def _word(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text.rstrip(".").lower()


def _listed(records: Iterable[Data]) -> str:
    shown = sorted(" ".join(map(str, d)) for d in records)
    return (", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")) or "none"


# -- what a server responds to a script -----------------------------------------------------------------------


def responses(role: str, check: Check, place: int, step: Step, *, datagram: bool, findings: Findings) -> None:
    """The responses in what came: over UDP one, over TCP all of a connection, in any order (RFC 7766 6.2.1.1)."""
    try:
        octets = bytes.fromhex(step.hex or "")
    except ValueError:
        octets = b""
    if len(octets) < (step.octets or 0):
        findings.add(CONTRACT, role, f"the {role} was asked to keep the octets and did not report them", evidence=(at(role, place),))
        return
    look = _Look(role, place, findings)
    came = [octets] if datagram else _messages(octets, look)
    for wanted in check.responses:
        mine = next((one for one in came if one[:2] == bytes.fromhex(wanted.query)[:2]), came[0] if datagram else None)
        if mine is None:
            look.wrong("a response is missing", "a response with the query's id", f"{len(came)} others", wanted)
            return
        if not _fits(wanted, mine, datagram=datagram, look=look):
            return


class _Look:
    """Where a finding on a response goes."""

    def __init__(self, role: str, place: int, findings: Findings) -> None:
        self._role, self._place, self._findings = role, place, findings

    def wrong(self, says: str, expected: str, observed: str, wanted: Response | None = None, requirement: str = "") -> None:
        """One finding, on the sender of the response."""
        cited = requirement or (wanted.requires if wanted else ())
        self._findings.add(NONCONFORMANT, OTHER[self._role], says, expected, observed, requirement=cited, evidence=(at(self._role, self._place),))


def _messages(octets: bytes, look: _Look) -> list[bytes]:
    """Messages behind two octets of length each (RFC 1035 4.2.2)."""
    found, start = [], 0
    while start < len(octets):
        size = int.from_bytes(octets[start : start + 2], "big")
        found.append(octets[start + 2 : start + 2 + size])
        if len(found[-1]) < size:
            look.wrong("a message over TCP breaks off", f"{size} octets", str(len(found[-1])), requirement="RFC1035-4.2.2-tcp-length")
        start += 2 + size
    return found


def _fits(wanted: Response, octets: bytes, *, datagram: bool, look: _Look) -> bool:
    """Whether the response is what was due; the first thing that is not is added."""
    query = bytes.fromhex(wanted.query)
    if len(octets) < 12 or not octets[2] & 0x80:
        look.wrong("what came is no response", "a header with QR", octets[:12].hex(), wanted, _FORMAT)
    elif octets[:2] != query[:2]:
        look.wrong("the response has another id", query[:2].hex(), octets[:2].hex(), wanted, _ID)
    elif (octets[3] & 0x0F) not in wanted.rcode:
        expected = " or ".join(dns.rcode.to_text(dns.rcode.Rcode(c)) for c in wanted.rcode)
        look.wrong("the response has another code", expected, dns.rcode.to_text(dns.rcode.Rcode(octets[3] & 0x0F)), wanted)
    elif datagram and len(octets) > MAX_DATAGRAM:
        look.wrong("the response over UDP is too long", f"at most {MAX_DATAGRAM} octets", str(len(octets)), wanted, _LIMIT)
    elif wanted.aa is not None and bool(octets[2] & 0x04) != wanted.aa:
        look.wrong("the response is of another authority", f"AA {int(wanted.aa)}", f"AA {int(not wanted.aa)}", wanted)
    elif wanted.tc is not None and bool(octets[2] & 0x02) != wanted.tc:
        look.wrong("the response is truncated or not", f"TC {int(wanted.tc)}", f"TC {int(not wanted.tc)}", wanted)
    else:
        return _content(wanted, query, octets, look)
    return False


def _content(wanted: Response, query: bytes, octets: bytes, look: _Look) -> bool:
    header_alone = octets[4:6] == b"\0\0" and (octets[3] & 0x0F) in _HEADER_IS_ENOUGH
    if wanted.bare or header_alone:
        return True  # there is no question that could be repeated, or none was understood
    try:
        message = dns.message.from_wire(octets, one_rr_per_rrset=True)
    except (dns.exception.DNSException, ValueError) as error:
        look.wrong("the response cannot be read", "a message", f"{type(error).__name__}: {error}", wanted, _FORMAT)
        return False
    end = query.index(b"\0", 12) + 5
    if octets[12:end] != query[12:end]:
        look.wrong("the response repeats another question", query[12:end].hex(), octets[12:end].hex(), wanted, _QUESTION)
        return False
    if wanted.answers is not None:
        due, got = sorted((k, _plain(d)) for k, d in wanted.answers), sorted(_records(message))
        if due != got:
            look.wrong("the response has other records", _pairs(due), _pairs(got), wanted)
            return False
    there = tuple(dns.rdatatype.to_text(one.rdtype) for one in message.authority)
    if wanted.authority is not None and set(there) != set(wanted.authority):
        cited = _NEGATIVE if wanted.authority == ("SOA",) else ""
        look.wrong("the response names another authority", ", ".join(wanted.authority) or "none", ", ".join(there) or "none", wanted, cited)
        return False
    return True


def _records(message: dns.message.Message) -> Iterable[tuple[str, tuple[str, ...]]]:
    for held in message.answer:
        for record in held:
            kind = dns.rdatatype.to_text(held.rdtype)
            strings = getattr(record, "strings", None)
            yield kind, _plain(tuple(s.decode("utf-8", "replace") for s in strings) if strings else _typed(record.to_text().split()))


def _typed(words: Sequence[str]) -> Data:
    return tuple(int(w) if w.isdecimal() else w for w in words)


def _pairs(records: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    shown = [f"{kind} {' '.join(data)}" for kind, data in records]
    return (", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")) or "none"
