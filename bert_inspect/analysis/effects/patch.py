"""Activations of one run of a model put into another: which of them carry the answer over."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import torch
from msgspec import structs
from torch import Tensor

from ...capture.describe import described, environment
from ...capture.editing.run import run_edited
from ...capture.model_inputs import as_given
from ...capture.outputs.returned import returned_tensors
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.record import Input
from ...traces.sentences import only_row
from ...traces.token_text import token_texts
from ...traces.values import Number, strict
from ...traces.vocabulary import known_as
from ..explain.quantity import Quantity
from ..explain.target import check_wanted, quantities
from .patch_asked import PatchAsked, PatchMetric, check_patched
from .patch_sweep import Patch, PatchSweep, patches
from .record import FORMAT, VERSION, AnswerEffects, Effect, Effects
from .same_pattern import check_same_pattern
from .sweep import TOKENS_AT_ONCE
from .watched import held_against, metric_of

_HIDDEN_STATES: Final = PatchAsked()
_ROUNDING: Final = 32
"""So many units in the last place of the largest logit: a difference of two runs below that may be rounding alone."""


def patch(
    loaded: Loaded, batch: Input, *, asked: PatchAsked = _HIDDEN_STATES, at_once: int = TOKENS_AT_ONCE
) -> Effects:
    """Put activations of one sentence into the run of another, one after the other, and return how far each carries
    the answer over.

    Args:
        loaded: the model; afterwards it is as it was.
        batch: the clean sentence and the corrupt one.
        asked: what is put in, in which direction, and which number is watched.
        at_once: about how many tokens run in one forward; it changes nothing beyond rounding.

    Raises:
        UsageError: the tokens of the sentences cannot be paired, both give the same number, the model gives no such
            number, has no weights, or cannot be patched so.
        BertInspectError: its own forward fails.
    """
    asked.check()
    check_wanted(loaded, asked.wanted)
    if loaded.weights == "none":
        raise UsageError("without weights there are no numbers, only shapes", 'leave `weights="none"` out')
    check_patched(loaded.head)
    if len(batch.texts) != 2:
        raise UsageError("a patch takes two sentences, a clean and a corrupt one", "give these two")
    check_same_pattern(batch)
    batch = structs.replace(as_given(loaded, batch), labels=None)
    alone = [only_row(batch, row) for row in (0, 1)]
    clean, corrupt = (returned_tensors(loaded.head, run_edited(loaded, one, {})) for one in alone)
    quantity = quantities(loaded, alone[0], clean, asked.wanted)[0]
    if asked.metric == "logit-diff":
        quantity = held_against(quantity, clean, quantity.answered(corrupt))
    _Runs(quantity=quantity, metric=asked.metric, clean=clean, corrupt=corrupt).check()
    own, other = (1, 0) if asked.direction == "denoising" else (0, 1)
    of_rows = [_named(quantity, batch, row) for row in (0, 1)]
    runs = _Runs(quantity=of_rows[own], metric=asked.metric, clean=clean, corrupt=corrupt)
    sweep = PatchSweep(loaded=loaded, own=alone[own], other=alone[other], each=asked.each, at_once=at_once)
    base = (clean, corrupt)[own]
    effects = [
        runs.effect(base, made, returned, row) for made, returned, row in sweep.run(patches(loaded, batch, asked.each))
    ]
    return Effects(
        format=FORMAT,
        version=VERSION,
        environment=environment(),
        model=described(loaded),
        input=batch,
        command="patch",
        each=asked.each,
        how="clean" if asked.direction == "denoising" else "corrupt",
        metric="probability" if asked.metric == "probability" else metric_of([quantity]),
        direction=asked.direction,
        answers=[
            AnswerEffects(
                sentence=own,
                target=quantity.target,
                value=strict(runs.number(base)),
                probability=_strict(quantity.probability(base)),
                answer=of_rows[own].answer(base),
                effects=effects,
                clean=strict(runs.number(clean)),
                corrupt=strict(runs.number(corrupt)),
                clean_answer=of_rows[0].answer(clean),
                corrupt_answer=of_rows[1].answer(corrupt),
            )
        ],
    )


def _named(quantity: Quantity, batch: Input, row: int) -> Quantity:
    """Return a number of which the answers are named by the tokens of that sentence, where they are tokens."""
    of_tokens = quantity.tensor in (known_as.START_LOGITS, known_as.END_LOGITS)
    return replace(quantity, names=token_texts(batch, row)) if of_tokens else quantity


class _Runs:
    """The two runs of a patch, between whose numbers those of patched runs are measured."""

    def __init__(
        self, *, quantity: Quantity, metric: PatchMetric, clean: Mapping[str, Tensor], corrupt: Mapping[str, Tensor]
    ) -> None:
        self._quantity, self._metric, self._clean, self._corrupt = quantity, metric, clean, corrupt

    def number(self, returned: Mapping[str, Tensor], row: int = 0) -> float:
        """Return the number that is watched, of one row of what the model returned."""
        quantity = self._quantity.in_row(row)
        if self._metric == "logit-diff":
            return float(quantity.of(returned).double())
        share = quantity.probability(returned)
        if share is None:
            raise UsageError("this model gives a bare number, not a probability", 'leave `metric="probability"` out')
        return share

    def check(self) -> None:
        """Refuse two runs whose numbers cannot be told apart: there is nothing to carry over, and no share of it.

        Raises:
            UsageError: says what they are.
        """
        clean, corrupt = self.number(self._clean), self.number(self._corrupt)
        logits = self._clean[self._quantity.tensor]
        largest = 1.0 if self._metric == "probability" else _largest(self._quantity, self._clean, self._corrupt)
        if not abs(clean - corrupt) > _ROUNDING * torch.finfo(logits.dtype).eps * largest:
            raise UsageError(
                f"the clean and the corrupt run give the same number within rounding ({clean:.6g} and {corrupt:.6g}): "
                "there is no difference of which a patch could be a part",
                "give a corrupt sentence that the model answers otherwise",
            )

    def effect(self, base: Mapping[str, Tensor], made: Patch, returned: Mapping[str, Tensor], row: int) -> Effect:
        """Return what one patch does."""
        quantity, there = self._quantity, self._quantity.in_row(row)
        value, before = self.number(returned, row), self.number(base)
        clean, corrupt = self.number(self._clean), self.number(self._corrupt)
        # towards the other run: from the corrupt one to the clean one, or from the clean one to the corrupt one
        whole = clean - corrupt if base is self._corrupt else corrupt - clean
        share, own = there.probability(returned), quantity.probability(base)
        flips = there.answered(returned) != quantity.answered(base)
        return Effect(
            edits=[made.place],
            layer=made.layer,
            number=made.number,
            tokens=list(made.tokens),
            value=strict(value),
            effect=strict(value - before),
            probability=_strict(share),
            probability_change=None if share is None or own is None else strict(share - own),
            flips=flips,
            answer=there.answer(returned) if flips else "",
            normalised=strict((value - before) / whole),
        )


def _largest(quantity: Quantity, *several: Mapping[str, Tensor]) -> float:
    return max(float(quantity.beside(returned).abs().max()) for returned in several)


def _strict(number: float | None) -> Number | None:
    return None if number is None else strict(number)
