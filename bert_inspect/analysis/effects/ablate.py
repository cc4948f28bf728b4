"""What a model's answer loses with each of its parts, or each token, taken away: one after the other."""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import structs

from ...capture.describe import described, environment
from ...capture.model_inputs import as_given
from ...capture.of_line import of_line
from ...capture.outputs.plain_numbers import nested
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.edits import Edit
from ...traces.record import Input
from ..explain.explanation import Target
from ..explain.wanted import Wanted
from .ablation import Ablation
from .asked import OF_SENTENCE, Asked
from .importance import importance
from .means import joined, means
from .record import FORMAT, VERSION, AnswerEffects, Effects, Watched
from .sweep import TOKENS_AT_ONCE

_HEADS: Final = Asked()


def ablate(loaded: Loaded, batch: Input, *, asked: Asked = _HEADS, at_once: int = TOKENS_AT_ONCE) -> Effects:
    """Edit each unit in turn, for each sentence of a batch, and return what that does to its answer.

    Args:
        loaded: the model; afterwards it is as it was.
        batch: the sentences.
        asked: what is edited, how, and which number is watched.
        at_once: about how many tokens run in one forward; it changes nothing beyond rounding.

    Raises:
        UsageError: the model gives no such number, has no weights, or cannot be edited so.
        BertInspectError: its own forward fails.
    """
    ablation = Ablation(loaded, asked, [batch], at_once=at_once)
    made = ablation.of(batch)
    return structs.replace(_record(loaded, asked, ablation.how, batch), metric=made.metric, answers=made.answers)


def ablate_means(
    loaded: Loaded,
    batches: Sequence[Input],
    *,
    asked: Asked = _HEADS,
    at_once: int = TOKENS_AT_ONCE,
    advance: Callable[[int], None] = lambda _: None,
) -> Effects:
    """Edit each unit in turn, for each sentence of many batches, and return the mean effects with their intervals.
    ``advance`` is told after each batch how many sentences it had.

    Raises:
        UsageError: as for `ablate`; or what is edited is not the same in each sentence.
        BertInspectError: the model's own forward fails.
    """
    if asked.each in OF_SENTENCE:
        raise UsageError(
            f"each sentence has {asked.each}s of its own: there is no mean over them", "ablate them one by one"
        )
    ablation = Ablation(loaded, asked, batches, at_once=at_once)
    answers: list[AnswerEffects] = []
    sizes, metric = [], None
    for batch in batches:
        try:
            made = ablation.of(batch)
        except UsageError as error:
            raise of_line(error, batch) from error
        answers += made.answers
        metric = metric or made.metric
        sizes += [] if made.steepness is None else list(made.steepness.abs())
        advance(len(batch.texts))
    mean_size = importance(sum(sizes) / len(sizes)) if sizes else None
    return structs.replace(
        _record(loaded, asked, ablation.how, joined(batches)),
        metric=metric or "logit-diff",
        means=means(answers),
        watched=_watched(answers[0].target, asked.wanted),
        importance=[] if mean_size is None else nested(mean_size),
    )


def _record(loaded: Loaded, asked: Asked, how: Edit, batch: Input) -> Effects:
    return Effects(
        format=FORMAT,
        version=VERSION,
        environment=environment(),
        model=described(loaded),
        input=structs.replace(as_given(loaded, batch), labels=None),
        command="ablate",
        each=asked.each,
        how=_written(how),
        layer=asked.layer,
        metric="logit-diff",
        answers=[],
    )


def _watched(found: Target, wanted: Wanted) -> Watched:
    """Return what was asked for, by the names that the model has for it."""
    return Watched(
        what=found.what,
        target=None if wanted.target is None else found.of.label,
        against=None if wanted.against is None or found.against is None else found.against.label,
        token=wanted.token,
    )


def _written(how: Edit) -> str:
    """Return how each unit is edited, as it is written: ``zero``, ``mean``, ``resample:"..."``, a number."""
    return str(how).removeprefix(how.spec).removeprefix("=") or "zero"
