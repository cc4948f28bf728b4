"""The classes of whole sentences, as the page shows them."""

from dataclasses import dataclass

from ...safetext import safe_text
from ...traces.lookup import gives_several_labels
from ...traces.record import Trace
from ...traces.values import Number
from ..outcome.classes import ONE_TEXT, class_label, lacks_pair, passes, predicted
from ..outcome.meaning import NO_ANSWER, bare, means_something, percent
from ..words import number
from .facts import SENTENCES

_LABELS = 8


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What the model says of a sentence: its answer, the classes with their scores, and how many more there are."""

    text: str
    pair: str | None
    answer: str
    means_something: bool
    scores: list["Score"]
    more: int


@dataclass(frozen=True, kw_only=True)
class Score:
    """What the model says of a class; ``given`` is whether it is the sentence's label, which the loss compares with."""

    label: str
    logit: str
    probability: str
    share: float
    chosen: bool
    given: bool


def predictions(trace: Trace) -> list[Prediction]:
    """Return what the model says of the first sentences."""
    output, batch = trace.output, trace.input
    if output is None:
        return []
    told, all_logits = [], output.class_logits
    meant = means_something(trace.model) and not lacks_pair(trace)
    nothing = ONE_TEXT if lacks_pair(trace) else NO_ANSWER.get(trace.model.weights, "")
    said = predicted(trace, output)
    for row, prediction in enumerate(output.predictions[:SENTENCES]):
        logits = all_logits[row]
        shares = output.probabilities[row] if output.probabilities is not None else []
        given = [place for place, share in enumerate(shares) if _is_given(trace, share, place, prediction.index)]
        scores = [
            Score(
                label=class_label(trace, output, place),
                logit=number(logit),
                probability=percent(shares[place]) if shares else "",
                share=bare(shares[place]) if shares else 0.0,
                chosen=meant and place in given,
                given=_is_label(trace, row, place),
            )
            for place, logit in enumerate(logits[:_LABELS])
        ]
        told.append(
            Prediction(
                text=safe_text(batch.texts[row]),
                pair=None if batch.pairs is None else safe_text(batch.pairs[row]),
                answer=said[row].name if meant else nothing,
                means_something=meant,
                scores=scores,
                more=max(0, len(logits) - _LABELS),
            )
        )
    return told


def _is_label(trace: Trace, row: int, place: int) -> bool:
    labels = trace.input.labels
    if labels is None or trace.output is None or trace.output.loss is None:
        return False
    label = labels[row]
    if isinstance(label, list):
        return len(label) > place and label[place] == 1
    return isinstance(label, int) and label == place and len(trace.output.class_logits[row]) > 1


def _is_given(trace: Trace, share: Number, place: int, largest: int) -> bool:
    return passes(share) if gives_several_labels(trace.model) else place == largest
