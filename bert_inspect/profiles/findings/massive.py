"""Massive activations: a few numbers that are thousands of times as large as the rest.

Sun, Chen, Kolter and Liu ("Massive Activations in Large Language Models", COLM 2024): an activation is massive where
its magnitude exceeds 100 and is about 1000 times or more the median magnitude of its hidden state.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..buckets import quantiles_of_size
from ..record import Profile
from ..tensors import hidden_states

SIZE: Final = 100.0
TIMES: Final = 1000.0


@dataclass(frozen=True, kw_only=True)
class Massive:
    """A dimension of a hidden state that holds a massive activation: the largest of them with its sign, and how many
    times the median magnitude of the hidden state it is.
    """

    hidden_state: int
    dimension: int
    largest: float
    times: float


def massive_activations(profile: Profile) -> list[Massive]:
    """Return the dimensions that hold massive activations, the largest first."""
    return sorted(_each(profile), key=lambda one: (-abs(one.largest), one.hidden_state, one.dimension))


def _each(profile: Profile) -> Iterator[Massive]:
    for number, held in hidden_states(profile):
        if held.dimensions is None or held.numbers is None:
            continue
        (median,) = quantiles_of_size(held.numbers, [0.5])
        ends = zip(held.dimensions.min, held.dimensions.max, strict=True)
        for dimension, (low, high) in enumerate(ends):
            largest = max((float(low), float(high)), key=abs)
            if math.isfinite(largest) and abs(largest) > SIZE and abs(largest) >= TIMES * median:
                times = abs(largest) / median if median else math.inf
                yield Massive(hidden_state=number, dimension=dimension, largest=largest, times=times)
