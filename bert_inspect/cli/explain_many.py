"""``explain --input FILE``: many sentences, explained in batches into JSON Lines, a sentence a line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, ClassVar

import typer

from ..errors import BertInspectError, ExitCode, UsageError
from ..families.heads import MULTIPLE_CHOICE
from ..terminal import Terminal, report, stdout
from . import help
from .explained import Asked
from .inputs import check_edits_of_many
from .many import BatchSize
from .outfile import check_output
from .prepare import find, load

if TYPE_CHECKING:
    from ..analysis.explain.explanation import Explanation
    from ..loading.loaded import Loaded
    from ..loading.spec import ModelSpec
    from ..traces.edits import Edit
    from ..traces.record import Input
    from .options import TextOptions


@dataclass(frozen=True, kw_only=True)
class SentenceFile:
    """A file of sentences in place of a few."""

    panel: ClassVar = help.INPUT

    input_file: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="FILE", help="Explain many sentences, one a line, into JSON Lines: one a line too."
        ),
    ] = None
    batch_size: BatchSize = 16


def explain_many(
    file: SentenceFile,
    text: "TextOptions",
    spec: "ModelSpec",
    asked: Asked,
    edits: Sequence["Edit"] = (),
    *,
    output: str | None,
    json: bool,
    terminal: Terminal,
) -> int:
    """Explain every sentence of a file, each on a line of its own, in the order of the batches.

    Raises:
        UsageError: the file cannot be read, or sentences are given besides.
    """
    name = str(file.input_file)
    if text.texts or text.pair or text.choice or (output is None and not json):
        raise UsageError(
            "--input reads its sentences from the file and writes JSON Lines",
            f"bert-inspect explain --input {name} -o why.jsonl",
        )
    target = None if output == "-" else output
    check_output(target, others=[name])
    ready = ready_for(name, text, spec, terminal, edits=edits, instead="explain one text with --choice")
    from ..capture.batches import batches, encode_batch
    from ..corpus.sentence_file import read_lines
    from ..traces.codec import encode_line

    loaded, tokenizer, count = ready.loaded, ready.tokenizer, ready.count
    wrong: list[int] = []
    with _opened(target) as stream, terminal.progress(count) as advance:
        for lines in batches(read_lines(name), tokenizer, size=file.batch_size):
            batch = encode_batch(tokenizer, lines, limit=ready.limit, truncate=text.truncate)
            for one in _by_sentence(_explained(asked, loaded, batch, edits)):
                stream.write(encode_line(one))
                wrong += [] if one.adds_up else one.input.lines
            advance(len(lines))
    terminal.say(f"{count} sentences explained" + (f", written to {target}" if target is not None else ""))
    if not wrong:
        return ExitCode.OK
    where = ", ".join(map(str, wrong[:8])) + (" ..." if len(wrong) > 8 else "")
    report(BertInspectError(f"{len(wrong)} sums differ from what the model returned by more than rounding", where))
    return ExitCode.NO


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A model that is loaded for a file of sentences: how many there are, and the most tokens one may have."""

    loaded: "Loaded"
    tokenizer: Any
    count: int
    limit: int | None


def ready_for(
    name: str,
    text: "TextOptions",
    spec: "ModelSpec",
    terminal: Terminal,
    *,
    edits: Sequence["Edit"] = (),
    instead: str,
) -> Ready:
    """Read a file of sentences through, and load the model; ``instead`` is what to do with a model that chooses.

    Raises:
        UsageError: the file cannot be read or has no sentence, or the model does nothing with sentences alone.
        ModelError: the model cannot be loaded.
    """
    from ..corpus.sentence_file import read_lines

    count = sum(1 for _ in read_lines(name))  # the whole file, before anything slow starts
    if not count:
        raise UsageError(f"there is no sentence in {name}", "write one a line; blank lines do not count")
    checkpoint = find(spec, terminal)
    if checkpoint.head is MULTIPLE_CHOICE:
        raise UsageError(
            f"{checkpoint.name} chooses between texts that may follow one, and {name} holds texts alone", instead
        )
    check_edits_of_many(edits, checkpoint.sizes)
    from ..capture.encode import token_limit
    from ..loading.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(checkpoint, notice=terminal.say)
    limit = token_limit(tokenizer, checkpoint.positions, text.max_length)
    with terminal.waiting("loading torch and the model"):
        loaded = load(checkpoint, spec, terminal, tokenizer=tokenizer)
    return Ready(loaded=loaded, tokenizer=tokenizer, count=count, limit=limit)


@contextmanager
def _opened(target: str | None) -> Iterator[BinaryIO | Any]:
    from ..files import replacing

    with stdout() if target is None else replacing(target) as stream:
        yield stream


def _explained(asked: Asked, loaded: "Loaded", batch: "Input", edits: Sequence["Edit"]) -> "Explanation":
    """Return the explanation of a batch.

    Raises:
        UsageError: a sentence has no such number; the message names its line.
    """
    from ..capture.of_line import of_line

    try:
        return asked.explained(loaded, batch, edits)
    except UsageError as error:
        raise of_line(error, batch) from error


def _by_sentence(found: "Explanation") -> "Iterator[Explanation]":
    """Yield the explanation of each sentence of a batch by itself."""
    from msgspec import structs

    from ..traces.sentences import only_row

    for answer in found.answers:
        tokens = [structs.replace(token, sentence=0) for token in answer.tokens]
        own = structs.replace(answer, sentence=0, tokens=tokens)
        yield structs.replace(found, input=only_row(found.input, answer.sentence), answers=[own])
