"""A file of sentences, read as they come; it needs no torch."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import UsageError

LONGEST = 1_000_000
"""The most characters of a sentence that are tokenized: a hundred times what any model sees, in a second or two."""
_LONGEST_LINE = 4 * LONGEST + 6
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


def read_lines(path: str | os.PathLike[str]) -> Iterator[NumberedLine]:
    """Yield the sentences of a file, one a line; blank lines are passed over.

    Raises:
        UsageError: the file cannot be read or is no plain file, or a line is not UTF-8 text or far too long.
    """
    try:
        if stat.S_ISFIFO(Path(path).stat().st_mode):
            raise UsageError(
                f"{path} is a pipe, and a file of sentences is read twice", "write the sentences to a file"
            )
        with Path(path).open("rb") as stream:
            number = 0
            while line := stream.readline(_LONGEST_LINE):
                number += 1
                text = _text(line, f"line {number} of {path}", first=number == 1)
                if text.strip():
                    yield NumberedLine(number, text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path}: {reason}", "name a file of sentences, one a line") from error


def check_length(text: str, which: str) -> None:
    """Refuse a sentence that would take minutes to tokenize, only to be found far too long for any model.

    Raises:
        UsageError: it has more than `LONGEST` characters; ``which`` is how the message calls it.
    """
    if len(text) > LONGEST:
        raise UsageError(
            f"{which} has more than {LONGEST:,} characters", "split it: a model sees a few hundred words at a time"
        )


def _text(line: bytes, which: str, *, first: bool) -> str:
    try:
        text = line.decode("utf-8-sig" if first else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        if len(line) == _LONGEST_LINE:  # it was cut, perhaps within a character
            check_length(line.decode("latin-1"), which)
        raise UsageError(f"{which} is not valid UTF-8 text", "save it as UTF-8") from error
    check_length(text, which)
    return text
