"""What the model answers, and whether that means anything: with a head drawn at random no label is an answer."""

from dataclasses import dataclass

from ..safetext import safe_text
from ..traces.record import Model, Trace
from ..traces.values import Number
from .words import number

LABEL = 200
"""The characters of a label that are shown."""

NO_ANSWER = {
    "partial": "randomly initialized head: predictions are meaningless",
    "random": "randomly initialized: values and predictions are meaningless",
    "none": "no weights: only shapes were computed",
}
"""Why a prediction means nothing, by the weights of the model."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is said of one sentence: the label, or only the class where the head is random; and how sure the model is.

    ``score`` is a percentage, or the raw output of a regression.
    """

    name: str
    score: str
    means_something: bool


def means_something(model: Model) -> bool:
    """Whether the weights that make predictions are trained."""
    return model.weights not in NO_ANSWER


def answers(trace: Trace) -> list[Answer]:
    """Return the answer to every sentence; none where the forward failed or computed no numbers."""
    output = trace.output
    if output is None:
        return []
    meant = means_something(trace.model)
    return [
        Answer(
            name=named(prediction.label, prediction.index, meant=meant) if len(logits) > 1 else "score",
            score=number(prediction.score) if output.probabilities is None else percent(prediction.score),
            means_something=meant,
        )
        for prediction, logits in zip(output.predictions, output.logits, strict=True)
    ]


def named(label: str, index: int, *, meant: bool) -> str:
    """Return a class by its label, or by its index where the label would pass for an answer."""
    return safe_text(label, most=LABEL) if meant else f"class {index}"


def percent(share: Number) -> str:
    """Return a probability in percent; one that is close to 0 or 1 is never written as if it were."""
    if isinstance(share, str) or share != share:
        return number(share)
    text = f"{100 * share:.1f} %"
    if text == "100.0 %" and share < 1:
        return "> 99.9 %"
    return "< 0.1 %" if text == "0.0 %" and share > 0 else text
