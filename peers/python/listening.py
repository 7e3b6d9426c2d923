"""The listening socket of a TCP service, made and reported as the contract has it. Knows no service."""

from __future__ import annotations

import socket

import sockets
from report import Reporter, Silent


def listen(address: tuple[str, int], reporter: Reporter | Silent) -> socket.socket:
    """A non-blocking listener there. Raises ``OSError``: what is reported then is the service's matter."""
    made = sockets.make("tcp", address[0])
    try:
        reporter.step("created")
        sockets.reuse(made)
        made.bind(address)
        local = sockets.shown(made.getsockname())
        reporter.step("bound", local=local)
        made.listen(sockets.BACKLOG)
        reporter.step("listening", local=local)
        reporter.flush()
    except OSError:
        made.close()
        raise
    return made


def failed(reporter: Reporter | Silent, error: OSError) -> None:
    """Tells that a service could not begin; nothing comes after it."""
    reporter.step("failed", at=-1, error=sockets.error_name(error), says=str(error))
    reporter.done()
