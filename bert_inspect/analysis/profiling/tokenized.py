"""The batches of a block of the corpus: its sentences are tokenized once, put together by length, and padded."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ...capture.batches import encode_batch, encoded_alone, of_like_length
from ...corpus.line import Line
from ...traces.record import Input


class Settings(NamedTuple):
    """How sentences are put into batches: the most of each, the most tokens of one, and whether longer ones are cut."""

    size: int
    limit: int | None
    truncate: bool


class Batch(NamedTuple):
    """Sentences of the corpus, and what the model is given of them."""

    lines: Sequence[Line]
    input: Input


def tokenized(tokenizer: Any, lines: Sequence[Line], how: Settings) -> Iterator[Batch]:
    """Yield the batches of some lines: the same as `batches` makes of them. What nothing but a trace tells, as the text
    of each token, is left out; `one_sentence` tells it.

    Raises:
        UsageError: a sentence is too long, or has no tokens; names its line.
    """
    encoded = encoded_alone(tokenizer, lines)
    for places in of_like_length([len(each.ids) for each in encoded], size=how.size):
        batch, found = [lines[place] for place in places], [encoded[place] for place in places]
        if _fit(tokenizer, found, how.limit):
            yield Batch(batch, _padded(tokenizer, batch, found))
        else:
            yield Batch(batch, encode_batch(tokenizer, batch, limit=how.limit, truncate=how.truncate))


def one_sentence(tokenizer: Any, line: Line, how: Settings) -> Input:
    """Return one sentence with all that is known of its tokens."""
    return encode_batch(tokenizer, [line], limit=how.limit, truncate=how.truncate)


def _fit(tokenizer: Any, encoded: Sequence[Any], limit: int | None) -> bool:
    """Whether sentences can be padded as they are: none has to be cut, or refused."""
    lengths = [len(each.ids) for each in encoded]
    padding = min(lengths) == max(lengths) or tokenizer.pad_token is not None
    return min(lengths) > 0 and (limit is None or max(lengths) <= limit) and padding


def _padded(tokenizer: Any, lines: Sequence[Line], encoded: Sequence[Any]) -> Input:
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
        pairs=None if lines[0].pair is None else [line.pair or "" for line in lines],
        tokens=[],
        offsets=[],
        special=rows("special_tokens_mask", 1),
        input_ids=rows("ids", tokenizer.pad_token_id),
        token_type_ids=types,
        attention_mask=rows("attention_mask", 0),
        labels=None,
        truncated=[0 for _ in lines],
        lines=[line.number for line in lines],
    )
