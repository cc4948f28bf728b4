"""Which effects are shown: a few as they stand, of many the largest."""

import math
from collections.abc import Sequence
from typing import TypeVar

from ...analysis.effects.record import Effect, Effects, Mean
from ..words import plural

TOP = 10
_IN_ORDER = 32
"""So many rows are shown in the order of the model, or of the sentence."""
_UNORDERED = ("head", "neuron", "layer-token")
"""Of these there are so many that the largest come first."""
_NAMES = {"layer-token": "hidden state"}


Shown = TypeVar("Shown", Effect, Mean)


def size_of(effect: Effect | Mean) -> float:
    """Return how large an effect is, whichever its sign; what is no number comes first."""
    number = float(effect.effect)
    return math.inf if math.isnan(number) else abs(number)


def shown(found: Effects, effects: Sequence[Shown], *, every: bool) -> tuple[str, list[Shown]]:
    """Return the effects that are shown, with a title for them: all in order, or the largest first."""
    if every or (found.each not in _UNORDERED and len(effects) <= _IN_ORDER):
        return "", list(effects)
    top = sorted(effects, key=lambda effect: -size_of(effect))[:TOP]
    return f"the {len(top)} largest effects of {plural(len(effects), _NAMES.get(found.each, found.each))}", top
