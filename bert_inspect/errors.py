"""What can go wrong, in the user's words, and the exit code that says so to scripts."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command, as the contract fixes them."""

    OK = 0
    NO = 1
    """The answer is no (a difference, a fault, a failed proof), or the forward or the program failed."""
    USAGE = 2
    """Unusable arguments or input."""
    MODEL = 3
    """The model or its tokenizer could not be loaded."""
    TRACE = 4
    """A trace file is unreadable, damaged or of another version."""
    INTERRUPTED = 130


class BertInspectError(Exception):
    """An error that the user can act on: one line that says what was wrong, one that says what to do next."""

    exit_code = ExitCode.NO

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(BertInspectError):
    """Unusable arguments or input (exit code 2)."""

    exit_code = ExitCode.USAGE


class ModelError(BertInspectError):
    """The model or its tokenizer could not be loaded (exit code 3)."""

    exit_code = ExitCode.MODEL


class TraceFileError(BertInspectError):
    """A trace file is unreadable, damaged or of another version (exit code 4)."""

    exit_code = ExitCode.TRACE
