"""How far the numbers of one step moved."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..buckets import unpacked
from ..findings.ranges import Range, ranges
from ..record import Numbers
from ..tensors import Tensor


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How far a tensor moved from A to B.

    ``distance`` is the total variation distance of the two histograms (half the sum of the differences of the buckets'
    shares): the share of the numbers that would have to go into another bucket for the two to be alike, 0 to 1.
    ``chance`` is what it would be on average, were both samples of one distribution and their numbers independent; 0
    where both are of the same sentences. ``mean`` is how far the mean moved, in standard deviations of A, ``std`` how
    many times the deviation of A that of B is; NaN where these are not defined.
    """

    a: Range
    b: Range
    distance: float
    chance: float
    mean: float
    std: float


def shift(a: Tensor, b: Tensor, *, paired: bool) -> Shift | None:
    """Return how far a tensor moved; None where one of them has no numbers. ``paired``: over the same sentences."""
    if a.numbers is None or b.numbers is None:
        return None
    (one,), (other,) = ranges([a]), ranges([b])
    deviation = _number(a.numbers.std)
    moved = _number(b.numbers.mean) - _number(a.numbers.mean)
    return Shift(
        a=one,
        b=other,
        distance=distance(a.numbers, b.numbers),
        chance=0.0 if paired else by_chance(a.numbers, b.numbers),
        mean=moved / deviation if deviation else 0.0 if moved == 0 else math.nan,
        std=_number(b.numbers.std) / deviation if deviation else math.nan,
    )


def distance(a: Numbers, b: Numbers) -> float:
    """Return the total variation distance of two histograms; zeros, NaN and infinities are a bucket each."""
    if not a.count or not b.count:
        return 0.0 if a.count == b.count else 1.0
    return float(np.abs(_counts(a) / a.count - _counts(b) / b.count).sum() / 2)


def by_chance(a: Numbers, b: Numbers) -> float:
    """Return the distance that two histograms of independent samples of one distribution have on average: of each
    bucket the mean size of a normally distributed difference of two shares.
    """
    if not a.count or not b.count:
        return 0.0
    share = (_counts(a) + _counts(b)) / (a.count + b.count)
    variance = share * (1 - share) * (1 / a.count + 1 / b.count)
    return float(np.sqrt(2 / np.pi * variance).sum() / 2)


def _counts(numbers: Numbers) -> NDArray[np.float64]:
    others = np.array([numbers.zeros, numbers.nan, numbers.inf], dtype=np.float64)
    return np.concatenate([unpacked(numbers.negative), unpacked(numbers.positive), others])


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
