"""Asking by DNS: dnspython, over UDP and, where an answer is truncated, over TCP (``dns.md``)."""

from __future__ import annotations

import time
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

import exchange
from script import BadCommand

_NAMES_IN = {"CNAME": ("target",), "NS": ("target",), "PTR": ("target",), "MX": ("preference", "exchange")}
_MORE_IN = {
    "SRV": ("priority", "weight", "port", "target"),
    "SOA": ("mname", "rname", "serial", "refresh", "retry", "expire", "minimum"),
    "A": ("address",),
    "AAAA": ("address",),
}


def check(command: dict[str, Any]) -> None:
    """Refuses what is no list of questions."""
    for question in command["questions"]:
        try:
            dns.message.make_query(question["name"], question["type"])
        except (dns.exception.DNSException, AttributeError) as error:
            raise BadCommand(f"{question!r} cannot be asked: {error}") from None


class Asking(exchange.Asking):
    """One conversation."""

    def run(self) -> None:
        """Holds it."""
        self.reporter.step("created")
        limit = time.monotonic() + exchange.seconds(self.command)
        at = -1
        try:
            for question in self.command["questions"]:
                at += 1
                if self.stopped:
                    break
                self._ask(question, max(0.001, limit - time.monotonic()))
        except (dns.exception.DNSException, OSError, EOFError) as error:
            self.reporter.step("failed", at=at, error=_name(error), says=f"{type(error).__name__}: {error}")
        finally:
            self.closed()

    def _ask(self, question: dict[str, Any], seconds: float) -> None:
        query = dns.message.make_query(question["name"], question["type"])
        answer, _ = dns.query.udp_with_fallback(query, self.command["address"], seconds, self.command["port"], ignore_unexpected=True)
        wanted = dns.rdatatype.from_text(question["type"])
        records = [_data(question["type"], one) for held in answer.answer if held.rdtype == wanted for one in held]
        self.reporter.step("answer", records=records, rcode=dns.rcode.to_text(answer.rcode()))


def _data(kind: str, record: Any) -> list[Any]:
    if kind == "TXT":
        return [one.decode() for one in record.strings]
    values = [getattr(record, member) for member in (*_NAMES_IN.get(kind, ()), *_MORE_IN.get(kind, ()))]
    return [value if isinstance(value, int) else str(value).rstrip(".") or "." for value in values]


def _name(error: BaseException) -> str:
    return "timeout" if isinstance(error, dns.exception.Timeout) else exchange.error_name(error)
