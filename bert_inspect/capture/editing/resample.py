"""The activations of another sentence, to be put in the place of a batch's own."""

from collections.abc import Sequence

from torch import Tensor

from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.edits import Edit
from ...traces.record import Input
from ...traces.sentences import real_places
from ..encode import Sentences, encode, token_limit
from ..model_inputs import as_given
from .change import Change
from .keep import activations
from .survey import survey
from .targets import Target, targets


def resampled(loaded: Loaded, batch: Input, edit: Edit, target: Target) -> list[Change]:
    """Return the changes that put another sentence's activations in: of its first token for the first one of each
    sentence of the batch, and so on. Where it is shorter, its last token stands for all that follow. Padding keeps its
    own.

    Raises:
        UsageError: the other sentence is too long, or cannot be run.
    """
    other = other_sentence(loaded, edit.sentence or "")
    units = None if edit.number is None else (edit.number,)
    values = _activations(loaded, other, edit)
    return [put_in(values, other, batch, row, units=units) for row in range(len(batch.tokens))]


def put_in(
    values: Tensor, other: Input, batch: Input, row: int, *, units: Sequence[int] | None, rows: Sequence[int] = ()
) -> Change:
    """Return the change that puts another sentence's activations (1, tokens, units, numbers) in the place of those of
    one row of a batch, in whole or for some units; ``rows`` are where that row stands in the run, by default where it
    stands in the batch.
    """
    theirs, own = real_places(other, 0), real_places(batch, row)
    chosen = tuple(range(values.shape[2])) if units is None else tuple(units)
    taken = [theirs[min(place, len(theirs) - 1)] for place in range(len(own))]
    part = values[:, taken][:, :, list(chosen)]
    return Change(how="given", rows=tuple(rows) or (row,), tokens=tuple(own), units=chosen, values=part)


def other_sentence(loaded: Loaded, text: str) -> Input:
    """Return a sentence that activations are taken from, encoded.

    Raises:
        UsageError: there is no tokenizer, or it is too long.
    """
    if loaded.tokenizer is None:
        raise UsageError("without a tokenizer no other sentence can be run", "edit it by zero, mean or a number")
    limit = token_limit(loaded.tokenizer, loaded.most_tokens, None)
    try:
        return as_given(loaded, encode(loaded.tokenizer, Sentences(texts=[text]), limit=limit, truncate=False))
    except UsageError as error:
        raise UsageError(f"the sentence to resample from: {error.message}", "give a shorter one") from error


def _activations(loaded: Loaded, other: Input, edit: Edit) -> Tensor:
    """Return what a sentence has where an edit is made (1, tokens, units, numbers)."""
    assert edit.layer is not None
    (there, *more) = targets(loaded, survey(loaded, other), edit.kind, edit.layer)
    if more or not there.sees(1, len(other.tokens[0])):
        raise UsageError(
            f"{edit} cannot be done: the model computes this for a part of the tokens at a time",
            "set config.chunk_size_feed_forward to 0",
        )
    return activations(loaded, other, [there])[0][0]
