"""Loops over the numbers of a tensor, compiled by Numba: import it only where that is installed."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from ...profiles.buckets import SHIFT

_LARGEST = 0x7FFFFFFF
"""Of int32."""


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
    whole = bits.size // 4
    for four in range(whole):
        tables[0, bits[4 * four] >> SHIFT] += 1
        tables[1, bits[4 * four + 1] >> SHIFT] += 1
        tables[2, bits[4 * four + 2] >> SHIFT] += 1
        tables[3, bits[4 * four + 3] >> SHIFT] += 1
    for place in range(4 * whole, bits.size):
        tables[0, bits[place] >> SHIFT] += 1


@_compiled(fastmath={"reassoc", "nsz"})  # in the lanes of the processor's vectors
def _add(numbers: Any) -> tuple[float, float]:
    """Return the sum of numbers, and that of their squares."""
    total = squares = 0.0
    for place in range(numbers.size):
        double = np.float64(numbers[place])
        total += double
        squares += double * double
    return total, squares


@_compiled()
def _ends(signed: Any) -> tuple[Any, Any]:
    """Return the smallest and the largest of float32, given by their bits as int32, as keys (`number_of_key`): integers
    of the same order, whose extremes are found in vectors.
    """
    low, high = np.int32(_LARGEST), np.int32(-_LARGEST - 1)
    for place in range(signed.size):
        key = signed[place]
        key = key ^ ((key >> 31) & _LARGEST)
        low = min(low, key)
        high = max(high, key)
    return low, high


@_compiled()
def sum_up(
    rows: Any, bits: Any, signed: Any, places: Any, spans: Any, tables: Any, counts: Any
) -> tuple[float, float, Any, Any]:
    """Count the numbers of some rows of a matrix (their ``places``), each from one column up to another (``spans``), by
    their leading bits, and return the sum of them, that of their squares, the smallest and the largest, these as keys.
    ``bits`` and ``signed`` are the same matrix as integers, ``tables`` (4, buckets) are 0 and will be again, ``counts``
    (buckets,) are added to.
    """
    total = squares = 0.0
    low, high = _LARGEST, -_LARGEST - 1
    for at in range(places.size):
        place, start, stop = places[at], spans[at, 0], spans[at, 1]
        _count(bits[place, start:stop], tables)
        more, more_squares = _add(rows[place, start:stop])
        lowest, highest = _ends(signed[place, start:stop])
        total += more
        squares += more_squares
        low = min(low, lowest)
        high = max(high, highest)
    for bucket in range(counts.size):
        counts[bucket] += tables[0, bucket] + tables[1, bucket] + tables[2, bucket] + tables[3, bucket]
    tables[:] = 0
    return total, squares, low, high


def number_of_key(key: int) -> float:
    """Return the float32 of which this is the key: an integer that stands among others as the number does."""
    return float(np.array(key ^ ((key >> 31) & _LARGEST), dtype=np.int32).view(np.float32))


@_compiled()
def zeros(bits: Any, places: Any, spans: Any) -> tuple[int, int]:
    """Return how many numbers of some rows, given by their bits, are 0, and how many -0."""
    positive = negative = 0
    for at in range(places.size):
        for number in bits[places[at], spans[at, 0] : spans[at, 1]]:
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


def compile_all() -> None:
    """Compile all of these functions for the arrays that they are called with.

    Raises:
        Exception: whatever goes wrong in Numba.
    """
    rows = np.zeros((1, 1), dtype=np.float32)
    bits, signed = rows.view(np.uint32), rows.view(np.int32)
    places, spans = np.zeros(1, dtype=np.int64), np.array([[0, 1]], dtype=np.int64)
    tables, counts = np.zeros((4, 1), dtype=np.int32), np.zeros(1, dtype=np.int64)
    sum_up(rows, bits, signed, places, spans, tables, counts)
    zeros(bits, places, spans)
    ends = np.zeros(1, dtype=np.float32), np.zeros(1, dtype=np.float32)
    sum_up_columns(rows, places, np.zeros(1), np.zeros(1), *ends, np.zeros(1, dtype=np.int32))
