"""Coverage-guided fuzzing of the HTTP reader: ``python -m tests.fuzz.fuzz_http [-runs=N] [-max_total_time=SECONDS] FOLDER``.

What must hold of it for any octets is here too, for hypothesis (``test_wire_http.py``). The options, and what goes into FOLDER, are those
of ``fuzz_wire.py``.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from pathlib import Path

if __name__ == "__main__":
    import atheris

    with atheris.instrument_imports(include=["harness.wire"]):
        from harness.wire import http
else:
    from harness.wire import http

from harness.model.http import PROBLEMS, Message

BOUNDS = {"-runs": "50000", "-max_total_time": "30", "-max_len": "1024", "-timeout": "10", "-seed": "1"}
METHODS = ("GET", "HEAD", "CONNECT", "POST")
FRAMINGS = ("none", "length", "chunked", "close", "tunnel")

REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /b?c=%20 HTTP/1.0\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a:80\r\nContent-Length: 3\r\n\r\nabcOPTIONS * HTTP/1.1\r\nhost:\r\n\r\n",
    b'PUT /a HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;a="b\\"";c\r\nabc\r\n0\r\nX: y\r\n\r\n',
    b"\r\nGET  /a HTTP/1.1\nHost: a\nA: b\n c\n\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
]
RESPONSES = [
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 304 \r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nsomething else",
]


def check_octets(octets: bytes) -> None:
    """All of it: as requests and as responses, whether the stream ended or not."""
    for ended in (False, True):
        check_messages(octets, http.requests(octets, ended), ended)
        check_messages(octets, http.responses(octets, METHODS, ended), ended)
        check_messages(octets, http.responses(octets, (), ended), ended)


def check_messages(octets: bytes, messages: tuple[Message, ...], ended: bool) -> None:
    """Offsets in order and within the octets; only the last message is incomplete, and it covers the rest."""
    assert len(messages) <= http.MAX_MESSAGES
    offsets = [0, *itertools.chain.from_iterable((m.start, m.head_end, m.end) for m in messages), len(octets)]
    assert all(a <= b for a, b in itertools.pairwise(offsets)), offsets
    assert all(m.complete for m in messages[:-1])
    assert not messages or messages[-1].complete or messages[-1].end == len(octets)
    assert messages or not octets
    for before, message in zip((None, *messages), messages, strict=False):
        _check_message(octets, message, before.end if before else 0)
    rest = octets[messages[-1].end :] if messages else b""
    assert not rest.strip(b"\r\n") or len(messages) == http.MAX_MESSAGES
    assert not ended or not messages or messages[-1].complete or messages[-1].problems


def _check_message(octets: bytes, message: Message, earliest: int) -> None:
    assert len(message.line) <= 200 and message.framing in FRAMINGS
    assert len(message.fields) <= 256 and len(message.trailers) <= 256
    assert len(message.problems) <= 16 and len({p.code for p in message.problems}) == len(message.problems)
    for problem in message.problems:
        assert problem.code in PROBLEMS and problem.says and earliest <= problem.at <= len(octets), problem
    content = http.content(octets, message)
    assert len(content) == message.octets
    assert message.digest == (hashlib.sha256(content).hexdigest() if content else "")


def main(arguments: list[str]) -> None:
    given = {argument.partition("=")[0] for argument in arguments}
    options = [f"{name}={value}" for name, value in BOUNDS.items() if name not in given]
    folder = Path(arguments[-1])
    (folder / "corpus").mkdir(parents=True, exist_ok=True)
    for number, octets in enumerate((*REQUESTS, *RESPONSES)):
        (folder / "corpus" / f"seed-{number}").write_bytes(octets)
    prefix = f"-artifact_prefix={folder}/"
    atheris.Setup([sys.argv[0], *options, *arguments[:-1], prefix, str(folder / "corpus")], check_octets)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
