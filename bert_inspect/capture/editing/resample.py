"""The activations of another sentence, to be put in the place of a batch's own."""

from dataclasses import dataclass, field

from torch import Tensor

from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.edits import Edit
from ...traces.record import Input
from ...traces.sentences import real_places
from ..encode import Sentences, encode, token_limit
from ..model_inputs import as_given
from ..tracing.editing import EditedStep
from .change import Change
from .layout import Layout
from .run import run_edited
from .survey import survey
from .targets import Target, targets


@dataclass
class _Kept:
    """Keeps a tensor that a step returned, and changes nothing; an `Edit`."""

    layout: Layout
    found: list[Tensor] = field(default_factory=list)

    def changed(self, tensor: Tensor, received: Tensor | None) -> Tensor:
        self.found.append(self.layout.view(tensor).clone())
        return tensor


def resampled(loaded: Loaded, batch: Input, edit: Edit, target: Target) -> list[Change]:
    """Return the changes that put another sentence's activations in: of its first token for the first one of each
    sentence of the batch, and so on. Where it is shorter, its last token stands for all that follow. Padding keeps its
    own.

    Raises:
        UsageError: the other sentence is too long, or cannot be run.
    """
    other = _encoded(loaded, edit.sentence or "")
    values = _activations(loaded, other, edit)
    theirs = real_places(other, 0)
    units = tuple(range(values.shape[2])) if edit.number is None else (edit.number,)
    found = []
    for row in range(len(batch.tokens)):
        own = real_places(batch, row)
        taken = [theirs[min(place, len(theirs) - 1)] for place in range(len(own))]
        part = values[:, taken][:, :, list(units)]
        found.append(Change(how="given", rows=(row,), tokens=tuple(own), units=units, values=part))
    return found


def _encoded(loaded: Loaded, text: str) -> Input:
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
    kept = _Kept(there.layout)
    run_edited(loaded, other, {there.place: EditedStep(edit=kept, output=there.output)})
    return kept.found[0]
