"""What is shown of each task's output: the line above the tree, the picture below it, a word on its numbers."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import RenderableType

from ...families import heads
from ...traces.output import Output
from ...traces.record import Trace
from . import choices, classes, entities, masks, replaced, similarity, spans
from .class_table import ClassTable
from .meaning import Answer


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one kind of head is shown.

    Attributes:
        title: what its answers are called.
        answers: the answer to each sentence, in short.
        shown: all of it as a renderable.
        notes: what has to be known to read its numbers.
    """

    title: str
    answers: Callable[[Trace, Output], list[Answer]]
    shown: Callable[[Trace, Output], RenderableType]
    notes: Callable[[Trace, Output], list[str]]


def outcome_of(trace: Trace) -> Outcome:
    """Return how the output of a trace is shown, by its task."""
    if trace.output is not None and trace.model.task == heads.REPLACED_TOKENS.task and trace.output.tokens:
        return _REPLACED_TOKENS  # ELECTRA's task bears the name of another one
    return _BY_TASK.get(trace.model.task, _CLASSES)


def _none(trace: Trace, output: Output) -> list[str]:
    return []


def _one_text(trace: Trace, output: Output) -> list[str]:
    return [spans.ONE_TEXT] if trace.input.pairs is None else []


def _no_mask(trace: Trace, output: Output) -> list[str]:
    return [] if output.masks else [masks.NO_MASK]


def _of_pre_training(trace: Trace, output: Output) -> list[str]:
    return [*_no_mask(trace, output), *([classes.ONE_TEXT] if classes.lacks_pair(trace) else [])]


def _of_similarity(trace: Trace, output: Output) -> list[str]:
    return [] if output.pooled is None else [similarity.how(trace, output.pooled)]


_CLASSES = Outcome(title="prediction", answers=classes.answers, shown=ClassTable, notes=classes.notes)
_REPLACED_TOKENS = Outcome(title="prediction", answers=replaced.answers, shown=replaced.shown, notes=_none)
_BY_TASK = {
    heads.SEQUENCE_CLASSIFICATION.task: _CLASSES,
    heads.NEXT_SENTENCE.task: _CLASSES,
    heads.TOKEN_CLASSIFICATION.task: Outcome(
        title="entities", answers=entities.answers, shown=entities.shown, notes=entities.notes
    ),
    heads.QUESTION_ANSWERING.task: Outcome(title="answer", answers=spans.answers, shown=spans.shown, notes=_one_text),
    heads.MASKED_LM.task: Outcome(title="prediction", answers=masks.answers, shown=masks.shown, notes=_no_mask),
    heads.PRE_TRAINING.task: Outcome(
        title="prediction", answers=masks.pre_training_answers, shown=masks.pre_training, notes=_of_pre_training
    ),
    heads.MULTIPLE_CHOICE.task: Outcome(title="choice", answers=choices.answers, shown=choices.shown, notes=_none),
    heads.NO_HEAD.task: Outcome(
        title="similarity", answers=similarity.answers, shown=similarity.shown, notes=_of_similarity
    ),
}
