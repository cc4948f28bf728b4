"""From the words of a command line to sentences, or to a saved trace, checked before anything slow starts."""

import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import TraceFileError, UsageError
from ..quoting import quoted, typed
from ..terminal import Terminal, as_typed, sits_at_terminal, texts_from_stdin
from .help import short_help
from .options import TextOptions

if TYPE_CHECKING:
    from ..capture.encode import Sentences
    from ..traces.edits import Edit
    from ..traces.record import Trace


def shows_help(context: typer.Context, texts: Sequence[str] | None) -> bool:
    """Show five lines of help, on stderr, to a person who gave no sentence; say whether that was so."""
    if texts or not sits_at_terminal():
        return False
    typer.echo(short_help(context), err=True)
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
    try:
        return load_trace(text.trace)
    except TraceFileError as error:
        if error.hint is None or "`line=" not in error.hint:
            raise
        one = typed(["bert-inspect", "show", text.trace, "--line", "1", "-o", "one.json"])
        raise TraceFileError(error.message, f"{one} saves the first alone") from error


def check_no_edits(edits: "Sequence[Edit]") -> None:
    """Refuse to edit a run that is over.

    Raises:
        UsageError: something is to be edited.
    """
    if edits:
        raise UsageError(
            "--ablate runs the model, which a saved trace does not hold", "give the sentences in place of --trace"
        )


def check_edits_of_many(edits: "Sequence[Edit]", sizes: Mapping[str, int]) -> None:
    """Refuse edits that cannot be made of every sentence of a file; ``sizes`` are those of the model.

    Raises:
        UsageError: the model has no such part, or an edit is of tokens.
    """
    from ..traces.edits import check_edits

    check_edits(edits, sizes)
    for edit in edits:
        if edit.kind == "token":
            raise UsageError(
                f"--ablate {edit.spec} edits the tokens of one sentence, and --input reads many",
                "give that sentence in place of --input",
            )


def sentences_of(text: TextOptions, terminal: Terminal, *, apart: bool = False) -> "Sentences":
    """Return the sentences that a command was given, with their pairs and labels; what was perhaps meant otherwise is
    told on stderr. ``apart`` says that the sentences cannot have been meant as one.

    Raises:
        UsageError: a label is no finite number, or the counts do not agree.
    """
    found = parse_sentences(text.texts, pair=text.pair, choices=text.choice, labels=text.labels)
    say_what_is_odd(text.texts or (), terminal, apart=apart)
    return found


def say_what_is_odd(texts: Sequence[str], terminal: Terminal, *, apart: bool = False) -> None:
    """Say so where words were perhaps meant to be one sentence, unless they stand ``apart``, or a text names a file."""
    given = [as_typed(text) for text in texts]
    if given == ["-"]:
        return
    if not apart and len(given) > 1 and not any(len(text.split()) > 1 for text in given):
        terminal.say(
            f"each of these {len(given)} words is a sentence of its own: for one sentence write it in quotes, "
            f"{quoted(' '.join(given))}"
        )
    for text in given:
        if _is_file(text):
            terminal.say(
                f"{text} is taken as a sentence: to read the sentences in the file of that name, one a line, write "
                f"- < {shlex.quote(text)} in its place, or bert-inspect run --input {shlex.quote(text)}"
            )


def _is_file(text: str) -> bool:
    with suppress(OSError, ValueError):  # far too long for a name, a NUL in it
        return Path(text).is_file()
    return False


def parse_sentences(
    texts: Sequence[str] | None,
    *,
    pair: Sequence[str] | None = None,
    choices: Sequence[str] | None = None,
    labels: str | None = None,
) -> "Sentences":
    """Return sentences with their pairs and labels.

    Raises:
        UsageError: a label is no finite number, or the counts do not agree.
    """
    from ..capture.encode import Sentences

    found = _read_texts(texts)
    second = [as_typed(text) for text in pair or []]
    pairs = second * len(found) if len(second) == 1 else second or None
    return Sentences(
        texts=found,
        pairs=pairs,
        choices=[as_typed(choice) for choice in choices] if choices else None,
        labels=None if labels is None else _labels(labels),
    )


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


def _labels(spec: str) -> list[float | str]:
    """Return the indices of classes, or their names, that are written with commas between them."""
    labels: list[float | str] = []
    for part in spec.split(","):
        name = part.strip()
        try:
            number = float(name)
        except ValueError:
            if not name:
                raise UsageError(f"--labels {spec!r} has an empty label", "write --labels 1,0") from None
            labels.append(name)
            continue
        if number != number or abs(number) == float("inf"):
            raise UsageError(f"--labels {spec!r} is not a list of finite numbers", "write --labels 1,0")
        labels.append(int(number) if number == int(number) else number)
    return labels
