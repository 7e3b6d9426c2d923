"""What was said over a connection that was followed, read as the protocol that it is known to speak.

Owns which reader is whose, and how much of long messages is kept. What is said is theirs.
"""

from __future__ import annotations

import msgspec

from harness.model.http import Message
from harness.model.talk import Said
from harness.model.wire import Flow
from harness.wire import ftp, http, smtp
from harness.wire.observe import Followed, Side

_MESSAGES, _HEAD, _VALUE = 32, 2048, 128
"""Of a connection that speaks HTTP: messages, octets of a head that are kept whole, characters of a value in a longer one."""


def read(followed: Followed, talk: str) -> tuple[Flow, tuple[ftp.Transfer, ...]]:
    """The connection with what was said over it, and where it says that data connections are."""
    flow, client, server = followed.flow, followed.client, followed.server
    transfers: tuple[ftp.Transfer, ...] = ()
    if talk == "http":
        requests, responses = _messages(client, server)
        flow = msgspec.structs.replace(flow, requests=requests, responses=responses, talk=talk)
    elif talk == "smtp":
        said = smtp.dialogue(client.stream.data(), server.stream.data(), client.left_at, server.left_at)
        flow = msgspec.structs.replace(flow, dialogue=said, talk=talk)
    elif talk == "ftp":
        said, transfers = ftp.dialogue(client.stream.data(), server.stream.data(), client.left_at, server.left_at)
        flow = msgspec.structs.replace(flow, dialogue=said, talk=talk)
    return flow, transfers


def carried(transfer: ftp.Transfer, followed: Followed, number: int) -> tuple[Flow, Said]:
    """The data connection of a transfer, and what it carried, for the dialogue; ``number``: that of its first frame."""
    sender = followed.client if ftp.SENDERS[transfer.verb] == "client" else followed.server
    flow = msgspec.structs.replace(followed.flow, talk="data")
    return flow, ftp.carried(transfer, flow, sender.stream.data() if transfer.lines else b"", sender.left_at(0)[0], number)


def _messages(client: Side, server: Side) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """What was said over a connection that speaks HTTP."""
    requests = http.requests(client.stream.data(), bool(client.fin or client.rst or server.rst))
    responses = http.responses(server.stream.data(), [m.method for m in requests], bool(server.fin or server.rst or client.rst))
    return _slim(requests), _slim(responses)


def _slim(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Their facts without what takes much room: at most so many, and long values cut."""
    return tuple(m if m.head_end - m.start <= _HEAD else _cut(m) for m in messages[:_MESSAGES])


def _cut(m: Message) -> Message:
    fields = tuple((name[:_VALUE], value[:_VALUE]) for name, value in m.fields[:_MESSAGES])
    return msgspec.structs.replace(m, target=m.target[:_VALUE], method=m.method[:_VALUE], reason=m.reason[:_VALUE], fields=fields, trailers=())
