"""A trace file from the disk into memory, of which no file may take more than a trace can need."""

import os
import stat
from pathlib import Path

from ..errors import TraceFileError

HOW_TO_MAKE = 'make one with: bert-inspect run "I love cats!" -o trace.json'

MOST_BYTES = 1_500_000_000
"""The longest trace file that is read: the fifty million numbers that a trace may hold are at most 1.25 GB of text."""
MOST_ITEMS = 80_000_000
"""The most items and lists that are decoded: each takes memory, however short its text is."""


def read_trace(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a trace file.

    Raises:
        TraceFileError: it is not a plain file, cannot be read, or is longer than a trace can be.
    """
    file = Path(path)
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise TraceFileError(f"{file} is not a plain file", HOW_TO_MAKE)
        if found.st_size > MOST_BYTES:
            raise TraceFileError(
                f"{file} is {found.st_size:,} bytes long, a trace is at most {MOST_BYTES:,}", HOW_TO_MAKE
            )
        with file.open("rb") as stream:
            if stream.peek(1)[:1] not in (b"{", b" ", b"\n", b"\t", b"\r"):
                # The rest of what is no JSON object need not be read.
                raise TraceFileError(f"{file} is not a trace of bert-inspect", HOW_TO_MAKE)
            return stream.read()
    except FileNotFoundError as error:
        raise TraceFileError(f"there is no file {file}", HOW_TO_MAKE) from error
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "there is not enough memory"
        raise TraceFileError(f"cannot read {file}: {reason}", HOW_TO_MAKE) from error


def read_line(path: str | os.PathLike[str], number: int) -> bytes:
    """Return one line of a file that holds a trace a line, however long the file is; lines are counted from 1.

    Raises:
        TraceFileError: it is not a plain file, cannot be read, or has no such line.
    """
    file, wanted, count = Path(path), b"", 0
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise TraceFileError(f"{file} is not a plain file", HOW_TO_MAKE)
        with file.open("rb") as stream:
            while line := stream.readline(MOST_BYTES):
                count += 1
                if count == 1 and line.endswith(b'"steps":[\n'):
                    raise TraceFileError(f"{file} holds one trace, over many lines", "leave `line` out")
                if count == number:
                    wanted = line
    except FileNotFoundError as error:
        raise TraceFileError(f"there is no file {file}", HOW_TO_MAKE) from error
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or "there is not enough memory"
        raise TraceFileError(f"cannot read {file}: {reason}", HOW_TO_MAKE) from error
    if not wanted:
        there = "one line" if count == 1 else f"{count} lines"
        raise TraceFileError(f"{file} has {there}, there is no line {number}", "lines are counted from 1")
    return wanted


def check_amount(text: bytes, name: str) -> None:
    """Refuse JSON that would take more memory than a trace can need; ``name`` is how errors call it.

    Raises:
        TraceFileError: it holds more items than any trace.
    """
    if max(text.count(b","), text.count(b"[") + text.count(b"{")) > MOST_ITEMS:
        raise TraceFileError(f"{name} holds more than {MOST_ITEMS:,} items, which no trace does", HOW_TO_MAKE)
