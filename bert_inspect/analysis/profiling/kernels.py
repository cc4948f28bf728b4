"""Loops over the numbers of a tensor, compiled by Numba: import it only where that is installed."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from ...profiles.buckets import SHIFT


def _compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function when it is first called, and keep it for the next process where there is a place to."""

    def compile_(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            made: Callable[..., Any] = njit(function, nogil=True, cache=True, **options)
        except RuntimeError:  # neither beside this file nor in the user's cache may anything be written
            made = njit(function, nogil=True, **options)
        return made

    return compile_


@_compiled()
def _count(bits: Any, tables: Any) -> None:
    """Count float32, given by their bits, by the leading ones. Neighbours are counted in four tables: the same bucket
    twice in a row would have to wait for itself.
    """
    whole = bits.size - bits.size % 4
    for place in range(0, whole, 4):
        tables[0, bits[place] >> SHIFT] += 1
        tables[1, bits[place + 1] >> SHIFT] += 1
        tables[2, bits[place + 2] >> SHIFT] += 1
        tables[3, bits[place + 3] >> SHIFT] += 1
    for place in range(whole, bits.size):
        tables[0, bits[place] >> SHIFT] += 1


# In the lanes of the processor's vectors. Of NaN, which the extremes may miss, the counts tell.
@_compiled(fastmath={"reassoc", "nsz", "nnan"})
def _add(numbers: Any) -> tuple[float, float, float, float]:
    """Return the sum of numbers, that of their squares, the smallest and the largest."""
    total = squares = 0.0
    low = high = numbers[0]
    for place in range(numbers.size):
        number = numbers[place]
        double = np.float64(number)
        total += double
        squares += double * double
        low = min(low, number)
        high = max(high, number)
    return total, squares, low, high


@_compiled()
def sum_up(rows: Any, bits: Any, places: Any, tables: Any) -> tuple[float, float, float, float]:
    """Count the numbers of some rows of a matrix (their ``places``) into tables of int32 (4, buckets), and return the
    sum of them, that of their squares, the smallest and the largest.
    """
    total = squares = 0.0
    low, high = np.inf, -np.inf
    for place in places:
        _count(bits[place], tables)
        more, more_squares, lowest, highest = _add(rows[place])
        total += more
        squares += more_squares
        low = min(low, lowest)
        high = max(high, highest)
    return total, squares, low, high


@_compiled()
def zeros(bits: Any, places: Any) -> tuple[int, int]:
    """Return how many numbers of some rows, given by their bits, are 0, and how many -0."""
    positive = negative = 0
    for place in places:
        for number in bits[place]:
            positive += number == 0
            negative += number == 0x80000000
    return positive, negative


@_compiled()
def sum_up_columns(rows: Any, places: Any, totals: Any, squares: Any, low: Any, high: Any, nothing: Any) -> None:
    """Add up the columns of some rows of a matrix, and their squares, find the smallest and the largest number of each,
    and count those that are 0.
    """
    for place in places:
        for column in range(rows.shape[1]):
            number = rows[place, column]
            double = np.float64(number)
            totals[column] += double
            squares[column] += double * double
            low[column] = min(low[column], number)
            high[column] = max(high[column], number)
            nothing[column] += number == 0
