"""What an HTTP/1.1 message is built of: lines, field sections, chunks (RFC 9112 2.2, 5, 7.1).

Owns how each of them is read although it is malformed, and the words for what is wrong. Refuses to know start-lines, which framing
applies, and what a field means. Nothing here raises; every octet is looked at a bounded number of times.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from harness.model.http import Problem

MAX_HEAD = 1 << 20
MAX_FIELDS = 256
MAX_PROBLEMS = 16
MANY = 1 << 16
MANY = 1 << 16
FRAMING_FIELDS = frozenset(("content-length", "transfer-encoding", "host"))
"""These are kept beyond ``MAX_FIELDS`` too: what they say decides how the rest is read."""

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_TEXT = rb"[\t\x20-\x7e\x80-\xff]*+"
_BWS = rb"[\t ]*+"
_QUOTED = rb'"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]++|\\[\t\x20-\x7e\x80-\xff])*+"'
_EXTENSION = rb"(?:%s;%s%s(?:%s=%s(?:%s|%s))?+)*+" % (_BWS, _BWS, _TOKEN, _BWS, _BWS, _TOKEN, _QUOTED)

is_token = re.compile(_TOKEN).fullmatch
control_in = re.compile(rb"[^\t\x20-\x7e\x80-\xff]").search
_good_field = re.compile(rb"(%s):(%s)\r\n" % (_TOKEN, _TEXT)).match
_good_size = re.compile(rb"([0-9A-Fa-f]{1,16}+)\r?+\n").match
_any_size = re.compile(rb"([\t ]*+)([0-9A-Fa-f]++)(.*+)", re.DOTALL).fullmatch
_size_begins = re.compile(rb"[\t ]*+(?:[0-9A-Fa-f]|\r?\Z)").match
_is_extension = re.compile(_EXTENSION).fullmatch


class Field(NamedTuple):
    """A field line: its name and value, Latin-1, and the offset where it begins."""

    name: str
    value: str
    at: int


class Notes:
    """The problems of one message: the first of each code, at most ``MAX_PROBLEMS``. ``count`` counts those too that are not kept."""

    def __init__(self) -> None:
        self.count = 0
        self._found: dict[str, Problem] = {}

    def add(self, code: str, at: int, says: str) -> None:
        """Notes one of the codes of ``PROBLEMS``, at an offset in the stream."""
        if self.wants(code):
            self._found[code] = Problem(code, says, at)

    def wants(self, code: str) -> bool:
        """Counts a problem, and tells whether it would be kept: where there may be millions, words for them cost the most."""
        self.count += 1
        return code not in self._found and len(self._found) < MAX_PROBLEMS

    def all(self) -> tuple[Problem, ...]:
        """What was kept, in the order of offsets."""
        return tuple(sorted(self._found.values(), key=lambda problem: problem.at))


def shown(octets: bytes) -> str:
    """The first 40 octets in quotation marks, with escapes where they are not printable."""
    return repr(octets[:40])[1:] + ("..." if len(octets) > 40 else "")


def line_at(octets: bytes, at: int, limit: int, notes: Notes) -> tuple[int, int] | None:
    """Where the line that begins at ``at`` ends, without its line end, and where the next begins; None if no LF comes before ``limit``."""
    found = octets.find(b"\n", at, limit)
    if found < 0:
        return None
    if found > at and octets[found - 1] == 13:
        return found - 1, found + 1
    if notes.wants("bare-lf"):
        notes.add("bare-lf", found, f"the line {shown(octets[at : min(found, at + 41)])} ends with LF alone")
    return found, found + 1


def text_of(octets: bytes, start: int, stop: int, notes: Notes) -> bytes:
    """A line's octets, each bare CR replaced by SP (RFC 9112 2.2)."""
    text = octets[start:stop]
    bare = text.find(b"\r")
    if bare < 0:
        return text
    if notes.wants("bare-cr"):
        notes.add("bare-cr", start + bare, f"a CR without LF is in the line {shown(text)}")
    return text.replace(b"\r", b" ")


class Section:
    """A field section and the blank line after it (RFC 9112 2.1, 7.1.2), from ``at`` and up to ``limit`` at most.

    ``at`` is where the reading came to, ``whole`` whether the blank line is there, ``fields`` what was found.
    """

    def __init__(self, octets: bytes, at: int, limit: int, notes: Notes, *, trailer: bool = False) -> None:
        self.octets, self.at, self.limit, self.notes = octets, at, limit, notes
        self.fields: list[Field] = []
        self.whole = False
        self._open = False  # the line before is a field that was kept
        self._odd = False  # a line before the blank one has a problem
        if not trailer:
            self._indented()
        self._read()
        if trailer and self._odd:
            notes.add("trailer", at, "the trailer section has a malformed line")

    def kept(self) -> tuple[tuple[str, str], ...]:
        """As a message has them."""
        return tuple((field.name, field.value) for field in self.fields[:MAX_FIELDS])

    def named(self, name: str) -> list[Field]:
        """All lines of that lower-case name."""
        return [field for field in self.fields if field.name.lower() == name]

    def _indented(self) -> None:
        """Passes over what RFC 9112 2.2 says to pass over: lines before the first field that begin with whitespace."""
        begin = self.at
        while self._continues():
            bounds = line_at(self.octets, self.at, self.limit, self.notes)
            if bounds is None:
                break
            self.at = bounds[1]
        if self.at > begin:
            self.notes.add("indent", begin, f"whitespace begins the line {shown(self.octets[begin : begin + 41])} after the start-line")

    def _read(self) -> None:
        while not self.whole:
            match = _good_field(self.octets, self.at, self.limit)
            if match:
                self._keep(match[1], match[2], self.at)
                self.at = match.end()
            else:
                before = self.notes.count
                if not self._any_line():
                    return
                self._odd = self._odd or (self.notes.count > before and not self.whole)

    def _any_line(self) -> bool:
        """Reads a line that may be anything; False if its end is not there."""
        start = self.at
        bounds = line_at(self.octets, start, self.limit, self.notes)
        if bounds is None:
            return False
        stop, self.at = bounds
        if stop == start:
            self.whole = True
        elif self.octets[start] in b"\t ":
            self.at = start
            return self._fold()
        else:
            self._field(text_of(self.octets, start, stop, self.notes), start)
        return True

    def _continues(self) -> bool:
        return self.at < self.limit and self.octets[self.at] in b"\t "

    def _fold(self) -> bool:
        """Reads all the lines that continue the one before, so that each octet is copied once; False if the last is not whole."""
        parts: list[bytes] = []
        whole = True
        if self.notes.wants("obs-fold"):
            self.notes.add("obs-fold", self.at, f"the line {shown(self.octets[self.at : self.at + 41])} continues the one before")
        while whole and self._continues():
            start = self.at
            bounds = line_at(self.octets, start, self.limit, self.notes)
            if bounds is None:
                whole = False
            else:
                parts.append(self._value(text_of(self.octets, start, bounds[0], self.notes), start))
                self.at = bounds[1]
        if self._open:
            name, value, at = self.fields[-1]
            self.fields[-1] = Field(name, " ".join([value, *(str(part, "latin-1") for part in parts)]).strip(" \t"), at)
        return whole

    def _field(self, text: bytes, at: int) -> None:
        """One field line (RFC 9112 5), right or wrong."""
        name, colon, value = text.partition(b":")
        if not colon:
            self._open = False
            if self.notes.wants("field-colon"):
                self.notes.add("field-colon", at, f"the field line {shown(text)} has no colon")
            return
        bare = name.rstrip(b" \t")
        if bare != name:
            self.notes.add("space-before-colon", at + len(bare), f"whitespace is between the field name {shown(bare)} and the colon")
        if not is_token(bare):
            self.notes.add("field-name", at, f"the field name {shown(bare)} is no token" if bare else "a field name is empty")
        self._keep(bare, self._value(value, at + len(name) + 1), at)

    def _value(self, value: bytes, at: int) -> bytes:
        wrong = control_in(value)
        if wrong:
            self.notes.add("field-value", at + wrong.start(), f"a field value has the octet {value[wrong.start()]:#04x} in it")
        return value.strip(b" \t")

    def _keep(self, name: bytes, value: bytes, at: int) -> None:
        self._open = len(self.fields) < MAX_FIELDS or str(name, "latin-1").lower() in FRAMING_FIELDS
        if self._open:
            self.fields.append(Field(str(name, "latin-1"), str(value.strip(b" \t"), "latin-1"), at))


class Content:
    """Counts and digests pieces of ``octets`` without keeping them; with ``keep`` it keeps them instead, for ``octets_kept``."""

    def __init__(self, octets: bytes, *, keep: bool = False) -> None:
        self.count = 0
        self._octets, self._keep = octets, keep
        self._few = bytearray()  # small pieces are digested together: one by one would cost the most
        self._digest = hashlib.sha256()

    def add(self, start: int, stop: int) -> None:
        """Takes the piece between two offsets."""
        self.count += stop - start
        if stop - start > MANY and not self._keep:
            self._flush()
            self._digest.update(memoryview(self._octets)[start:stop])
            return
        self._few += self._octets[start:stop]
        if len(self._few) > MANY and not self._keep:
            self._flush()

    def digest(self) -> str:
        """SHA-256 of all pieces in hexadecimal, "" for no octets."""
        self._flush()
        return self._digest.hexdigest() if self.count else ""

    def octets_kept(self) -> bytes:
        """All pieces together, if they were to be kept."""
        return bytes(self._few)

    def _flush(self) -> None:
        self._digest.update(self._few)
        self._few.clear()


class Chunks:
    """Chunked content (RFC 9112 7.1) without its trailer section. ``at`` is where the reading came to; ``whole``: the last chunk is
    there; ``broken``: it is malformed so that nobody can tell how to read on.
    """

    def __init__(self, octets: bytes, at: int, notes: Notes, content: Content) -> None:
        self.octets, self.at, self.notes, self.content = octets, at, notes, content
        self.count = 0
        self.whole = self.broken = False
        self._read()

    def _read(self) -> None:
        octets, add, end = self.octets, self.content.add, len(self.octets)
        size = self._size()
        while size:
            start = self.at
            stop = start + size
            self.count += 1
            if stop > end:
                add(start, end)
                return
            add(start, stop)
            if octets.startswith(b"\r\n", stop):
                self.at = stop + 2
            elif not self._odd_end(stop):
                return
            size = self._size()
        self.whole = size == 0

    def _size(self) -> int | None:
        """The size that the line at ``at`` says; None if that cannot be told."""
        match = _good_size(self.octets, self.at)
        if match:
            self.at = at = match.end()
            if self.octets[at - 2] != 13:
                self.notes.add("bare-lf", at - 1, "the line of a chunk's size ends with LF alone")
            return int(match[1], 16)
        start = self.at
        bounds = line_at(self.octets, start, len(self.octets), self.notes)
        if bounds is None:
            if not _size_begins(self.octets[start : start + 64]):
                self._break("chunk-size", start, start + 64)
            return None
        self.at = bounds[1]
        return self._odd_size(start, bounds[0])

    def _odd_size(self, start: int, stop: int) -> int | None:
        """Of a line that has more in it than digits, or none."""
        match = _any_size(self.octets[start:stop])
        if not match or match[3][:1] not in (b"", b";", b" ", b"\t", b"\r"):
            self._break("chunk-size", start, stop)
            return None
        if match[1]:
            self.notes.add("chunk-size", start, f"whitespace is before the chunk size {shown(match[2])}")
        if not _is_extension(match[3]):
            self.notes.add("chunk-extension", start + match.start(3), f"after the chunk size stands {shown(match[3])}, no chunk extension")
        digits = match[2].lstrip(b"0")
        if len(digits) > 16:
            self._break("chunk-overflow", start, stop)
            return None
        return int(digits or b"0", 16)

    def _odd_end(self, at: int) -> bool:
        """What stands at ``at`` after a chunk's data although CRLF should; False if the reading cannot be continued."""
        there = self.octets[at : at + 2]
        if there in (b"", b"\r"):
            return False
        if there[:1] == b"\n":
            self.notes.add("bare-lf", at, "a chunk's data is followed by LF alone")
            self.at = at + 1
            return True
        self.broken = True
        self.notes.add("chunk-end", at, f"a chunk's data is followed by {shown(self.octets[at : at + 41])} instead of CRLF")
        return False

    def _break(self, code: str, start: int, stop: int) -> None:
        self.broken = True
        what = "is no chunk size" if code == "chunk-size" else "is a chunk size beyond all bounds"
        self.notes.add(code, start, f"{shown(self.octets[start : min(stop, start + 41)])} {what}")
