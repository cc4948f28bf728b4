"""Whether what a model answers means anything, and how labels and probabilities are written."""

import math
from dataclasses import dataclass

from ...families import family_of
from ...families.heads import NO_HEAD
from ...safetext import safe_text
from ...traces.record import Input, Model
from ...traces.token_text import shown_token
from ...traces.values import Number, strict
from ...traces.vocabulary import roles
from ..words import number

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

    ``score`` is a percentage, or the raw output of a model with one class. Where several things are said of a sentence
    (labels of which each passes one half, entities, the best token at each mask) ``name`` lists them, each with its
    percentage, and ``score`` is empty.
    """

    name: str
    score: str
    means_something: bool


def means_something(model: Model) -> bool:
    """Whether the weights that make predictions are trained."""
    return model.weights not in NO_ANSWER or only_pooler_drawn(model)


def only_pooler_drawn(model: Model) -> bool:
    """Whether a model without a head lacks nothing of its checkpoint but the pooler: its hidden states are trained."""
    if model.task != NO_HEAD.task or model.weights != "partial":
        return False
    family = family_of(model.family)
    return bool(model.initialised) and all(family.part(path) == roles.POOLER for path in model.initialised)


def named(label: str, index: int, *, meant: bool) -> str:
    """Return a class by its label, or by its index where the label would pass for an answer."""
    return safe_text(label, most=LABEL) if meant else f"class {index}"


def token_name(batch: Input, row: int, place: int) -> str:
    """Return a token as it is shown."""
    return safe_text(shown_token(batch, row, place))


def percent(share: Number) -> str:
    """Return a probability in percent; one that is close to 0 or 1 is never written as if it were."""
    if isinstance(share, str) or share != share:
        return number(share)
    text = f"{100 * share:.1f} %"
    if text == "100.0 %" and share < 1:
        return "> 99.9 %"
    return "< 0.1 %" if text == "0.0 %" and share > 0 else text


def fine_percent(share: Number) -> str:
    """Return a probability in percent with two digits at least: of many tokens each may have little."""
    if isinstance(share, str) or not 0 < share < 0.001:
        return percent(share)
    return f"{100 * share:.2g} %" if share >= 1e-6 else "< 0.0001 %"


def bare(value: Number) -> float:
    """Return a probability as a plain number, 0 where it is none."""
    return 0.0 if isinstance(value, str) or value != value else float(value)


def sigmoid(logit: Number) -> Number:
    """Return the probability that a logit by itself stands for."""
    number = float(logit)
    return strict(1 / (1 + math.exp(-number)) if not number < 0 else math.exp(number) / (1 + math.exp(number)))
