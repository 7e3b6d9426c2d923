"""Every error that a user may meet, in the order in which a run can meet them.

Each says what happened, where, why and what to do, and whose matter it is; ``exit_code`` is what the command
line ends with. Foreign exceptions are translated into these at the border where they arise.
"""

from __future__ import annotations

EXIT_OK, EXIT_FAILURES, EXIT_USAGE, EXIT_ENVIRONMENT, EXIT_INTERRUPTED = 0, 1, 2, 3, 130


class ParleyError(Exception):
    """Anything that ends a command with a message instead of a traceback."""

    exit_code = EXIT_ENVIRONMENT
    whose = "harness"

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n  {self.hint}" if self.hint else self.what


class UsageError(ParleyError):
    """The command line asks for something that is not there or makes no sense."""

    exit_code = EXIT_USAGE
    whose = "command line"


class SpecError(ParleyError):
    """A spec, requirement or schema file is wrong: ``problems`` are (file, line, column, sentence), counted from 1."""

    exit_code = EXIT_USAGE
    whose = "spec"

    def __init__(self, problems: list[tuple[str, int, int, str]]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"{name}:{line}:{col}: {says}" for name, line, col, says in problems))


class ManifestError(ParleyError):
    """A ``peer.toml`` is missing, unreadable or says something that the contract page does not allow."""

    exit_code = EXIT_USAGE
    whose = "manifest"


class ToolError(ParleyError):
    """A tool that a peer is built or launched with is neither here nor to be had."""

    whose = "set-up"


class BuildError(ParleyError):
    """A peer's build ended with an error; the message carries its last lines."""

    whose = "set-up"


class NetworkError(ParleyError):
    """The asked-for network cannot be made on this machine."""

    whose = "environment"


class LaunchError(ParleyError):
    """A peer could not be brought to life: no such program, no engine, no image."""

    whose = "set-up"


class ContractError(ParleyError):
    """A peer broke the contract on its control channel: it is that peer's matter, never the harness's."""

    whose = "peer"


class StorageError(ParleyError):
    """The run's folder cannot be made or written: results so far are kept as far as they were written."""

    whose = "environment"
