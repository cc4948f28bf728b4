"""Which number is watched while a model is edited: a logit held against the largest of the others."""

import math
from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from ...capture.outputs.classes import Returned, probabilities_of
from ...capture.outputs.plain_numbers import largest
from ...loading.loaded import Loaded
from ...traces.record import Input
from ...traces.values import strict
from ..explain.explanation import Logit
from ..explain.quantity import Quantity
from ..explain.target import quantities
from ..explain.wanted import Wanted
from .record import Metric

_OF_SEVERAL = ("class", "token label", "token at a mask", "choice")
"""What is chosen out of several, of which one has the second largest logit."""


def watched(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    """Return the number of each sentence of a batch: that of the answer, or of what is asked for, against what is asked
    for or else the largest of the others. A number that stands alone, or whose probability hangs on no other, is
    watched by itself.

    Raises:
        UsageError: the model gives no such number.
    """
    found = quantities(loaded, batch, returned, wanted)
    return [held_against(quantity, returned) for quantity in found]


def metric_of(found: Sequence[Quantity]) -> Metric:
    """Return what kind of number is watched."""
    if all(quantity.against is not None for quantity in found):
        return "logit-diff"
    return "score" if all(quantity.scale == "none" for quantity in found) else "logit"


def held_against(quantity: Quantity, returned: Returned, other: int | None = None) -> Quantity:
    """Return a number held against ``other`` of its `Quantity.names`, by default the one of the largest of the other
    logits; as it is where it is held against one already, stands alone, or has a probability that hangs on no other.
    """
    target = quantity.target
    if quantity.against is not None or target.what not in _OF_SEVERAL or quantity.scale != "softmax":
        return quantity
    logits = quantity.beside(returned)
    if len(logits) < 2:
        return quantity
    if other is None or other == quantity.index[-1]:
        numbers = logits.tolist()
        numbers[quantity.index[-1]] = -math.inf
        other = largest(numbers)
    shares = probabilities_of(logits, quantity.scale)
    name = quantity.names[other] if other < len(quantity.names) else f"LABEL_{other}"
    told = Logit(
        index=other,
        label=name,
        logit=strict(float(logits[other])),
        probability=None if shares is None else strict(float(shares[other])),
    )
    return replace(
        quantity,
        against=(*quantity.index[:-1], other),
        target=structs.replace(target, against=told, log_odds=len(logits) == 2),
    )
