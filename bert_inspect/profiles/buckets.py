"""A histogram whose buckets are the leading bits of a float32: sign, exponent and the top bits of the fraction.

A bucket is as wide as 1/16 of the power of two that it lies above, so that whatever it holds lies within 1/32 of its
middle, relative to the number; counts are integers, which merge in any order. After the log-spaced buckets of DDSketch
(Masson, Rim and Lee, VLDB 2019), which the bits of a float give without a logarithm.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .record import Buckets, Numbers

FRACTION_BITS = 4
SHIFT = 23 - FRACTION_BITS
"""How many bits of a float32 are left out."""
SIDE = 1 << 8 + FRACTION_BITS
"""How many buckets there are of one sign; the positive ones come first."""
ERROR = 2.0 ** -(FRACTION_BITS + 1)
"""How far a quantile may lie from the exact one, relative to that."""

Counts = NDArray[np.int64]


def edges(first: int, count: int) -> NDArray[np.float64]:
    """Return where ``count`` buckets of positive numbers begin, from bucket ``first`` on, and where the last ends."""
    numbers = np.arange(first, first + count + 1, dtype=np.int64)
    exponent, fraction = numbers >> FRACTION_BITS, numbers & ((1 << FRACTION_BITS) - 1)
    small = exponent == 0  # subnormal: no leading 1
    found: NDArray[np.float64] = np.ldexp(
        fraction / (1 << FRACTION_BITS) + ~small, np.where(small, -126, exponent - 127).astype(np.int64)
    )
    return found


def packed(counts: Counts) -> Buckets:
    """Return the counts of one sign without the empty buckets at both ends."""
    there = np.flatnonzero(counts)
    if not there.size:
        return Buckets()
    first, last = int(there[0]), int(there[-1])
    return Buckets(first=first, counts=counts[first : last + 1].tolist())


def unpacked(buckets: Buckets) -> Counts:
    """Return the counts of all buckets of one sign.

    Raises:
        ValueError: there are no such buckets.
    """
    counts = np.zeros(SIDE, dtype=np.int64)
    last = buckets.first + len(buckets.counts)
    if not 0 <= buckets.first <= last <= SIDE or min(buckets.counts, default=0) < 0:
        raise ValueError("no such buckets")
    counts[buckets.first : last] = buckets.counts
    return counts


def quantiles(numbers: Numbers, shares: list[float]) -> list[float]:
    """Return, for each share, the number below or at which that share of the finite numbers lies (the smallest such
    number that is there, as ``numpy.quantile`` with ``method="inverted_cdf"``): within `ERROR` of it, relative to it.
    """
    if numbers.min is None or numbers.max is None:
        return [float("nan")] * len(shares)
    middles, counts = zip(*_by_size(numbers), strict=True)
    reached = np.cumsum(counts)
    places = [
        min(int(np.searchsorted(reached, max(np.ceil(share * reached[-1]), 1))), len(middles) - 1) for share in shares
    ]
    return [min(max(middles[place], float(numbers.min)), float(numbers.max)) for place in places]


def quantiles_of_size(numbers: Numbers, shares: list[float]) -> list[float]:
    """Return the same of the absolute values."""
    if numbers.min is None or numbers.max is None:
        return [float("nan")] * len(shares)
    low, high = float(numbers.min), float(numbers.max)
    sizes = Numbers(
        count=numbers.count,
        nan=numbers.nan,
        inf=numbers.inf,
        zeros=numbers.zeros,
        min=0.0 if low <= 0 <= high else min(abs(low), abs(high)),
        max=max(abs(low), abs(high)),
        mean=None,
        std=None,
        total="",
        squares="",
        negative=Buckets(),
        positive=packed(unpacked(numbers.positive) + unpacked(numbers.negative)),
    )
    return quantiles(sizes, shares)


def share_below(numbers: Numbers, size: float) -> float:
    """Return which share of the finite numbers is smaller than ``size`` in absolute value, zeros among them; of the
    bucket in which ``size`` lies a part, as if its numbers were spread evenly.
    """
    finite = numbers.count - numbers.nan - numbers.inf
    if not finite:
        return float("nan")
    below = float(numbers.zeros)
    for side in (numbers.negative, numbers.positive):
        if side.counts:
            ends = edges(side.first, len(side.counts))
            part = np.clip((size - ends[:-1]) / np.diff(ends), 0.0, 1.0)
            below += float(part @ np.array(side.counts, dtype=np.float64))
    return below / finite


def _by_size(numbers: Numbers) -> Iterator[tuple[float, int]]:
    """Yield the middle of each bucket and its count, from the lowest to the highest."""
    for middle, count in reversed([*_middles(numbers.negative)]):
        yield -middle, count
    yield 0.0, numbers.zeros
    yield from _middles(numbers.positive)


def _middles(buckets: Buckets) -> Iterator[tuple[float, int]]:
    ends = edges(buckets.first, len(buckets.counts))
    yield from zip(((ends[:-1] + ends[1:]) / 2).tolist(), buckets.counts, strict=True)
