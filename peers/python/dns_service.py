"""The dns service's answers: messages by dnspython, and what a zone holds (``dns.md``). Sockets are those of the small services."""

from __future__ import annotations

import contextlib
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

HEAD_OCTETS = 12
MAX_DATAGRAM = 512
_ALIASES = 16


def _text(kind: str, data: list[Any]) -> str:
    """Data as a master file writes it (RFC 1035 5.1); names get their last dot."""
    if kind == "TXT":
        return " ".join('"' + "".join(f"\\{o:03d}" for o in str(one).encode()) + '"' for one in data)
    names = {"CNAME": (0,), "NS": (0,), "PTR": (0,), "MX": (1,), "SRV": (3,), "SOA": (0, 1)}.get(kind, ())
    return " ".join(f"{one}." if at in names and one != "." else str(one) for at, one in enumerate(data))


class Zone:
    """The records of a ``serve``, by name and type; names compare without case."""

    def __init__(self, zone: dict[str, Any]) -> None:
        self.origin = dns.name.from_text(zone["origin"])
        self._sets: dict[tuple[dns.name.Name, int], dns.rrset.RRset] = {}
        self._names: set[dns.name.Name] = set()
        for name, kind, ttl, data in zone["records"]:
            self._add(dns.name.from_text(name), dns.rdatatype.from_text(kind), ttl, _text(kind, data))

    def _add(self, name: dns.name.Name, kind: int, ttl: int, text: str) -> None:
        held = self._sets.setdefault((name, kind), dns.rrset.RRset(name, dns.rdataclass.IN, kind))
        held.add(dns.rdata.from_text(dns.rdataclass.IN, kind, text), ttl)
        while name.is_subdomain(self.origin):
            self._names.add(name)
            if name == self.origin:
                break
            name = name.parent()

    def there(self, name: dns.name.Name) -> bool:
        """Whether the name, or one below it, has records."""
        return name in self._names

    def find(self, name: dns.name.Name, kind: int) -> list[dns.rrset.RRset]:
        """What answers the question, aliases first."""
        if kind == dns.rdatatype.ANY:
            return [held for (owner, _), held in self._sets.items() if owner == name]
        found: list[dns.rrset.RRset] = []
        for _ in range(_ALIASES):
            direct = self._sets.get((name, kind))
            if direct is not None:
                return [*found, direct]
            alias = self._sets.get((name, dns.rdatatype.CNAME))
            if alias is None:
                break
            found.append(alias)
            name = alias[0].target
        return found

    def authority(self) -> list[dns.rrset.RRset]:
        """The zone's SOA."""
        soa = self._sets.get((self.origin, dns.rdatatype.SOA))
        return [soa] if soa is not None else []


class Answering:
    """Who answers for a zone."""

    def __init__(self, zone: dict[str, Any]) -> None:
        self.zone = Zone(zone)

    def answer(self, query: bytes, *, datagram: bool) -> bytes | None:
        """The response to a message, or None if it gets none."""
        if len(query) < HEAD_OCTETS or query[2] & 0x80:
            return None
        if query[2] >> 3 & 0x0F != dns.opcode.QUERY:
            return self.refusal(query, dns.rcode.NOTIMP)
        try:
            asked = dns.message.from_wire(query, ignore_trailing=True, one_rr_per_rrset=True)
        except (dns.exception.DNSException, ValueError):
            return self.refusal(query, dns.rcode.FORMERR)
        if len(asked.question) != 1:
            return self.refusal(query, dns.rcode.FORMERR)
        response = self.response(asked)
        octets = self.with_case(query, response.to_wire(max_size=65535))
        return self.truncated(query, response) if datagram and len(octets) > MAX_DATAGRAM else octets

    def refusal(self, query: bytes, rcode: int) -> bytes:
        """A header alone: the id, the opcode, RD, and the code."""
        return query[:2] + bytes((0x80 | query[2] & 0x79, rcode)) + bytes(8)

    def response(self, asked: dns.message.Message) -> dns.message.Message:
        """What the zone has on it."""
        question = asked.question[0]
        response = dns.message.Message(id=asked.id)
        response.flags = dns.flags.QR | dns.flags.AA | asked.flags & dns.flags.RD
        response.question = [question]
        if question.rdclass != dns.rdataclass.IN or not question.name.is_subdomain(self.zone.origin):
            response.flags &= ~dns.flags.AA
            response.set_rcode(dns.rcode.REFUSED)
            return response
        response.answer = self.zone.find(question.name, question.rdtype)
        if not response.answer:
            response.authority = self.zone.authority()
            response.set_rcode(dns.rcode.NOERROR if self.zone.there(question.name) else dns.rcode.NXDOMAIN)
        return response

    def truncated(self, query: bytes, response: dns.message.Message) -> bytes:
        """Without the records that do not fit: here, none of them is sent."""
        response.answer, response.authority = [], []
        response.flags |= dns.flags.TC
        return self.with_case(query, response.to_wire())

    def with_case(self, query: bytes, octets: bytes) -> bytes:
        """The question as it came: its name is not compressed, and first in both."""
        end = HEAD_OCTETS
        with contextlib.suppress(IndexError):
            while 0 < query[end] < 64 and octets[end] == query[end]:
                end += 1 + query[end]
        return octets[:HEAD_OCTETS] + query[HEAD_OCTETS:end] + octets[end:]
