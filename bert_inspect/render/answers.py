"""What the model answers, and whether that means anything: with a head drawn at random no label is an answer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..safetext import safe_text
from ..traces.lookup import class_name
from ..traces.record import Model, Trace
from ..traces.values import Number
from .words import number

LABEL = 200
"""The characters of a label that are shown."""

HALF = 0.5
"""The probability from which on a label of several is given."""
_ACTIVATED = 8

NO_ANSWER = {
    "partial": "randomly initialized head: predictions are meaningless",
    "random": "randomly initialized: values and predictions are meaningless",
    "none": "no weights: only shapes were computed",
}
"""Why a prediction means nothing, by the weights of the model."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What is said of one sentence: the label, or only the class where the head is random; and how sure the model is.

    ``score`` is a percentage, or the raw output of a model with one class. Of a model that gives several labels
    ``name`` lists those that pass one half, each with its percentage, and ``score`` is empty.
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
    if output.probabilities is not None and gives_several(trace.model):
        return [_several(trace.model, row, meant=meant) for row in output.probabilities]
    return [
        Answer(
            name=named(prediction.label, prediction.index, meant=meant) if len(logits) > 1 else "score",
            score=number(prediction.score) if output.probabilities is None else percent(prediction.score),
            means_something=meant,
        )
        for prediction, logits in zip(output.predictions, output.logits, strict=True)
    ]


def gives_several(model: Model) -> bool:
    """Whether a sentence may have several labels, each with a probability of its own."""
    return model.config.get("problem_type") == "multi_label_classification"


def passes(share: Number) -> bool:
    """Whether a label of several is given."""
    return not isinstance(share, str) and share >= HALF


def _several(model: Model, row: Sequence[Number], *, meant: bool) -> Answer:
    given = [place for place, share in enumerate(row) if passes(share)]
    given.sort(key=lambda place: -float(row[place]))
    told = [f"{named(class_name(model, place), place, meant=meant)} {percent(row[place])}" for place in given]
    return Answer(name=", ".join(told) or "no label reaches 50 %", score="", means_something=meant)


def notes(trace: Trace) -> list[str]:
    """Return what has to be known to read the scores: what they are where they are no shares of one whole."""
    output, config = trace.output, trace.model.config
    if output is None or not means_something(trace.model):
        return []
    if output.probabilities is not None:
        several = "a sentence may have several labels: each probability is a sigmoid of its own logit"
        return [several] if gives_several(trace.model) else []
    name = _activation(config)
    if name in ("", "identity"):
        return ["the score is the model's raw output (logit): no activation is applied to it"]
    told = f"the score is the raw output (logit); config.json names an activation for it, {safe_text(name, most=LABEL)}"
    if name != "sigmoid":
        return [told]
    scores = [_sigmoid(prediction.score) for prediction in output.predictions[:_ACTIVATED]]
    more = " ..." if len(output.predictions) > _ACTIVATED else ""
    return [f"{told}: {', '.join(map(number, scores))}{more}"]


def _activation(config: Mapping[str, Any]) -> str:
    """Return the activation that a cross-encoder's configuration names, in lower case and without its package; empty
    where it names none. sentence-transformers writes it (``CrossEncoder.save``), since 4.0 under a key of its own.
    """
    own = config.get("sentence_transformers")
    name = own.get("activation_fn") if isinstance(own, Mapping) else None
    name = name or config.get("sbert_ce_default_activation_function")
    return str(name).rpartition(".")[2].lower() if isinstance(name, str) else ""


def _sigmoid(logit: Number) -> Number:
    if isinstance(logit, str) or logit != logit:
        return logit
    return 1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1 + math.exp(logit))


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
