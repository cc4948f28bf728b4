"""One ablation, ready to be made of any batch of sentences: what is edited is found once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs
from torch import Tensor

from ...capture.editing.plan import token_of
from ...capture.editing.run import run_edited
from ...capture.model_inputs import as_given
from ...capture.outputs.plain_numbers import nested
from ...capture.outputs.returned import returned_tensors
from ...errors import UsageError
from ...families.heads import MULTIPLE_CHOICE
from ...loading.loaded import Loaded
from ...traces.record import Input
from ...traces.sentences import only_row
from ...traces.values import strict
from ..explain.quantity import Quantity
from ..explain.target import check_wanted
from .asked import OF_MODEL, Asked
from .importance import importance, steepness
from .record import AnswerEffects, Effect, Metric
from .replacement import Replacements
from .sweep import Sweep
from .units import Unit, units_of_model, units_of_sentence
from .watched import metric_of, watched


@dataclass(frozen=True, kw_only=True)
class Made:
    """What an ablation does to a batch: to each answer, and the gradients of heads (sentences, layers, heads), None
    where they were not asked for. ``metric`` says which number was watched.
    """

    answers: list[AnswerEffects]
    steepness: Tensor | None
    metric: Metric


class Ablation:
    """An ablation of a model; means are taken over all its batches.

    Raises:
        UsageError: the model gives no such number, has no weights, or cannot be edited so.
        BertInspectError: its own forward fails.
    """

    def __init__(self, loaded: Loaded, asked: Asked, batches: Sequence[Input], *, at_once: int) -> None:
        check_wanted(loaded, asked.wanted)
        if loaded.weights == "none":
            raise UsageError("without weights there are no numbers, only shapes", 'leave `weights="none"` out')
        asked.check()
        self._loaded, self._asked, self._at_once = loaded, asked, at_once
        self._mask = token_of(loaded.tokenizer, "mask")
        self.how = asked.edit()
        self.layers = list(range(loaded.layers)) if asked.layer is None else [asked.layer]
        self._units: list[Unit] | None = None
        self._replacements: Replacements | None = None
        if asked.each in OF_MODEL:
            self._units = units_of_model(loaded, asked.each, self.how, asked.layer)
            given = [as_given(loaded, batch) for batch in batches]
            self._replacements = Replacements(loaded=loaded, batches=given, how=self.how, layers=self.layers)
        elif self._mask is None:
            raise UsageError(
                "this model's vocabulary has no mask to put in the place of tokens", 'take heads: `each="head"`'
            )

    def of(self, batch: Input) -> Made:
        """Return what it does to a batch.

        Raises:
            UsageError: the model gives no such number for a sentence, or the sentence has no words.
            BertInspectError: the model's own forward fails.
        """
        loaded = self._loaded
        batch = structs.replace(as_given(loaded, batch), labels=None)
        unedited = returned_tensors(loaded.head, run_edited(loaded, batch, {}))
        found = watched(loaded, batch, unedited, self._asked.wanted)
        steep = steepness(loaded, batch, found)[:, self.layers] if self._asked.importance else None
        answers = [self._answer(batch, quantity, unedited) for quantity in found]
        if steep is not None:
            answers = [
                structs.replace(answer, importance=nested(each))
                for answer, each in zip(answers, importance(steep), strict=True)
            ]
        return Made(answers=answers, steepness=steep, metric=metric_of(found))

    def _answer(self, batch: Input, quantity: Quantity, unedited: Mapping[str, Tensor]) -> AnswerEffects:
        units = self._units
        if units is None:
            assert self._mask is not None
            units = units_of_sentence(batch, quantity.row, self._asked.each, mask=self._mask[0])
        whole = self._loaded.head is MULTIPLE_CHOICE
        sweep = Sweep(
            loaded=self._loaded,
            own=batch if whole else only_row(batch, quantity.row),
            quantity=quantity,
            replacements=self._replacements,
            mask=None if self._mask is None else self._mask[0],
            at_once=self._at_once,
        )
        return _effects(sweep, unedited, units)


def _effects(sweep: Sweep, unedited: Mapping[str, Tensor], units: Sequence[Unit]) -> AnswerEffects:
    quantity = sweep.quantity
    value, share = _number(quantity, unedited), quantity.probability(unedited)
    answered = quantity.answered(unedited)
    effects = []
    for unit, returned, row in sweep.run(units):
        there = quantity.in_row(row)
        after, probability = _number(there, returned), there.probability(returned)
        flips = there.answered(returned) != answered
        change = None if share is None or probability is None else strict(probability - share)
        effects.append(
            Effect(
                edits=[str(edit) for edit in unit.edits],
                layer=unit.layer,
                number=unit.number,
                tokens=unit.tokens,
                value=strict(after),
                effect=strict(after - value),
                probability=None if probability is None else strict(probability),
                probability_change=change,
                flips=flips,
                answer=there.answer(returned) if flips else "",
            )
        )
    return AnswerEffects(
        sentence=quantity.row,
        target=quantity.target,
        value=strict(value),
        probability=None if share is None else strict(share),
        answer=quantity.answer(unedited),
        effects=effects,
    )


def _number(quantity: Quantity, returned: Mapping[str, Tensor]) -> float:
    return float(quantity.of(returned).double())
