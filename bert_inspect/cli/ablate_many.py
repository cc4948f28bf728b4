"""``ablate --input FILE``: the mean effects over many sentences."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from ..errors import UsageError
from ..terminal import Terminal
from . import help
from .explain_many import ready_for
from .many import BatchSize

if TYPE_CHECKING:
    from ..analysis.effects.asked import Asked
    from ..analysis.effects.record import Effects
    from ..loading.spec import ModelSpec
    from .options import TextOptions


@dataclass(frozen=True, kw_only=True)
class ManySentences:
    """A file of sentences in place of a few."""

    panel: ClassVar = help.INPUT

    input_file: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="FILE", help="The mean effects over many sentences, one a line, with 95 % intervals."
        ),
    ] = None
    batch_size: BatchSize = 16


def ablate_many(
    file: ManySentences, text: "TextOptions", spec: "ModelSpec", asked: "Asked", terminal: Terminal
) -> "Effects":
    """Return the mean effects over the sentences of a file.

    Raises:
        UsageError: the file cannot be read, sentences are given besides, or there is no mean of what is asked for.
        ModelError: the model cannot be loaded.
    """
    from ..analysis.effects.asked import OF_SENTENCE

    name = str(file.input_file)
    if text.texts or text.pair or text.choice:
        raise UsageError("--input reads its sentences from the file", f"bert-inspect ablate --input {name}")
    if asked.each in OF_SENTENCE:
        told = f"each sentence of {name} has {asked.each}s of its own: there is no mean over them"
        raise UsageError(told, "leave --input out, or take --each head")
    ready = ready_for(name, text, spec, terminal, edits=asked.layers(), instead="ablate one text with --choice")
    from ..analysis.effects.ablate import ablate_means
    from ..capture.batches import batches, encode_batch
    from ..corpus.sentence_file import read_lines

    encoded = [
        encode_batch(ready.tokenizer, lines, limit=ready.limit, truncate=text.truncate)
        for lines in batches(read_lines(name), ready.tokenizer, size=file.batch_size)
    ]
    with terminal.progress(ready.count) as advance:
        return ablate_means(ready.loaded, encoded, asked=asked, advance=advance)
