"""What goes wrong with names (``peers/dns.md``)."""

from __future__ import annotations

from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

import dns_client
import dns_service

from .base import defect


class _Changes(dns_service.Answering):
    """``change`` says what is sent instead of each response."""

    def change(self, query: bytes, octets: bytes) -> bytes:
        raise NotImplementedError

    def answer(self, query: bytes, *, datagram: bool) -> bytes | None:
        octets = super().answer(query, datagram=datagram)
        return None if octets is None else self.change(query, octets)


@defect("dns-another-id")
class AnotherId(_Changes):
    """Answers a query of the id 1 with another id."""

    def change(self, query: bytes, octets: bytes) -> bytes:
        return (b"\x00\x07" if octets[:2] == b"\x00\x01" else octets[:2]) + octets[2:]


@defect("dns-is-no-response")
class NoResponse(_Changes):
    """Forgets QR."""

    def change(self, query: bytes, octets: bytes) -> bytes:
        return octets[:2] + bytes((octets[2] & 0x7F,)) + octets[3:]


@defect("dns-no-authority")
class NoAuthority(_Changes):
    """Forgets AA."""

    def change(self, query: bytes, octets: bytes) -> bytes:
        return octets[:2] + bytes((octets[2] & ~0x04 & 0xFF,)) + octets[3:]


@defect("dns-question-in-lower-case")
class FoldsQuestion(_Changes):
    """Puts the question into lower case."""

    def change(self, query: bytes, octets: bytes) -> bytes:
        end = query.index(b"\0", 12) if b"\0" in query[12:] else 12
        return octets[:12] + octets[12:end].lower() + octets[end:]


@defect("dns-case-matters")
class CaseMatters(dns_service.Answering):
    """Finds names only in the case that the zone has."""

    def response(self, asked: dns.message.Message) -> dns.message.Message:
        made = super().response(asked)
        name = asked.question[0].name.to_text()
        if name != name.lower():
            made.answer = []
        return made


class _Finds(dns_service.Zone):
    """``change`` says what is found instead."""

    def change(self, kind: int, found: list[dns.rrset.RRset]) -> list[dns.rrset.RRset]:
        raise NotImplementedError

    def find(self, name: dns.name.Name, kind: int) -> list[dns.rrset.RRset]:
        return self.change(kind, super().find(name, kind))


@defect("dns-one-address-of-two")
class OneAddress(_Finds):
    """Answers with the first address alone."""

    def change(self, kind: int, found: list[dns.rrset.RRset]) -> list[dns.rrset.RRset]:
        return [_first(one) for one in found] if kind == dns.rdatatype.A and len(found) == 1 and len(found[0]) == 2 else found


def _first(held: dns.rrset.RRset) -> dns.rrset.RRset:
    one = dns.rrset.RRset(held.name, held.rdclass, held.rdtype)
    one.add(held[0], held.ttl)
    return one


@defect("dns-no-ipv6")
class NoIpv6(_Finds):
    """Knows no AAAA."""

    def change(self, kind: int, found: list[dns.rrset.RRset]) -> list[dns.rrset.RRset]:
        return [] if kind == dns.rdatatype.AAAA else found


@defect("dns-preference-is-lost")
class NoPreference(_Finds):
    """Has one mail exchanger of two."""

    def change(self, kind: int, found: list[dns.rrset.RRset]) -> list[dns.rrset.RRset]:
        return [_first(one) for one in found] if kind == dns.rdatatype.MX else found


@defect("dns-no-services")
class NoServices(_Finds):
    """Knows no SRV."""

    def change(self, kind: int, found: list[dns.rrset.RRset]) -> list[dns.rrset.RRset]:
        return [] if kind == dns.rdatatype.SRV else found


@defect("dns-texts-are-cut")
class CutsTexts(_Changes):
    """Cuts strings to 200 octets."""

    def change(self, query: bytes, octets: bytes) -> bytes:
        long = bytes([250]) + b"A" * 250
        at = octets.find(long)
        if at < 0:
            return octets
        size = int.from_bytes(octets[at - 2 : at], "big")
        return octets[: at - 2] + (size - 50).to_bytes(2, "big") + bytes([200]) + b"A" * 200 + octets[at + 251 :]


@defect("dns-alias-alone")
class AliasAlone(_Finds):
    """Leaves it to the asker to follow an alias."""

    def change(self, kind: int, found: list[dns.rrset.RRset]) -> list[dns.rrset.RRset]:
        return found[:1] if found and found[0].rdtype == dns.rdatatype.CNAME else found


@defect("dns-notimp-is-servfail")
class ServfailForNotimp(dns_service.Answering):
    """Answers operations that it does not know with SERVFAIL."""

    def refusal(self, query: bytes, rcode: int) -> bytes:
        return super().refusal(query, dns.rcode.SERVFAIL if rcode == dns.rcode.NOTIMP else rcode)


@defect("dns-formerr-is-servfail")
class FormatError(dns_service.Answering):
    """Answers queries that break off with SERVFAIL."""

    def refusal(self, query: bytes, rcode: int) -> bytes:
        pointer = any(octet >= 0xC0 for octet in query[12:])
        return super().refusal(query, rcode if pointer or rcode != dns.rcode.FORMERR else dns.rcode.SERVFAIL)


@defect("dns-circle-is-a-name")
class Circles(dns_service.Answering):
    """Answers a pointer that goes in a circle as if it were a name."""

    def refusal(self, query: bytes, rcode: int) -> bytes:
        pointer = any(octet >= 0xC0 for octet in query[12:])
        return super().refusal(query, dns.rcode.NXDOMAIN if pointer else rcode)


class _Responses(dns_service.Answering):
    def response(self, asked: dns.message.Message) -> dns.message.Message:
        made = super().response(asked)
        self.bend(made)
        return made

    def bend(self, made: dns.message.Message) -> None:
        raise NotImplementedError


@defect("dns-no-nxdomain")
class NoNxdomain(_Responses):
    """Answers a name that does not exist as if it did."""

    def bend(self, made: dns.message.Message) -> None:
        if made.rcode() == dns.rcode.NXDOMAIN:
            made.set_rcode(dns.rcode.NOERROR)


@defect("dns-negative-without-soa")
class NoSoa(_Responses):
    """Leaves the SOA out of negative answers."""

    def bend(self, made: dns.message.Message) -> None:
        made.authority = []


@defect("dns-refused-is-nxdomain")
class NotRefused(_Responses):
    """Says of other zones' names that they do not exist."""

    def bend(self, made: dns.message.Message) -> None:
        if made.rcode() == dns.rcode.REFUSED:
            made.set_rcode(dns.rcode.NXDOMAIN)


@defect("dns-long-datagrams")
class LongDatagrams(dns_service.Answering):
    """Sends more than 512 octets over UDP, and says that they are truncated."""

    def truncated(self, query: bytes, response: dns.message.Message) -> bytes:
        response.flags |= dns.flags.TC
        return response.to_wire()


@defect("dns-length-counts-itself")
class LengthCountsItself(_Changes):
    """Sends messages over TCP that are two octets shorter than they say."""

    def answer(self, query: bytes, *, datagram: bool) -> bytes | None:
        octets = super().answer(query, datagram=datagram)
        return octets if octets is None or datagram else _Short(octets)

    def change(self, query: bytes, octets: bytes) -> bytes:
        return octets


class _Short(bytes):
    """Octets that say to be more than they are."""

    def __len__(self) -> int:
        return super().__len__() + 2


@defect("dns-one-query-a-connection")
class OneQuery(dns_service.Answering):
    """Answers the first query of a connection alone."""

    def answer(self, query: bytes, *, datagram: bool) -> bytes | None:
        return None if query[:2] in (b"\0\2", b"\0\3") and not datagram else super().answer(query, datagram=datagram)


@defect("dns-takes-truncated-for-whole")
class TakesTruncated(dns_client.Asking):
    """Is content with a truncated answer."""

    def _ask(self, question: dict[str, Any], seconds: float) -> None:
        fallback = dns.query.udp_with_fallback
        dns.query.udp_with_fallback = lambda *a, **k: (dns.query.udp(a[0], a[1], a[2], a[3], ignore_unexpected=True), False)
        try:
            super()._ask(question, seconds)
        finally:
            dns.query.udp_with_fallback = fallback
