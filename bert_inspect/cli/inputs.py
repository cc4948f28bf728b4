"""From the words of a command line to sentences, and to a located model, checked before anything slow starts."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import typer

from ..errors import UsageError
from ..terminal import Terminal, as_typed, sits_at_terminal, texts_from_stdin

if TYPE_CHECKING:
    from ..capture.encode import Sentences
    from ..loading.loaded import Loaded
    from ..loading.locate import Checkpoint
    from ..traces.record import Input
    from ..traces.selection import Selection


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """Everything that the command line says about the model."""

    name: str
    download: bool = False
    weights: Literal["auto", "pretrained", "random", "none"] = "auto"
    num_labels: int | None = None
    seed: int = 123
    attention: Literal["eager", "sdpa"] = "eager"
    device: str = "cpu"
    dtype: str | None = None
    allow_missing: bool = False
    tokenizer_only: bool = False

    def locate(self, terminal: Terminal, *, notice: Callable[[str], None] | None = None) -> "Checkpoint":
        """Find the checkpoint, without torch; ``--verbose`` tells where. What is odd goes to ``notice``, or to stderr.

        Raises:
            ModelError: it is not there, or is not a BERT.
            UsageError: the current folder is gone.
        """
        from ..loading.locate import keep_off_the_network, locate

        try:
            os.getcwd()  # transformers asks for it, and cannot be imported without  # noqa: PTH109
        except OSError as error:
            raise UsageError("the folder that you are in is not there any more", "go to another: cd") from error
        if not self.download:
            keep_off_the_network()
        weights = "none" if self.tokenizer_only and not self.download else self.weights
        found = locate(self.name, weights=weights, download=self.download, notice=notice or terminal.say)
        terminal.detail(f"model {found.name}: {found.folder or 'built in'}, weights {found.weights}")
        return found

    def load(
        self, checkpoint: "Checkpoint", terminal: Terminal, *, notice: Callable[[str], None] | None = None
    ) -> "Loaded":
        """Load the model; imports torch. What is odd about its weights goes to ``notice``, else to stderr.

        Raises:
            ModelError: it cannot be loaded.
        """
        from ..loading.model import load

        return load(
            checkpoint,
            num_labels=self.num_labels,
            seed=self.seed,
            attention=self.attention,
            device=self.device,
            dtype=self.dtype,
            allow_missing=self.allow_missing,
            notice=notice or terminal.say,
        )


def shows_help(context: typer.Context, texts: Sequence[str] | None) -> bool:
    """Show the command's help, on stderr, to a person who gave no sentence; say whether that was so."""
    if texts or not sits_at_terminal():
        return False
    typer.echo(context.get_help(), err=True)
    return True


def read_texts(texts: Sequence[str] | None) -> list[str]:
    """Return the sentences given as arguments or, for none or a ``-``, those on stdin.

    Raises:
        UsageError: there are none.
    """
    given = [as_typed(text) for text in texts or []]
    if given and given != ["-"]:
        return given
    found = texts_from_stdin()
    if not found:
        raise UsageError("there is no sentence on stdin", "send one a line; blank lines do not count")
    return found


def parse_sentences(texts: Sequence[str] | None, *, pair: Sequence[str] | None, labels: str | None) -> "Sentences":
    """Return the sentences with their pairs and labels.

    Raises:
        UsageError: the labels are not numbers, or the counts do not agree.
    """
    from ..capture.encode import Sentences

    found = read_texts(texts)
    second = [as_typed(text) for text in pair or []]
    pairs = second * len(found) if len(second) == 1 else second or None
    return Sentences(texts=found, pairs=pairs, labels=None if labels is None else _labels(labels))


def _labels(spec: str) -> list[float]:
    try:
        numbers = [float(part) for part in spec.split(",")]
    except ValueError as error:
        raise UsageError(f"--labels {spec!r} is not a list of numbers", "write --labels 1,0") from error
    if any(number != number or abs(number) == float("inf") for number in numbers):
        raise UsageError(f"--labels {spec!r} is not a list of finite numbers", "write --labels 1,0")
    return [int(number) if number == int(number) else number for number in numbers]


def check_before_loading(
    checkpoint: "Checkpoint", sentences: "Sentences", selection: "Selection", num_labels: int | None
) -> None:
    """Refuse what the configuration alone shows to be impossible.

    Raises:
        UsageError: a layer or a label that the model does not have.
    """
    from ..capture.encode import check_labels

    selection.check_layers(checkpoint.layers)
    if sentences.labels is not None:
        check_labels(sentences.labels, num_labels=num_labels or checkpoint.labels)


def encode_sentences(
    checkpoint: "Checkpoint",
    sentences: "Sentences",
    *,
    max_length: int | None,
    truncate: bool,
    terminal: Terminal,
) -> "Input":
    """Tokenize with the checkpoint's tokenizer, without torch, and say on stderr what was cut or is empty.

    Raises:
        ModelError: the tokenizer cannot be loaded.
        UsageError: a sentence is too long.
    """
    from ..capture.encode import cut_words, encode, token_limit
    from ..loading.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(checkpoint, notice=terminal.say)
    limit = token_limit(tokenizer, checkpoint.positions, max_length)
    batch = encode(tokenizer, sentences, limit=limit, truncate=truncate)
    for number, cut in enumerate(batch.truncated):
        if cut:
            words = cut_words(batch, number)
            shown = " ".join(words[:8]) + (f" ... ({len(words) - 8} more words)" if len(words) > 8 else "")
            tokens = f"{cut} token" + ("s" if cut > 1 else "")
            terminal.say(f"sentence {number + 1}: {tokens} cut to keep to {limit}: {shown}")
    for number, text in enumerate(sentences.texts, start=1):
        if not text.strip():
            terminal.say(f"sentence {number} is blank: only the special tokens go in")
    return batch
