"""Outlier dimensions: the same few dimensions of the hidden states that are far larger than the others in most layers.

Kovaleva, Kulshreshtha, Rogers and Rumshisky ("BERT Busters: Outlier Dimensions that Disrupt Transformers", Findings of
ACL 2021) call a LayerNorm's weights outliers where they lie more than three standard deviations from the mean of its
weights, in the same dimension of most layers. Here the same rule holds of what the dimensions are over a corpus: the
root mean square of each. It is not enough: of 768 normally distributed numbers one exceeds three deviations by chance,
and the magnitudes of a randomly initialized model scatter more widely than that (ten dimensions of such a bert-base
pass). So an outlier is at least six times the median of the dimensions besides. Six is the threshold of Dettmers et al.
("LLM.int8()", NeurIPS 2022), there of single activations after a LayerNorm, whose deviation is about 1. Even where each
dimension were nothing but a fixed, normally distributed offset, which scatters the most, one in 20,000 would pass.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..record import Dimensions, Profile
from ..tensors import hidden_states

DEVIATIONS: Final = 3.0
"""So many standard deviations an outlier lies above the mean of all dimensions."""
TIMES: Final = 6.0
"""So many times it is the median of all dimensions."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Outlier:
    """A dimension that stands out. By hidden state, those alone in which it does: its root mean square, how many
    standard deviations that lies above the mean of the dimensions, and how many times the median of these it is.
    """

    dimension: int
    rms: Mapping[int, float]
    deviations: Mapping[int, float]
    times: Mapping[int, float]

    @property
    def farthest(self) -> int:
        """The hidden state in which it is the most times the median."""
        return max(self.times, key=lambda state: self.times[state])

    @property
    def most(self) -> float:
        """How many times the median it is there."""
        return self.times[self.farthest]


def magnitudes(profile: Profile) -> dict[int, Floats]:
    """Return the root mean square of each dimension of each hidden state (dimensions,), by its number; NaN where a
    number of the dimension is not finite.
    """
    return {number: rms(held.dimensions) for number, held in hidden_states(profile) if held.dimensions is not None}


def rms(dimensions: Dimensions) -> Floats:
    """Return the root mean square of each dimension (dimensions,)."""
    means, deviations = (np.array([float(each) for each in row]) for row in (dimensions.mean, dimensions.std))
    if dimensions.count < 2:  # one number deviates from nothing
        magnitude: Floats = np.abs(means)
        return magnitude
    variance = deviations**2 * ((dimensions.count - 1) / dimensions.count)
    found: Floats = np.sqrt(means**2 + variance)
    return found


def outliers(states: Mapping[int, Floats]) -> list[Outlier]:
    """Return the outlier dimensions in at least half of these hidden states, the farthest first."""
    told: dict[int, dict[int, tuple[float, float, float]]] = {}
    for number, sizes in states.items():
        for dimension, how in standing_out(sizes).items():
            told.setdefault(dimension, {})[number] = (float(sizes[dimension]), *how)
    found = [
        Outlier(
            dimension=dimension,
            rms={number: one[0] for number, one in by.items()},
            deviations={number: one[1] for number, one in by.items()},
            times={number: one[2] for number, one in by.items()},
        )
        for dimension, by in told.items()
        if 2 * len(by) >= len(states)
    ]
    return sorted(found, key=lambda one: (-one.most, one.dimension))


def largest(states: Mapping[int, Floats]) -> Outlier | None:
    """Return the dimension that is the most times the median of any hidden state, as one would tell of an outlier; None
    where there is none.
    """
    best: Outlier | None = None
    for number, sizes in states.items():
        known = sizes[np.isfinite(sizes)]
        median = float(np.median(known)) if known.size > 1 else 0.0
        if not median:
            continue
        dimension = int(np.nanargmax(sizes))
        size = float(sizes[dimension])
        if best is None or size / median > best.most:
            far = float((size - known.mean()) / (known.std(ddof=1) or 1.0))
            best = Outlier(
                dimension=dimension, rms={number: size}, deviations={number: far}, times={number: size / median}
            )
    return best


def standing_out(sizes: Floats) -> dict[int, tuple[float, float]]:
    """Return the dimensions of one hidden state that stand out, each with how many standard deviations it lies above
    the mean and how many times the median it is. What is found is set aside and the rest looked at again, until there
    is nothing more: one giant widens the deviation so far that it hides all others.
    """
    rest = np.isfinite(sizes)
    found: dict[int, tuple[float, float]] = {}
    while rest.sum() > 1:
        mean, deviation = sizes[rest].mean(), sizes[rest].std(ddof=1)
        median = float(np.median(sizes[rest]))
        far = rest & (sizes > mean + DEVIATIONS * deviation) & (sizes >= TIMES * median)
        if not far.any() or not deviation:
            break
        for dimension in np.flatnonzero(far).tolist():
            size = float(sizes[dimension])
            times = size / median if median else math.inf
            found[dimension] = (float((size - mean) / deviation), times)
        rest &= ~far
    return found
