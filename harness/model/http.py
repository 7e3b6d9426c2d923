"""One HTTP/1.1 message (RFC 9112) as somebody sent it, and what of it breaks the grammar. Facts only; nothing here judges them.

Owns the shape of a message and the list of everything that can be wrong with one. Refuses to know how it was read, whose it is, and
what its fields ask for. Offsets are octets from the beginning of the stream of one side of one connection.
"""

from __future__ import annotations

import re

import msgspec

PROBLEMS: dict[str, str] = {
    # Lines (RFC 9112 2.2)
    "bare-lf": "A line ends with LF alone (RFC 9112 2.2).",
    "bare-cr": "A CR that no LF follows is in the start-line or in a field line (RFC 9112 2.2). It is read as SP.",
    "leading-crlf": "Empty lines come before the start-line (RFC 9112 2.2). They are passed over.",
    "trailing-crlf": "Empty lines come after the message, and no other message after them (RFC 9112 2.2). They are no part of it.",
    "indent": "Whitespace begins the line after the start-line (RFC 9112 2.2). Such lines are passed over.",
    "head-too-large": "The head, or the trailer section, has more than 1048576 octets. Reading stops there.",
    "cut-short": "The stream ended inside the message (RFC 9112 8).",
    "too-many": "More octets follow after the last message that is read of one stream, the thousandth.",
    "extra-octets": "It comes after the answers to all requests (RFC 9112 6.3).",
    # Start-lines (RFC 9112 3 and 4)
    "start-line": "This cannot be read as a start-line (RFC 9112 2.1). Reading stops there.",
    "request-line-space": "The parts of the request-line are not apart by exactly one SP (RFC 9112 3).",
    "status-line-space": "The status-line has no SP after the status code, or not exactly one before it (RFC 9112 4).",
    "target-whitespace": "The request-target has whitespace in it (RFC 9112 3.2).",
    "target-octets": "The request-target has octets that no URI has, a fragment, or a broken percent-encoding (RFC 9112 3.2, RFC 3986 2).",
    "target-form": "The request-target has none of the forms that its method allows (RFC 9112 3.2).",
    "method-token": "The method is no token (RFC 9110 9.1).",
    "version": "The version is not HTTP, a slash, a digit, a dot and a digit, in these cases (RFC 9112 2.3).",
    "status-range": "The status code is below 100 or above 599 (RFC 9110 15).",
    "reason": "The reason phrase has control octets in it (RFC 9112 4).",
    # Fields (RFC 9112 5)
    "field-colon": "A field line has no colon (RFC 9112 5). It is passed over.",
    "field-name": "The name of a field is empty or no token (RFC 9110 5.1).",
    "space-before-colon": "Whitespace is between the name of a field and the colon (RFC 9112 5.1).",
    "obs-fold": "A field value continues in another line (RFC 9112 5.2). It is read as if one SP were there.",
    "field-value": "A field value has control octets in it other than HTAB (RFC 9110 5.5).",
    "host-missing": "A request of version 1.1 or above has no Host (RFC 9112 3.2).",
    "host-repeated": "A request has more than one line of Host (RFC 9112 3.2).",
    "host-invalid": "The value of Host is no host with or without a port (RFC 9112 3.2, RFC 9110 7.2).",
    # Framing (RFC 9112 6)
    "length-invalid": "A Content-Length is no decimal number (RFC 9112 6.3). Reading stops there, unless the length does not matter.",
    "length-list": "The same Content-Length is said more than once, or in a list (RFC 9112 6.3). It is read as if said once.",
    "length-differs": "Two values of Content-Length differ (RFC 9112 6.3). Reading stops there, unless the length does not matter.",
    "length-and-coding": "Both Content-Length and Transfer-Encoding are there (RFC 9112 6.2). The coding counts.",
    "coding-repeated": "Chunked is applied more than once (RFC 9112 6.1). It is read as if it were once.",
    "coding-not-last": "A request has a Transfer-Encoding whose last coding is not chunked (RFC 9112 6.3). Reading stops there.",
    "coding-unknown": "A transfer coding is not registered (RFC 9112 7.3).",
    "coding-parameter": "Chunked has parameters (RFC 9112 7.1).",
    "coding-in-1.0": "A message of a version below 1.1 has a Transfer-Encoding (RFC 9112 6.1).",
    # Chunks (RFC 9112 7.1)
    "chunk-size": "A chunk's size is no hexadecimal number at the beginning of a line (RFC 9112 7.1). Reading stops where there is none.",
    "chunk-overflow": "A chunk's size has more than 16 hexadecimal digits, leading zeros left aside (RFC 9112 7.1). Reading stops there.",
    "chunk-end": "A chunk's data is not followed by CRLF (RFC 9112 7.1). Reading stops there, unless LF alone follows.",
    "chunk-extension": "What follows a chunk's size is no chunk extension (RFC 9112 7.1.1).",
    "trailer": "A line of the trailer section is malformed (RFC 9112 7.1.2).",
}
"""Each code that a ``Problem`` can have, what it means, and how the reading copes with it."""

# Never goes back: an open quotation takes the rest.
_elements = re.compile(r'(?:[^,"]++|"(?:[^"\\]++|\\.?+)*+"?+)++', re.DOTALL).findall


def elements(value: str) -> list[str]:
    """The elements of a comma-separated list (RFC 9110 5.6.1), without surrounding whitespace; empty ones are left out. Commas in
    quoted strings separate nothing.
    """
    return [element for found in _elements(value) if (element := found.strip(" \t"))]


class Problem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing that breaks the grammar: a code of ``PROBLEMS``, words for what is there, and the offset in the stream."""

    code: str
    says: str
    at: int


class Message(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One request or response.

    ``start``: offset of its first octet, after empty lines that were passed over; ``head_end``: offset after the blank line that ends
    the head (``end`` if there was none); ``end``: offset after its last octet. ``line``: the start-line without its end, Latin-1, cut
    at 200 characters. ``version``: "HTTP/1.1" as written, "" if unreadable. ``method`` and ``target`` are a request's, ``status`` and
    ``reason`` a response's. ``fields`` and ``trailers``: (name, value) as written, Latin-1, values without surrounding whitespace, the
    first 256 of each.

    ``framing`` (RFC 9112 6.3): "none"; "length"; "chunked"; "close": up to the end of the stream; "tunnel": what follows is HTTP no more,
    and all the rest of the stream counts as its content. ``octets`` of content after chunked was decoded, ``digest``: their SHA-256,
    lower-case hexadecimal, "" for no octets; ``chunks``: with data, so without the last one.

    ``complete``: False if the stream stopped inside it, or what is there could not be read on; it is the last message then, and
    ``end`` is the end of the stream. ``problems``: the first of each code, in the order of offsets, at most 16.
    """

    start: int
    end: int
    head_end: int
    line: str
    version: str = ""
    method: str = ""
    target: str = ""
    status: int = 0
    reason: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    trailers: tuple[tuple[str, str], ...] = ()
    framing: str = "none"
    octets: int = 0
    digest: str = ""
    chunks: int = 0
    complete: bool = True
    problems: tuple[Problem, ...] = ()

    def field(self, name: str) -> str | None:
        """The values of all header lines of that name, case left aside, joined by ", " (RFC 9110 5.3); None if there is none."""
        wanted = name.lower()
        found = [value for each, value in self.fields if each.lower() == wanted]
        return ", ".join(found) if found else None

    def values(self, name: str) -> list[str]:
        """The elements of that header field's list (RFC 9110 5.6.1), in lower case, stripped, empty ones left out."""
        return [element.lower() for element in elements(self.field(name) or "")]
