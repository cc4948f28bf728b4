"""From the words of a command line to sentences, or to a saved trace, checked before anything slow starts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from ..errors import UsageError
from ..terminal import as_typed, sits_at_terminal, texts_from_stdin
from .options import TextOptions

if TYPE_CHECKING:
    from ..capture.encode import Sentences
    from ..traces.record import Trace


def shows_help(context: typer.Context, texts: Sequence[str] | None) -> bool:
    """Show the command's help, on stderr, to a person who gave no sentence; say whether that was so."""
    if texts or not sits_at_terminal():
        return False
    typer.echo(context.get_help(), err=True)
    return True


def saved(text: TextOptions) -> "Trace":
    """Return the saved trace that takes the place of sentences.

    Raises:
        UsageError: sentences are given too.
        TraceFileError: it cannot be read.
    """
    from ..traces.trace_file import load_trace

    assert text.trace is not None, "asked for only where one is given"
    if text.texts:
        raise UsageError("--trace takes the place of sentences", "give one of the two")
    return load_trace(text.trace)


def sentences_of(text: TextOptions) -> "Sentences":
    """Return the sentences that a command was given, with their pairs and labels.

    Raises:
        UsageError: the labels are not numbers, or the counts do not agree.
    """
    return parse_sentences(text.texts, pair=text.pair, labels=text.labels)


def parse_sentences(
    texts: Sequence[str] | None, *, pair: Sequence[str] | None = None, labels: str | None = None
) -> "Sentences":
    """Return sentences with their pairs and labels.

    Raises:
        UsageError: the labels are not numbers, or the counts do not agree.
    """
    from ..capture.encode import Sentences

    found = _read_texts(texts)
    second = [as_typed(text) for text in pair or []]
    pairs = second * len(found) if len(second) == 1 else second or None
    return Sentences(texts=found, pairs=pairs, labels=None if labels is None else _labels(labels))


def _read_texts(texts: Sequence[str] | None) -> list[str]:
    """Return the sentences given as arguments or, for none or a ``-``, those on stdin.

    Raises:
        UsageError: there are none.
    """
    given = [as_typed(text) for text in texts or []]
    if given and given != ["-"]:
        return given
    found = texts_from_stdin()
    if not found:
        raise UsageError("there is no sentence on stdin", "send one per line; blank lines do not count")
    return found


def _labels(spec: str) -> list[float]:
    try:
        numbers = [float(part) for part in spec.split(",")]
    except ValueError as error:
        raise UsageError(f"--labels {spec!r} is not a list of numbers", "write --labels 1,0") from error
    if any(number != number or abs(number) == float("inf") for number in numbers):
        raise UsageError(f"--labels {spec!r} is not a list of finite numbers", "write --labels 1,0")
    return [int(number) if number == int(number) else number for number in numbers]
