"""The histogram of a tensor over bins of equal width, as one draws it."""

import numpy as np
from numpy.typing import NDArray

from .buckets import edges
from .record import Buckets, Numbers

Floats = NDArray[np.float64]


def bins(numbers: Numbers, count: int) -> Floats:
    """Return the share of the finite numbers in each of ``count`` bins of equal width from the smallest to the largest
    (count,); each bucket as if its numbers were spread evenly. Empty where there are no finite numbers.
    """
    if numbers.min is None or numbers.max is None:
        return np.zeros(0)
    low, high = float(numbers.min), float(numbers.max)
    if low == high:
        found = np.zeros(count)
        found[count // 2] = 1.0
        return found
    bounds = np.linspace(low, high, count + 1)
    reached = _below(numbers.positive, bounds) - _below(numbers.negative, -bounds)
    reached += numbers.zeros * (bounds >= 0)
    reached -= reached[0]
    if low == 0:
        reached[1:] += numbers.zeros
    shares: Floats = np.diff(reached)
    total = shares.sum()
    return shares / total if total > 0 else shares


def _below(side: Buckets, bounds: Floats) -> Floats:
    """Return how many numbers of one sign lie below each bound, by magnitude."""
    if not side.counts:
        return np.zeros(len(bounds))
    ends = edges(side.first, len(side.counts))
    counts = np.concatenate([[0.0], np.cumsum(side.counts, dtype=np.float64)])
    found: Floats = np.interp(bounds, ends, counts)
    return found
