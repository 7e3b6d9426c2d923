"""RFC 9112, HTTP/1.1 messages: their form on the wire, and as far as a script at the socket interface sees them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from harness.judge.rules.base import Always, Content, Rule, Shown, Wrong
from harness.model.http import Message
from harness.model.wire import Address, Flow, Wire

_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([0-9]{3}) [\t\x20-\x7e\x80-\xff]*\r\n")
_PORT = 80
_SENT = {
    "bare-lf": "RFC9112-2.2-crlf-sent",
    "bare-cr": "RFC9112-2.2-bare-cr-sent",
    "indent": "RFC9112-2.2-indent-after-start-line-sent",
    "obs-fold": "RFC9112-5.2-obs-fold-not-sent",
    "coding-repeated": "RFC9112-6.1-chunked-once",
    "length-and-coding": "RFC9112-6.2-not-both-sent",
}
"""What neither side may send: the parser's word for it, and the requirement that it breaks."""
_ASKED = {
    "leading-crlf": "RFC9112-2.2-extra-crlf-sent",
    "trailing-crlf": "RFC9112-2.2-extra-crlf-sent",
    "request-line-space": "RFC9112-3-request-line-sp",
    "target-whitespace": "RFC9112-3.2-no-whitespace-in-target",
    "host-missing": "RFC9112-3.2-host-sent",
    "coding-not-last": "RFC9112-6.1-chunked-final-in-request",
    **_SENT,
}
_ANSWERED = {
    "status-line-space": "RFC9112-4-status-line-sp",
    "start-line": "RFC9112-4-status-line-sp",
    **_SENT,
}
CHECKS = {
    "RFC9112-4-status-line-sp": "the form of every status line",
    "RFC9112-2.2-crlf-sent": "the ends of all lines",
    "RFC9112-2.2-bare-cr-sent": "every CR outside of contents",
    "RFC9112-2.2-indent-after-start-line-sent": "the line after every start-line",
    "RFC9112-2.2-extra-crlf-sent": "what stands between the requests of a connection",
    "RFC9112-3-request-line-sp": "the form of every request-line",
    "RFC9112-3.2-no-whitespace-in-target": "every request-target",
    "RFC9112-3.2-host-sent": "Host in every request",
    "RFC9112-5.2-obs-fold-not-sent": "every field line",
    "RFC9112-6.1-chunked-final-in-request": "the codings of every request",
    "RFC9112-6.1-chunked-once": "the codings of every message",
    "RFC9112-6.1-no-te-in-1xx-204": "Transfer-Encoding in responses without content",
    "RFC9112-6.1-te-only-to-11-client": "Transfer-Encoding in the answers to requests of version 1.0",
    "RFC9112-6.2-not-both-sent": "Content-Length beside Transfer-Encoding, in every message",
    "RFC9112-6.3-head-no-body": "octets after a response that has no content",
    "RFC9112-3.2-host-equals-authority": "the value of Host in every request",
    "RFC9112-7.4-te-field-needs-connection": "TE in every request",
    "RFC9112-9.6-close-received-client": "requests after a response with close",
    "RFC9112-9.6-close-echoed": "close in the answer to a request with close",
    "RFC9112-9.6-close-sent-client": "requests after one with close",
    "RFC9112-9.6-close-sent-server": "the server's end after a response with close",
}


def _status(code: int) -> Rule:
    def rule(content: Content) -> list[Wrong]:
        line = _STATUS_LINE.match(content.octets)
        if not line:
            return [Wrong("a status line, HTTP/1.1 SP code SP reason CR LF", repr(content.octets[:60]), "RFC9112-4-status-line-sp")]
        wrong = [] if int(line[1]) == code else [Wrong(f"status {code}", f"status {int(line[1])}")]
        if b"\r\n\r\n" not in content.octets:
            wrong.append(Wrong("an empty line that ends the header section", repr(content.octets[-60:])))
        return wrong

    return rule


RULES: dict[str, Rule] = {f"rfc9112-response-{code}": _status(code) for code in (200, 204, 400, 404, 405, 414, 431, 501, 505)}


# -- what every exchange is held to ---------------------------------------------------------------------------


def answers(flow: Flow) -> Iterable[tuple[Message, Message]]:
    """Each request of a connection with its final response."""
    final = (m for m in flow.responses if m.status >= 200 or m.status == 101)
    return zip(flow.requests, final, strict=False)


def _form(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in wire.flows:
        yield from _broken("client", flow.requests, _ASKED)
        yield from _broken("server", flow.responses, _ANSWERED)


def _broken(side: str, messages: tuple[Message, ...], codes: Mapping[str, str]) -> Iterable[Shown]:
    seen = set()
    for message in messages:
        for problem in message.problems:
            requirement = codes.get(problem.code)
            if not (message.method or message.status) and problem.code != "start-line":
                continue  # no message at all: its start-line is what is wrong
            if requirement and requirement not in seen:
                seen.add(requirement)
                says = f"the {side}'s message {message.line[:60]!r} is malformed: {problem.says}"
                yield Shown(side, says, "a message as the grammar has it", f"{problem.code} at octet {problem.at:,}", requirement)


def _without_content(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in wire.flows:
        for message in flow.responses:
            if (100 <= message.status < 200 or message.status == 204) and message.field("transfer-encoding") is not None:
                yield _field(message, "Transfer-Encoding", "RFC9112-6.1-no-te-in-1xx-204")
        for request, response in answers(flow):
            if request.version == "HTTP/1.0" and response.field("transfer-encoding") is not None:
                yield _field(response, "Transfer-Encoding", "RFC9112-6.1-te-only-to-11-client")


def _field(message: Message, name: str, requirement: str) -> Shown:
    says = f"the server's {message.status} has a field that it must not have"
    return Shown("server", says, f"no {name}", f"{name}: {message.field(name)}", requirement)


def _past_the_end(wire: Wire, _: Address) -> Iterable[Shown]:
    """Octets behind a response that ends with its head, where no other answer is due."""
    for flow in wire.flows:
        if len(flow.responses) > 1 and flow.responses[-1].status == 0 and flow.responses[-2].framing == "none":
            rest = flow.responses[-1]
            says = f"the server sent octets after its {flow.responses[-2].status}, which has no content"
            yield Shown("server", says, "nothing before the next status line", f"{rest.end - rest.start:,} octets", "RFC9112-6.3-head-no-body")


def _authority(wire: Wire, asked: Address) -> Iterable[Shown]:
    """The authority of what was asked is in each request's Host (3.2), whatever form its target has."""
    host, port = asked
    name = f"[{host}]" if ":" in host else host
    for flow in wire.flows:
        for m in flow.requests:
            told = m.field("host")
            if told is not None and told.lower() not in (f"{name}:{port}", name if port == _PORT else ""):
                says = "the client's Host is not the authority that it asks"
                yield Shown("client", says, f"{name}:{port}", repr(told), "RFC9112-3.2-host-equals-authority")
                return


def _te(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in wire.flows:
        for m in flow.requests:
            if m.field("te") is not None and "te" not in m.values("connection"):
                yield Shown(
                    "client", "the client sends TE, which Connection does not list", "Connection: TE", repr(m.field("connection") or ""),
                    "RFC9112-7.4-te-field-needs-connection",
                )  # fmt: skip


def _closing(wire: Wire, _: Address) -> Iterable[Shown]:
    for flow in wire.flows:
        asked = next((i for i, m in enumerate(flow.requests) if "close" in m.values("connection")), None)
        if asked is not None and len(flow.requests) > asked + 1 and flow.requests[asked + 1].method:
            says = "the client sent a request after one with 'close'"
            yield Shown("client", says, "none", repr(flow.requests[asked + 1].line[:60]), "RFC9112-9.6-close-sent-client")
        told = next((i for i, m in enumerate(flow.responses) if "close" in m.values("connection")), None)
        final = [m.status >= 200 for m in flow.responses[: (told or 0) + 1]]
        if told is not None and asked is None and len(flow.requests) > sum(final) and flow.requests[sum(final)].method:
            says = "the client sent a request after it was told 'close'"
            yield Shown("client", says, "none", repr(flow.requests[sum(final)].line[:60]), "RFC9112-9.6-close-received-client")
        for request, response in answers(flow):
            if "close" in request.values("connection") and response.version == "HTTP/1.1" and "close" not in response.values("connection"):
                says = "the server's last response on a connection does not say so"
                yield Shown("server", says, "Connection: close", repr(response.field("connection") or ""), "RFC9112-9.6-close-echoed")
        last = flow.responses[-1] if flow.responses else None
        if last and "close" in last.values("connection") and not (flow.server.fin_frame or flow.server.rst_frame or flow.client.rst_frame):
            yield Shown("server", "the server said 'close', and leaves the connection open", "its FIN", "none", "RFC9112-9.6-close-sent-server")


ALWAYS: tuple[Always, ...] = (_form, _without_content, _past_the_end, _authority, _te, _closing)
