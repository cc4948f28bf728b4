"""Which hidden dimensions of a run lie far from what a corpus showed of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..record import Dimensions, Profile
from ..tensors import hidden_states
from .margin import margin

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a corpus showed of a hidden state by dimension, each (dimensions,); ``margin`` is what rounding may add."""

    low: Floats
    high: Floats
    mean: Floats
    std: Floats
    margin: float


@dataclass(frozen=True, kw_only=True)
class State:
    """The farthest number of each dimension of a hidden state, each (dimensions,): its ``value``, the number of its
    ``token`` among the real ones, how many standard ``deviations`` it lies from the corpus's mean (NaN where that is
    not defined), and whether it lies ``beyond`` the corpus.
    """

    bounds: Bounds
    value: Floats
    token: NDArray[np.int64]
    deviations: Floats
    beyond: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class FarDimension:
    """A dimension where it lies farthest: in which hidden state, at which of the real tokens, its value there and what
    the corpus showed of it there. ``states`` are all hidden states in which it goes beyond the corpus.
    """

    dimension: int
    hidden_state: int
    token: int
    value: float
    low: float
    high: float
    mean: float
    deviations: float
    beyond: bool
    states: list[int]


def bounds_of(corpus: Profile) -> dict[int, Bounds]:
    """Return what a profile holds of each hidden state, by its number."""
    found = {}
    for number, held in hidden_states(corpus):
        if held.dimensions is not None and held.dimensions.count:
            found[number] = _bounds(held.dimensions, held.output.dtype)
    return found


def _bounds(found: Dimensions, dtype: str) -> Bounds:
    low, high, mean, std = (
        np.array([float(each) for each in row]) for row in (found.min, found.max, found.mean, found.std)
    )
    ends = np.abs(np.concatenate([low, high]))
    return Bounds(low=low, high=high, mean=mean, std=std, margin=margin(dtype, ends[np.isfinite(ends)].max(initial=0)))


def state_of(values: Floats, bounds: Bounds) -> State:
    """Return the farthest number of each dimension of a hidden state (tokens, dimensions). Of the largest and the
    smallest that is the one beyond the corpus; of two such or none, the one more deviations from its mean.
    """
    finite = np.isfinite(values)
    ends = np.stack([np.where(finite, values, -np.inf).argmax(axis=0), np.where(finite, values, np.inf).argmin(axis=0)])
    numbers = np.take_along_axis(values, ends, axis=0)  # (2, dimensions)
    with np.errstate(all="ignore"):
        deviations = (numbers - bounds.mean) / bounds.std
        beyond = (numbers > bounds.high + bounds.margin) | (numbers < bounds.low - bounds.margin)
    beyond &= np.isfinite(numbers)
    far = np.where(beyond, np.inf, np.nan_to_num(np.abs(deviations), nan=-1.0, posinf=-1.0))
    both = beyond.all(axis=0)
    far[:, both] = np.nan_to_num(np.abs(deviations[:, both]), nan=-1.0)
    chosen = far.argmax(axis=0)[None]

    def of(each: Floats) -> Floats:
        found: Floats = np.take_along_axis(each, chosen, axis=0)[0]
        return found

    return State(
        bounds=bounds,
        value=of(numbers),
        token=np.take_along_axis(ends, chosen, axis=0)[0],
        deviations=np.where(np.isfinite(of(deviations)), of(deviations), np.nan),
        beyond=np.take_along_axis(beyond, chosen, axis=0)[0],
    )


def far_dimensions(states: Mapping[int, State], most: int) -> list[FarDimension]:
    """Return the dimensions that lie farthest, each once: those beyond the corpus before the others, each group by
    standard deviations.
    """
    best: dict[int, tuple[bool, float, int]] = {}
    for number, state in states.items():
        sizes = np.nan_to_num(np.abs(state.deviations), nan=0.0)
        for dimension, (beyond, size) in enumerate(zip(state.beyond.tolist(), sizes.tolist(), strict=True)):
            if (beyond, size) > best.get(dimension, (False, 0.0))[:2]:
                best[dimension] = beyond, size, number
    order = sorted(best, key=lambda dimension: (not best[dimension][0], -best[dimension][1], dimension))
    return [_far(states, dimension, best[dimension][2]) for dimension in order[:most]]


def _far(states: Mapping[int, State], dimension: int, number: int) -> FarDimension:
    state = states[number]
    return FarDimension(
        dimension=dimension,
        hidden_state=number,
        token=int(state.token[dimension]),
        value=float(state.value[dimension]),
        low=float(state.bounds.low[dimension]),
        high=float(state.bounds.high[dimension]),
        mean=float(state.bounds.mean[dimension]),
        deviations=float(state.deviations[dimension]),
        beyond=bool(state.beyond[dimension]),
        states=[each for each, other in states.items() if other.beyond[dimension]],
    )
