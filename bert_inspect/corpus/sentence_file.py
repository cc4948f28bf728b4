"""A file of sentences, one a line, read as they come."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..errors import UsageError

LONGEST = 1_000_000
"""The most characters of a sentence that are tokenized: a hundred times what any model sees, in a second or two."""
LONGEST_LINE = 4 * LONGEST + 6
"""More bytes than such a sentence has in UTF-8, with a BOM and the end of its line."""


class NumberedLine(NamedTuple):
    """A sentence and the number of its line in the file, counted from 1."""

    number: int
    text: str

    @property
    def pair(self) -> None:
        """There is no second text."""
        return None

    @property
    def place(self) -> str:
        """How errors call it."""
        return f"line {self.number}"


class RawLine(NamedTuple):
    """The bytes of a line, its number in the file (from 1) and the byte at which it begins."""

    number: int
    offset: int
    data: bytes


def read_lines(path: str | os.PathLike[str]) -> Iterator[NumberedLine]:
    """Yield the sentences of a file, one a line; blank lines are passed over.

    Raises:
        UsageError: the file cannot be read or is no plain file, or a line is not UTF-8 text or far too long.
    """
    try:
        check_not_a_pipe(path)
        with Path(path).open("rb") as stream:
            for line in raw_lines(stream):
                text = text_of(line, f"line {line.number} of {path}")
                if text.strip():
                    yield NumberedLine(line.number, text)
    except (OSError, ValueError) as error:
        raise cannot_read(path, error) from error


def raw_lines(stream: BinaryIO, *, longest: int = LONGEST_LINE, number: int = 1, offset: int = 0) -> Iterator[RawLine]:
    """Yield the lines of a stream that stands at the beginning of line ``number``, byte ``offset``. A line of
    ``longest`` bytes or more comes in parts: whoever reads it refuses the first.
    """
    while data := stream.readline(longest):
        yield RawLine(number, offset, data)
        number += 1
        offset += len(data)


def text_of(line: RawLine, which: str) -> str:
    """Return a line as text, without its end; a BOM at the start of a file is none of it.

    Raises:
        UsageError: it is not UTF-8 text, or far too long; ``which`` is how the message calls it.
    """
    data = line.data
    try:
        text = data.decode("utf-8-sig" if line.number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        if len(data) == LONGEST_LINE:  # it was cut, perhaps within a character
            check_length(data.decode("latin-1"), which)
        raise UsageError(f"{which} is not valid UTF-8 text", "save it as UTF-8") from error
    check_length(text, which)
    return text


def check_length(text: str, which: str) -> None:
    """Refuse a sentence that would take minutes to tokenize, only to be found far too long for any model.

    Raises:
        UsageError: it has more than `LONGEST` characters; ``which`` is how the message calls it.
    """
    if len(text) > LONGEST:
        raise UsageError(
            f"{which} has more than {LONGEST:,} characters", "split it: a model sees a few hundred words at a time"
        )


def check_not_a_pipe(path: str | os.PathLike[str]) -> None:
    """Refuse a pipe: what has been read of it is gone.

    Raises:
        UsageError: it is one.
        OSError: there is no such file.
    """
    if stat.S_ISFIFO(Path(path).stat().st_mode):
        raise UsageError(f"{path} is a pipe, and a file of sentences is read twice", "write the sentences to a file")


def cannot_read(path: str | os.PathLike[str], error: Exception) -> UsageError:
    """Return the error that says why a file of sentences cannot be read."""
    reason = getattr(error, "strerror", None) or str(error)
    return UsageError(f"cannot read {path}: {reason}", "name a file of sentences, one a line")
