"""How far two tensors are apart, in plain numbers, whatever they were compared by."""

import math
from dataclasses import dataclass

from ..traces.record import Stats
from ..traces.values import Number

_EXACT = 1e-13
"""Statistics are sums in float64: another order of the entries changes their last digits."""


@dataclass(frozen=True)
class Tolerance:
    """What is allowed for an entry of magnitude ``m``: ``base + slope * m``."""

    base: float
    slope: float

    def at(self, magnitude: float) -> float:
        """Return what is allowed at a magnitude."""
        return self.base + self.slope * magnitude


@dataclass(frozen=True)
class Gap:
    """The distance of two tensors. ``excess`` is the largest difference in multiples of what was allowed, ``allowed``
    is what was allowed there, ``place`` is where.
    """

    max_abs: float
    largest: float
    excess: float
    allowed: float
    cosine: float | None = None
    place: tuple[int, ...] | None = None
    note: str = ""

    @property
    def max_rel(self) -> float:
        """The largest difference over the largest magnitude."""
        return ratio(self.max_abs, self.largest)


def ratio(difference: float, of: float) -> float:
    """Return a quotient: 0 of nothing, and infinite where anything is compared with nothing."""
    if difference == 0:
        return 0.0
    return difference / of if of > 0 and math.isfinite(difference) else math.inf


def gap_of_statistics(
    a: Stats, b: Stats, *, allowed: Tolerance, averages: float, masked: float | None, entries: int
) -> Gap:
    """Return how far two tensors are apart by their statistics: at least as far as their extremes, means and spreads.

    ``averages`` is what is allowed of an average as a part of what is allowed of an entry.
    """
    worst = Gap(0.0, 0.0, 0.0, 0.0)
    largest = 0.0
    masks = masked is not None and any((_number(s.min) or 0.0) < masked or s.inf for s in (a, b))
    if a == b:
        ends = (_number(a.max),) if masks else (_number(a.min), _number(a.max))
        return Gap(0.0, max((abs(end) for end in ends if end is not None), default=0.0), 0.0, 0.0)
    for name in ("nan",) if masks else ("nan", "inf"):
        if (n := getattr(a, name)) != (m := getattr(b, name)):
            return Gap(math.inf, math.inf, math.inf, 0.0, note=f"A has {n:,} {name} of {entries:,}, B has {m:,}")
    if masks:
        counts = _masked_entries(a, entries), _masked_entries(b, entries)
        if None not in counts and counts[0] != counts[1]:
            note = f"A hides {counts[0]:,} of {entries:,} scores, B {counts[1]:,}"
            return Gap(math.inf, math.inf, math.inf, 0.0, note=note)
    for name in ("max",) if masks else ("min", "max", "mean", "std"):
        x, y = _number(getattr(a, name)), _number(getattr(b, name))
        if x is None or y is None:
            if (x is None) != (y is None):
                return Gap(math.inf, math.inf, math.inf, 0.0, note=f"only one of the two has a {name}")
            continue
        difference, magnitude = abs(x - y), max(abs(x), abs(y))
        largest = max(largest, magnitude if name in ("min", "max") else 0.0)
        room = allowed.at(magnitude) * (averages if name in ("mean", "std") else 1.0)
        if difference <= _EXACT * (magnitude + allowed.at(magnitude)):
            continue
        if (times := ratio(difference, room)) >= worst.excess:
            worst = Gap(max(worst.max_abs, difference), 0.0, times, room, note=f"by the {_WORDS[name]}")
    if not worst.excess:
        return Gap(0.0, largest, 0.0, 0.0)
    return Gap(worst.max_abs, largest, worst.excess, worst.allowed, note=worst.note)


def _masked_entries(stats: Stats, entries: int) -> int | None:
    """Return how many entries are masked: their lowest number is all that the mean of the finite ones shows. None
    where that mean was too large for a float.
    """
    low, mean = _number(stats.min), _number(stats.mean)
    if not low or mean is None or low > _LOWEST:
        return stats.inf
    counted = mean / low * (entries - stats.nan - stats.inf)
    return stats.inf + round(counted) if math.isfinite(counted) else None


_LOWEST = -6e4
"""The lowest number of float16; that of every other type is lower still."""
_WORDS = {"min": "smallest entry", "max": "largest entry", "mean": "mean", "std": "standard deviation"}


def _number(number: Number | None) -> float | None:
    return None if number is None else float(number)
