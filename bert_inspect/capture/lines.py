"""A file of sentences, read as they come; it needs no torch."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import UsageError


class Line(NamedTuple):
    """A sentence and the number of its line in the file, counted from 1."""

    number: int
    text: str


def read_lines(path: str | os.PathLike[str]) -> Iterator[Line]:
    """Yield the sentences of a file, one a line; blank lines are passed over.

    Raises:
        UsageError: the file cannot be read, or a line is not UTF-8 text.
    """
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - it may be a pipe, which has no path
            for number, line in enumerate(stream, start=1):
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
                except UnicodeDecodeError as error:
                    raise UsageError(f"line {number} of {path} is not valid UTF-8 text", "save it as UTF-8") from error
                if text.strip():
                    yield Line(number, text)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "name a file of sentences, one a line") from error
