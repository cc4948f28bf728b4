"""Many sentences: read as they come, put into batches that waste little padding, traced one batch at a time."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from msgspec import structs

from ..errors import UsageError
from ..record import Trace
from ..selection import Selection
from .encode import Sentences, encode
from .forward import Loaded, run_forward
from .notes import Keep

_WINDOW = 64
"""How many batches of sentences are looked at together to sort them by length; no more are ever in memory."""


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


def batches(lines: Iterable[Line], tokenizer: Any, *, size: int) -> Iterator[list[Line]]:
    """Yield batches of ``size`` sentences of like length.

    Sentences are sorted within a window of many batches, so that the same file always makes the same batches and no
    more than a window is held.
    """
    rest = iter(lines)
    while window := list(islice(rest, size * _WINDOW)):
        encoded = tokenizer([line.text for line in window], padding=False, truncation=False, verbose=False)
        lengths = {line.number: len(ids) for line, ids in zip(window, encoded["input_ids"], strict=True)}
        window.sort(key=lambda line: lengths[line.number])
        for start in range(0, len(window), size):
            yield window[start : start + size]


def trace_batch(
    loaded: Loaded,
    tokenizer: Any,
    batch: Sequence[Line],
    *,
    limit: int | None,
    truncate: bool,
    selection: Selection,
    keep: Keep,
) -> Trace:
    """Trace one batch; ``input.lines`` says which lines of the file its sentences are.

    Raises:
        UsageError: a sentence is too long; the message names its line.
    """
    try:
        encoded = encode(tokenizer, Sentences(texts=[line.text for line in batch]), limit=limit, truncate=truncate)
    except UsageError:
        if len(batch) == 1:
            raise
        # Which of them it was is found by trying them one by one, under the numbers that the file gives them.
        for line in batch:
            try:
                encode(tokenizer, Sentences(texts=[line.text]), limit=limit, truncate=truncate)
            except UsageError as error:
                message = error.message.replace("sentence 1", f"line {line.number}")
                raise UsageError(message, error.hint) from error
        raise
    encoded = structs.replace(encoded, lines=[line.number for line in batch])
    return run_forward(loaded, encoded, selection=selection, keep=keep)[0]
