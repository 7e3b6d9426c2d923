"""All the HTTP/1.1 messages that one side of a connection sent (RFC 9112), read as a witness reads.

Owns start-lines (2, 3, 4), which framing applies (6.3), and where a message ends. Refuses to know what a message means, whether it is
the right answer, and which codings but chunked can be undone. Any octets in, values out: nothing here raises, nothing is refused; what
breaks the grammar is noted and read on as leniently as it can be. The cost is linear in the octets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from harness.model.http import Message, Problem, elements
from harness.wire.http_body import MAX_HEAD, MAX_PROBLEMS, Chunks, Content, Field, Notes, Section, control_in, is_token, line_at, shown, text_of

MAX_MESSAGES = 1000
MAX_LENGTH = 1 << 62  # a Content-Length beyond is as good as this one
MAX_LINE = 200

_CODINGS = frozenset(("chunked", "compress", "deflate", "gzip", "x-compress", "x-gzip"))  # the registry of RFC 9112 7.3

_empty_lines = re.compile(rb"(?:\r?+\n)*+(?:\r\Z)?+").match
_empty_line_crlf = re.compile(rb"(?:\r\n)*+\r?\Z").fullmatch
_version_like = re.compile(rb"(?i:http).*|[^/]*+/[0-9].*", re.DOTALL).fullmatch
_version = re.compile(rb"(?i:http)/([0-9])\.([0-9])").fullmatch
_status_line = re.compile(rb"([^\t\v\f\r ]++)([\t\v\f\r ]++)([0-9]{3}+)(?:([\t\v\f\r ])(.*))?", re.DOTALL).fullmatch
_number = re.compile(r"[0-9]+").fullmatch
_foreign_in = re.compile(rb"[^!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]|%(?![0-9A-Fa-f]{2})").search  # RFC 3986 2, without "#"
_path_or_scheme = re.compile(rb"/|[A-Za-z][A-Za-z0-9+.\-]*+:").match
_HOST = rb"(?:\[[0-9A-Za-z:.\-_~!$&'()*+,;=]++\]|(?:[0-9A-Za-z\-._~!$&'()*+,;=]|%%[0-9A-Fa-f]{2})%s+)"  # RFC 3986 3.2.2
_authority = re.compile(_HOST % b"+" + rb":[0-9]*+").fullmatch
_host = re.compile(_HOST % b"*" + rb"(?::[0-9]*+)?+").fullmatch
_request_begins = re.compile(rb"[\t !#$%&'*+\-.^_`|~0-9A-Za-z]++[\t\v\f\r\x20-\x7e\x80-\xff]*+\Z").match


def requests(octets: bytes, ended: bool) -> tuple[Message, ...]:
    """All requests (RFC 9112 3) in the octets that a client sent, at most 1000; ``ended``: its FIN or reset came after them.

    What cannot be read as a request is a last message that covers the rest, with the problem "start-line". What a client sends after a
    CONNECT or an Upgrade that was accepted is such a rest, since only the other side's octets tell.
    """
    found: list[Message] = []
    while _more(octets, found):
        reading = _Reading(octets, found[-1].end if found else 0, ended)
        found.append(reading.request())
    return tuple(found)


def responses(octets: bytes, methods: Sequence[str], ended: bool) -> tuple[Message, ...]:
    """All responses (RFC 9112 4), those of 1xx too, in the octets that a server sent, at most 1000; ``ended``: as of ``requests``.

    ``methods[i]`` is the method of the request that the i-th final response answers; beyond the list, GET is assumed. If there are
    methods, then final responses beyond them, and what cannot be read at all after them, have the problem "extra-octets".
    """
    found: list[Message] = []
    finals = 0
    while _more(octets, found):
        reading = _Reading(octets, found[-1].end if found else 0, ended)
        method = methods[finals] if finals < len(methods) else "GET"
        found.append(reading.response(method, extra=0 < len(methods) <= finals))
        finals += not 100 <= found[-1].status < 200
    return tuple(found)


def content(octets: bytes, message: Message) -> bytes:
    """The content of a message that ``requests`` or ``responses`` found in these octets: ``message.octets`` of them, chunked undone."""
    if message.framing != "chunked":
        return octets[message.head_end : message.head_end + message.octets]
    kept = Content(octets, keep=True)
    Chunks(octets, message.head_end, Notes(), kept)
    return kept.octets_kept()


def _more(octets: bytes, found: list[Message]) -> bool:
    """Whether another message is to be read. What is left over without being one is noted with the last."""
    at = found[-1].end if found else 0
    if at >= len(octets):
        return False
    after = _empty_lines(octets, at)
    if found and after and after.end() == len(octets):
        _add_to_last(found, Problem("trailing-crlf", "empty lines come after it", at))
        return False
    if len(found) >= MAX_MESSAGES:
        _add_to_last(found, Problem("too-many", f"{len(octets) - at} octets after {len(found)} messages are not read", at))
        return False
    return True


def _add_to_last(found: list[Message], problem: Problem) -> None:
    found[-1] = msgspec.structs.replace(found[-1], problems=(*found[-1].problems[: MAX_PROBLEMS - 1], problem))


class _Reading:
    """One message while it is read. ``request`` or ``response`` may be called once."""

    def __init__(self, octets: bytes, at: int, ended: bool) -> None:
        self.octets, self.ended = octets, ended
        self.notes = Notes()
        self.version = self.method = self.target = self.reason = ""
        self.number: tuple[int, int] | None = None  # the version's, None if unreadable
        self.status = self.expected = 0
        self.header: Section | None = None
        self.trailer: Section | None = None
        self.content = Content(octets)
        self.chunks = 0
        self.framing, self.complete = "none", False
        self.start = self._skip_empty_lines(at)
        self.at = self.start
        self.end = self.head_end = len(octets)
        self.line = b""
        self.limit = min(len(octets), self.start + MAX_HEAD)

    def request(self) -> Message:
        line = self._start_line(bool(_request_begins(self.octets, self.start, self.limit)))
        if line is not None and not self._request_line(line):
            self.notes.add("start-line", self.start, f"{shown(line)} is no request-line")
        elif line is not None and self._head():
            self._check_host()
            self._body(self._request_framing())
        return self._message()

    def response(self, method: str, extra: bool) -> Message:
        line = self._start_line(extra or b"HTTP".startswith(self.octets[self.start : self.start + 4].upper()))
        readable = line is not None and self._status_line(line)
        if extra and not 100 <= self.status < 200:
            self.notes.add("extra-octets", self.start, "it comes after the answers to all requests")
        elif line is not None and not readable:
            self.notes.add("start-line", self.start, f"{shown(line)} is no status-line")
        if readable and self._head():
            self._body(self._response_framing(method))
        return self._message()

    def _skip_empty_lines(self, at: int) -> int:
        """RFC 9112 2.2."""
        match = _empty_lines(self.octets, at)
        after = match.end() if match else at
        if after > at:
            self.notes.add("leading-crlf", at, f"{after - at} octets of empty lines come before the start-line")
            if not _empty_line_crlf(self.octets, at, after):
                self.notes.add("bare-lf", at, "an empty line before the start-line ends with LF alone")
        return after

    def _start_line(self, hopeful: bool) -> bytes | None:
        """The start-line; None if its end is not there, where ``hopeful`` says whether it may yet become one."""
        bounds = line_at(self.octets, self.start, self.limit, self.notes)
        if bounds is not None:
            stop, self.at = bounds
            self.line = self.octets[self.start : stop]
            text_of(self.octets, self.start, stop, self.notes)
            return self.line
        self.line = self.octets[self.start : self.start + MAX_LINE]
        if hopeful or not self.line:
            self._stopped(self.limit)
        else:
            self.notes.add("start-line", self.start, f"{shown(self.line)} is the beginning of no start-line")
        return None

    def _request_line(self, line: bytes) -> bool:
        """RFC 9112 3, or divided at whitespace as it allows to; False if it cannot be read."""
        words = line.split()
        if len(words) < 3 or not _version_like(words[-1]):
            return False
        inner = line.strip()
        method, version, target = words[0], words[-1], inner[len(words[0]) : -len(words[-1])].strip()
        if b" ".join((method, target, version)) != line:
            self.notes.add("request-line-space", self.start, f"not exactly one SP divides {shown(line)}")
        if not is_token(method):
            self.notes.add("method-token", self.start, f"the method {shown(method)} is no token")
        self._check_target(method, target, self.start + line.index(target, line.index(method) + len(method)), len(words) > 3)
        self._read_version(version, self.start + line.rindex(version))
        self.method, self.target = str(method, "latin-1"), str(target, "latin-1")
        return True

    def _check_target(self, method: bytes, target: bytes, at: int, divided: bool) -> None:
        """RFC 9112 3.2."""
        if divided:
            self.notes.add("target-whitespace", at, f"the request-target {shown(target)} has whitespace in it")
        wrong = _foreign_in(b"".join(target.split()) if divided else target)
        if wrong:
            self.notes.add("target-octets", at, f"the request-target {shown(target)} has {shown(wrong[0])} in it")
        if not _fits(method, target):
            self.notes.add("target-form", at, f"the request-target {shown(target)} has no form that {shown(method)} allows")

    def _status_line(self, line: bytes) -> bool:
        """RFC 9112 4, or divided at whitespace as it allows to; False if it cannot be read."""
        match = _status_line(line.lstrip())
        if not match or not _version_like(match[1]):
            return False
        version, gap, code, space, reason = match.groups(b"")
        if gap != b" " or space != b" " or not line.startswith(version):
            self.notes.add("status-line-space", self.start, f"not exactly one SP is before or after the status code in {shown(line)}")
        self._read_version(version, self.start + line.index(version))
        self.status, self.reason = int(code), str(reason, "latin-1")
        if not 100 <= self.status <= 599:
            self.notes.add("status-range", self.start, f"the status code is {shown(code)}")
        wrong = control_in(reason.replace(b"\r", b" "))
        if wrong:
            self.notes.add("reason", self.start, f"the reason phrase {shown(reason)} has the octet {wrong[0][0]:#04x} in it")
        return True

    def _read_version(self, version: bytes, at: int) -> None:
        """RFC 9112 2.3."""
        match = _version(version)
        if match:
            self.version, self.number = str(version, "latin-1"), (int(match[1]), int(match[2]))
        if not match or not version.startswith(b"HTTP"):
            self.notes.add("version", at, f"the version is {shown(version)}")

    def _head(self) -> bool:
        """The header section; False if its end is not there."""
        self.header = Section(self.octets, self.at, self.limit, self.notes)
        if not self.header.whole:
            self._stopped(self.limit)
            return False
        self.head_end = self.header.at
        return True

    def _stopped(self, limit: int) -> None:
        """Notes why nothing more could be read."""
        if limit < len(self.octets):
            self.notes.add("head-too-large", limit, f"the section has more than {MAX_HEAD} octets")
        elif self.ended:
            self.notes.add("cut-short", limit, "the stream ended inside the message")

    def _check_host(self) -> None:
        """RFC 9112 3.2."""
        hosts = self._named("host")
        if not hosts and self.number is not None and self.number >= (1, 1):
            self.notes.add("host-missing", self.start, f"a request of {self.version} has no Host")
        if len(hosts) > 1:
            self.notes.add("host-repeated", hosts[1].at, f"there are {len(hosts)} lines of Host")
        for host in hosts[:2]:
            if not _host(host.value.encode("latin-1")):
                self.notes.add("host-invalid", host.at, f"the value of Host is {_shown(host.value)}")

    def _named(self, name: str) -> list[Field]:
        return self.header.named(name) if self.header else []

    def _request_framing(self) -> str:
        """RFC 9112 6.3 for requests: the framing, or "broken" if none applies."""
        codings, length = self._codings(), self._length()
        if codings is not None:
            if codings[-1:] == ["chunked"]:
                return "chunked"
            self.notes.add("coding-not-last", self._named("transfer-encoding")[-1].at, "the last transfer coding of a request is not chunked")
            return "broken"
        return "none" if length is None else length

    def _response_framing(self, method: str) -> str:
        """RFC 9112 6.3 for responses: the framing, or "broken" if none applies."""
        codings, length = self._codings(), self._length()
        if self.status == 101 or (method == "CONNECT" and 200 <= self.status < 300):
            return "tunnel"
        if method == "HEAD" or 100 <= self.status < 200 or self.status in (204, 304):
            return "none"
        if codings is not None:
            return "chunked" if codings[-1:] == ["chunked"] else "close"
        return "close" if length is None else length

    def _codings(self) -> list[str] | None:
        """The transfer codings (RFC 9112 6.1) in lower case, parameters left out; None if there is no Transfer-Encoding."""
        lines = self._named("transfer-encoding")
        if not lines:
            return None
        at, value = lines[-1].at, ", ".join(line.value for line in lines)
        listed = [element.lower() for element in elements(value)]
        names = [element.partition(";")[0].rstrip(" \t") for element in listed]
        if names.count("chunked") > 1:
            self.notes.add("coding-repeated", at, f"chunked is applied more than once: {_shown(value)}")
        if any(name not in _CODINGS for name in names):
            self.notes.add("coding-unknown", at, f"a transfer coding is not registered: {_shown(value)}")
        if any(name == "chunked" != element for name, element in zip(names, listed, strict=True)):
            self.notes.add("coding-parameter", at, f"chunked has parameters: {_shown(value)}")
        if self.number is not None and self.number < (1, 1):
            self.notes.add("coding-in-1.0", at, f"a message of {self.version} has Transfer-Encoding: {_shown(value)}")
        return names

    def _length(self) -> str | None:
        """What Content-Length (RFC 9112 6.3) makes of the framing: "length", and ``expected`` is set; "broken"; None if there is none."""
        lines = self._named("content-length")
        if not lines:
            return None
        at, value = lines[-1].at, ", ".join(line.value for line in lines)
        if self._named("transfer-encoding"):
            self.notes.add("length-and-coding", at, "both Content-Length and Transfer-Encoding are there")
        listed = elements(value)
        if not listed or not all(_number(element) for element in listed):
            self.notes.add("length-invalid", at, f"Content-Length is {_shown(value)}")
            return "broken"
        numbers = {element.lstrip("0") for element in listed}
        if len(numbers) > 1:
            self.notes.add("length-differs", at, f"Content-Length is {_shown(value)}")
            return "broken"
        if listed != [value]:
            self.notes.add("length-list", at, f"Content-Length is {_shown(value)}")
        digits = numbers.pop()
        self.expected = MAX_LENGTH if len(digits) > 18 else int(digits or "0")
        return "length"

    def _body(self, framing: str) -> None:
        """Reads the content, and sets where the message ends and whether it is complete."""
        there = len(self.octets)
        if framing == "broken":
            return
        self.framing = framing
        if framing == "chunked":
            self._chunked()
            return
        if framing in ("none", "length"):
            self.end = min(there, self.head_end + self.expected) if framing == "length" else self.head_end
            self.complete = framing == "none" or self.head_end + self.expected <= there
        else:
            self.complete = framing == "tunnel" or self.ended
        self.content.add(self.head_end, self.end)
        if not self.complete:
            self._stopped(there)

    def _chunked(self) -> None:
        """RFC 9112 7.1."""
        chunks = Chunks(self.octets, self.head_end, self.notes, self.content)
        self.chunks = chunks.count
        limit = len(self.octets)
        if chunks.whole:
            limit = min(limit, chunks.at + MAX_HEAD)
            self.trailer = Section(self.octets, chunks.at, limit, self.notes, trailer=True)
            if self.trailer.whole:
                self.end, self.complete = self.trailer.at, True
        if not self.complete and not chunks.broken:
            self._stopped(limit)

    def _message(self) -> Message:
        return Message(
            start=self.start,
            end=self.end,
            head_end=self.head_end,
            line=str(self.line[:MAX_LINE], "latin-1"),
            version=self.version,
            method=self.method,
            target=self.target,
            status=self.status,
            reason=self.reason,
            fields=self.header.kept() if self.header else (),
            trailers=self.trailer.kept() if self.trailer else (),
            framing=self.framing,
            octets=self.content.count,
            digest=self.content.digest(),
            chunks=self.chunks,
            complete=self.complete,
            problems=self.notes.all(),
        )


def _fits(method: bytes, target: bytes) -> bool:
    """Whether the request-target has a form that the method allows (RFC 9112 3.2.1 to 3.2.4)."""
    if method == b"CONNECT":
        return _authority(target) is not None
    return (target == b"*" and method == b"OPTIONS") or _path_or_scheme(target) is not None


def _shown(value: str) -> str:
    return shown(value.encode("latin-1"))
