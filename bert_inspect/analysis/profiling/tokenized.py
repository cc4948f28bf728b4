"""The batches of a block of the corpus: its sentences are tokenized once, put together by length, and padded."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ...capture.batches import encode_batch, encoded_alone, of_like_length, pairs_of
from ...capture.encode import check_lengths
from ...corpus.line import Line
from ...errors import UsageError
from ...traces.record import Input


class Settings(NamedTuple):
    """How sentences are put into batches: the most of each, the most ``tokens`` of each; the most tokens of a sentence
    (``limit``), and whether longer ones are cut.
    """

    size: int
    tokens: int | None
    limit: int | None
    truncate: bool


class Batch(NamedTuple):
    """Sentences of the corpus, what the tokenizer made of each, not padded, and what the model is given."""

    lines: Sequence[Line]
    encoded: Sequence[Any]
    input: Input


def tokenized(tokenizer: Any, lines: Sequence[Line], how: Settings) -> Iterator[Batch]:
    """Yield the batches of some lines: where none is cut, the same as `batches` makes of them. What only a trace tells
    of tokens is left out of the input.

    Raises:
        UsageError: a sentence is too long, or has no tokens; names its line.
    """
    encoded = encoded_alone(tokenizer, lines)
    will_have = [len(each.ids) if how.limit is None else min(len(each.ids), how.limit) for each in encoded]
    for places in of_like_length(will_have, size=how.size, tokens=how.tokens):
        batch, found = [lines[place] for place in places], [encoded[place] for place in places]
        lengths = [len(each.ids) for each in found]
        try:
            pairs = batch[0].pair is not None
            check_lengths(tokenizer, lengths, limit=how.limit, truncate=how.truncate, pairs=pairs)
        except UsageError:
            encode_batch(tokenizer, batch, limit=how.limit, truncate=how.truncate)  # says it with the line
            raise
        if how.limit is not None and max(lengths) > how.limit:
            found = list(encoded_alone(tokenizer, batch, limit=how.limit))
        cut = [length - len(each.ids) for length, each in zip(lengths, found, strict=True)]
        yield Batch(batch, found, _padded(tokenizer, batch, found, cut=cut))


def _padded(tokenizer: Any, lines: Sequence[Line], encoded: Sequence[Any], *, cut: list[int]) -> Input:
    longest = max(len(each.ids) for each in encoded)
    left = tokenizer.padding_side == "left"

    def rows(name: str, padding: int) -> list[list[int]]:
        found = []
        for each in encoded:
            row = getattr(each, name)
            nothing = [padding] * (longest - len(row))
            found.append(nothing + row if left else row + nothing)
        return found

    if "token_type_ids" in tokenizer.model_input_names:
        types = rows("type_ids", tokenizer.pad_token_type_id)
    else:
        types = [[0] * longest for _ in encoded]  # the model is given none, and takes 0
    return Input(
        texts=[line.text for line in lines],
        pairs=pairs_of(lines),
        tokens=[],
        offsets=[],
        special=rows("special_tokens_mask", 1),
        input_ids=rows("ids", tokenizer.pad_token_id),
        token_type_ids=types,
        attention_mask=rows("attention_mask", 0),
        labels=None,
        truncated=cut,
        lines=[line.number for line in lines],
    )
