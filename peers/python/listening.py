"""What every http service tells before its stack takes over: the listening socket, made and reported as the contract has it. Knows no stack."""

from __future__ import annotations

import socket
from typing import Any

import sockets
from report import Reporter


def listen(command: dict[str, Any], reporter: Reporter) -> socket.socket | None:
    """The listener that the command asks for, or None, and the failure is reported."""
    made = sockets.make("tcp", command["address"])
    try:
        reporter.step("created")
        sockets.reuse(made)
        made.bind((command["address"], command["port"]))
        local = sockets.shown(made.getsockname())
        reporter.step("bound", local=local)
        made.listen(sockets.BACKLOG)
        reporter.step("listening", local=local)
        reporter.flush()
    except OSError as error:
        made.close()
        reporter.step("failed", at=-1, error=sockets.error_name(error), says=str(error))
        reporter.done()
        return None
    return made
