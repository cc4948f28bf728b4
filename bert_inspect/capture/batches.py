"""Many sentences: put into batches that waste little padding, traced one batch at a time."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, TypeVar

from msgspec import structs

from ..corpus.sentence_file import NumberedLine
from ..errors import UsageError
from ..loading.loaded import Loaded
from ..traces.edits import Edit
from ..traces.record import Input, Trace
from ..traces.selection import Selection
from .encode import Sentences, check_tokenizer, encode
from .forward import run_forward
from .keep import Keep

WINDOW = 64
"""How many batches of sentences are looked at together to sort them by length; no more are ever in memory."""


class Paired(Protocol):
    """A sentence of a file, with the second text of a pair where it has one. ``place`` is how errors call it."""

    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def pair(self) -> str | None: ...  # noqa: D102
    @property
    def place(self) -> str: ...  # noqa: D102


L = TypeVar("L", bound=Paired)


def batches(lines: Iterable[L], tokenizer: Any, *, size: int) -> Iterator[list[L]]:
    """Yield batches of ``size`` sentences of like length, each in the order of the file.

    Sentences are put together by length within a window of many batches, so that the same file always makes the same
    batches and no more than a window is held. The batches of a window come in the order of their first sentences.
    """
    rest = iter(lines)
    while window := list(islice(rest, size * WINDOW)):
        lengths = [len(encoded.ids) for encoded in encoded_alone(tokenizer, window)]
        for places in of_like_length(lengths, size=size):
            yield [window[place] for place in places]


def encoded_alone(tokenizer: Any, lines: Sequence[Paired], *, limit: int | None = None) -> Sequence[Any]:
    """Return what a fast tokenizer makes of each sentence, not padded: `Encoding` of tokenizers; cut to a limit where
    one is given.

    Raises:
        UsageError: it is not a fast one.
    """
    check_tokenizer(tokenizer)
    texts = [line.text for line in lines]
    cut = {"truncation": limit is not None, "max_length": limit}
    no_lists = {"return_attention_mask": False, "return_token_type_ids": False}  # what is returned has them
    found: Sequence[Any] = tokenizer(texts, pairs_of(lines), padding=False, verbose=False, **cut, **no_lists).encodings
    return found


def of_like_length(lengths: Sequence[int], *, size: int, tokens: int | None = None) -> list[list[int]]:
    """Put sentences of these lengths into batches of ``size``, and of so many ``tokens`` at most, with padding, unless
    one sentence has more: return the places of the sentences of each, in their order; of the batches, the one with the
    first sentence comes first.
    """
    found: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        full = not found or len(found[-1]) == size
        if full or (tokens is not None and (len(found[-1]) + 1) * lengths[place] > tokens):
            found.append([])
        found[-1].append(place)
    return sorted(map(sorted, found))


def trace_batch(
    loaded: Loaded,
    tokenizer: Any,
    batch: Sequence[Paired],
    *,
    limit: int | None,
    truncate: bool,
    selection: Selection,
    keep: Keep,
    verify: bool = False,
    edits: Sequence[Edit] = (),
) -> Trace:
    """Trace one batch; ``input.lines`` says which lines of the file its sentences are.

    Raises:
        UsageError: a sentence is too long; the message names its line.
    """
    encoded = encode_batch(tokenizer, batch, limit=limit, truncate=truncate)
    return run_forward(loaded, encoded, selection=selection, keep=keep, verify=verify, edits=edits)[0]


def encode_batch(tokenizer: Any, batch: Sequence[Paired], *, limit: int | None, truncate: bool) -> Input:
    """Tokenize one batch; ``lines`` says which lines of the file its sentences are.

    Raises:
        UsageError: a sentence is too long; the message names its line.
    """
    try:
        encoded = encode(tokenizer, _sentences(batch), limit=limit, truncate=truncate)
    except UsageError:
        # Which of them it was is found by trying them one by one, under the numbers that the file gives them.
        for line in batch:
            try:
                encode(tokenizer, _sentences([line]), limit=limit, truncate=truncate)
            except UsageError as error:
                message = error.message.replace("sentence 1", line.place)
                raise UsageError(message, error.hint) from error
        raise
    return structs.replace(encoded, lines=[line.number for line in batch])


def trace_again(loaded: Loaded, tokenizer: Any, earlier: Trace, **how: Any) -> Trace:
    """Trace the sentences of a batch once more, to be held against what was made of them; ``how`` is as for
    `trace_batch`.
    """
    batch = [NumberedLine(number, text) for number, text in zip(earlier.input.lines, earlier.input.texts, strict=True)]
    return trace_batch(loaded, tokenizer, batch, **how)


def _sentences(lines: Sequence[Paired]) -> Sentences:
    return Sentences(texts=[line.text for line in lines], pairs=pairs_of(lines))


def pairs_of(lines: Sequence[Paired]) -> list[str] | None:
    """Return the second texts; none where the first sentence has none, as then no other has."""
    return None if lines[0].pair is None else [line.pair or "" for line in lines]
