"""Sums without rounding, so that the order in which numbers are added, or totals merged, does not show.

Every float64 is an integer times a power of two; integers are added exactly. Written down, a sum is such an integer in
hexadecimal and the power: ``1f3p-12`` is 0x1f3 / 2**12.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_UNIT = 1074  # the smallest float64 is 2**-1074
_SPOILT = "overflow"
_TOGETHER = 1 << 12
"""So many numbers are added together: a call for each batch takes longer than the sum."""


class ExactSum:
    """The exact sum of any finite numbers; once another one is added, it is none, and ``spoilt``."""

    __slots__ = ("_spoilt", "_units", "_waiting")

    def __init__(self, units: int = 0, *, spoilt: bool = False) -> None:
        self._units = units  # of 2**-1074
        self._spoilt = spoilt
        self._waiting: list[float] = []  # numbers that are added together

    @classmethod
    def read(cls, text: str) -> "ExactSum":
        """Return a sum that was written down.

        Raises:
            ValueError: it was not.
        """
        if text == _SPOILT:
            return cls(spoilt=True)
        whole, power = _read(text)
        return cls(whole << power + _UNIT)

    @property
    def spoilt(self) -> bool:
        """Whether it is the sum of no finite numbers."""
        self._settle()
        return self._spoilt

    def add(self, number: float) -> None:
        """Add a number."""
        self._waiting.append(number)
        if len(self._waiting) >= _TOGETHER:
            self._settle()

    def add_each(self, numbers: Sequence[float]) -> None:
        """Add some numbers."""
        self._waiting += numbers
        self._settle()

    def _settle(self) -> None:
        """Add the numbers that are waiting."""
        if not self._waiting:
            return
        fractions, powers = np.frexp(self._waiting)
        self._waiting.clear()
        if not np.isfinite(fractions).all():
            self._units, self._spoilt = 0, True
        if self._spoilt:
            return
        wholes = (fractions * 2.0**53).astype(np.int64)
        for whole, shift in zip(wholes.tolist(), (powers - 53 + _UNIT).tolist(), strict=True):
            self._units += whole << shift if shift >= 0 else whole >> -shift  # below are zeros alone

    def merge(self, other: "ExactSum") -> None:
        """Add another sum."""
        self._spoilt = self.spoilt or other.spoilt
        self._units = 0 if self._spoilt else self._units + other._units

    def written(self) -> str:
        """Return it as text."""
        return _SPOILT if self.spoilt else _written(self._units, _UNIT)

    def mean(self, count: int) -> float:
        """Return the sum divided by a count, correctly rounded; NaN where it is spoilt."""
        return math.nan if self.spoilt else _quotient(self._units, count << _UNIT)

    def deviation(self, squares: "ExactSum", count: int) -> float:
        """Return the standard deviation (n - 1) of ``count`` numbers whose sum this is; ``squares`` is that of their
        squares. NaN where either is spoilt.
        """
        if self.spoilt or squares.spoilt:
            return math.nan
        return _deviation(self._units, squares._units, count, _UNIT)


_LIMBS = 6
_LOWEST = 96  # the last limb counts 2**-96
_MOST_BITS = 32 * (_LIMBS + 1)
_LARGEST = 2.0**95
"""From here on a number is too large for the limbs."""


class ExactSums:
    """Many exact sums at once, of numbers below 2**95 on a grid of 2**-96, to which each number is rounded: far below
    the last bit of any sum over activations.
    """

    def __init__(self, size: int) -> None:
        self._limbs = np.zeros((_LIMBS, size), dtype=np.int64)  # each of 32 bits and a sign
        self._spoilt = np.zeros(size, dtype=np.bool_)
        self._waiting: list[NDArray[np.float64]] = []  # numbers that are added together

    @classmethod
    def read(cls, text: str, size: int) -> "ExactSums":
        """Return sums that were written down.

        Raises:
            ValueError: they were not, or are not so many.
        """
        power, _, wholes = text.partition(":")
        found = cls(size)
        shift = int(power) + _LOWEST
        if not 0 <= shift <= _MOST_BITS:
            raise ValueError(f"no exact sums: {text[:40]!r}")
        units = [int(whole, 16) << shift for whole in wholes.split()]
        if len(units) != size:
            raise ValueError(f"{len(units)} sums instead of {size}")
        for limb in reversed(range(1, _LIMBS)):
            found._limbs[limb] = [unit & 0xFFFFFFFF for unit in units]
            units = [unit >> 32 for unit in units]
        found._limbs[0] = units
        return found

    @property
    def spoilt(self) -> NDArray[np.bool_]:
        """The sums that a number came into which is not finite, or too large."""
        self._settle()
        return self._spoilt

    def spoil(self, where: Any) -> None:
        """Have some sums spoilt."""
        self._spoilt[where] = True

    def add(self, numbers: NDArray[np.float64]) -> None:
        """Add a number to each sum; the array is not to be changed any more."""
        self._waiting.append(numbers)
        if len(self._waiting) * numbers.size >= _TOGETHER:
            self._settle()

    def _settle(self) -> None:
        """Add the numbers that are waiting."""
        if not self._waiting:
            return
        numbers = np.stack(self._waiting)
        self._waiting.clear()
        good = np.abs(numbers) < _LARGEST
        if not good.all():
            self._spoilt |= ~good.all(axis=0)
            numbers = np.where(good, numbers, 0.0)
        scale = 2.0 ** (32 * (_LIMBS - 1) - _LOWEST)
        rest = numbers / scale
        for limb in range(_LIMBS - 1):
            whole = np.trunc(rest)
            self._limbs[limb] += whole.astype(np.int64).sum(axis=0)
            rest = (rest - whole) * 2.0**32  # exact: it drops leading bits and moves the point
        self._limbs[-1] += np.rint(rest).astype(np.int64).sum(axis=0)

    def merge(self, other: "ExactSums") -> None:
        """Add other sums, each to its own."""
        self._spoilt |= other.spoilt
        self._limbs += other._limbs

    def written(self) -> str:
        """Return them as text: the power of two that they have in common, a colon, and the integers."""
        units = self._units()
        together = 0
        for unit in units:
            together |= abs(unit)
        shift = (together & -together).bit_length() - 1 if together else 0
        return f"{shift - _LOWEST}:" + " ".join(f"{unit >> shift:x}" for unit in units)

    def means(self, count: int) -> list[float]:
        """Return the sums divided by a count; NaN where one is spoilt."""
        below = count << _LOWEST
        return [
            math.nan if spoilt else _quotient(unit, below)
            for unit, spoilt in zip(self._units(), self.spoilt.tolist(), strict=True)
        ]

    def deviations(self, squares: "ExactSums", count: int) -> list[float]:
        """Return the standard deviations (n - 1), as `ExactSum.deviation`; NaN where a sum is spoilt."""
        spoilt = (self.spoilt | squares.spoilt).tolist()
        return [
            math.nan if bad else _deviation(unit, square, count, _LOWEST)
            for unit, square, bad in zip(self._units(), squares._units(), spoilt, strict=True)
        ]

    def _units(self) -> list[int]:
        self._settle()
        units = [0] * self._limbs.shape[1]
        for limb in self._limbs.tolist():
            units = [(unit << 32) + part for unit, part in zip(units, limb, strict=True)]
        return units


def _written(units: int, unit: int) -> str:
    shift = (units & -units).bit_length() - 1 if units else unit
    return f"{units >> shift:x}p{shift - unit}"


def _read(text: str) -> tuple[int, int]:
    whole, mark, power = text.partition("p")
    if not mark or not -_UNIT <= int(power) <= 4 * _UNIT:
        raise ValueError(f"no exact sum: {text[:40]!r}")
    return int(whole, 16), int(power)


def _quotient(above: int, below: int) -> float:
    try:
        return above / below if below else math.nan  # int / int is correctly rounded
    except OverflowError:
        return math.inf if above > 0 else -math.inf


def _deviation(total: int, squares: int, count: int, unit: int) -> float:
    if count < 2:
        return math.nan
    # sum (x - mean)**2 = squares - total**2 / count, over a common denominator
    above = (squares * count << unit) - total * total
    return math.sqrt(max(_quotient(above, count * (count - 1) << 2 * unit), 0.0))
