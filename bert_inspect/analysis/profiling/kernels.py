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
    """Return the smallest and the largest of float32, given by their bits as int32, as such bits. Of negative numbers
    the larger bits are the smaller number.
    """
    least, most, farthest = np.int32(_LARGEST), np.int32(-_LARGEST - 1), np.uint32(0)
    for place in range(signed.size):
        number = signed[place]
        least = min(least, number)
        most = max(most, number)
        farthest = max(farthest, np.uint32(number))
    low = np.int32(farthest) if least < 0 else least
    return low, most if most >= 0 else least


@_compiled()
def _less(one: Any, other: Any) -> Any:
    """Whether a float32 is less than another, both given by their bits as int32."""
    if one < 0 and other < 0:
        return one > other
    return one < other


@_compiled()
def sum_up(rows: Any, places: Any, spans: Any, tables: Any, counts: Any) -> tuple[int, float, float, Any, Any]:
    """Count the numbers of some rows of a matrix (their ``places``) by their leading bits, and return how many they
    are, the sum of them, that of their squares, and the bits of the smallest and the largest. ``spans`` (rows, 2) say
    from which column up to which other each row goes; if there is but one, all do. ``tables`` (4, buckets) are 0 and
    will be again, ``counts`` (buckets,) are added to.
    """
    bits, signed = rows.view(np.uint32), rows.view(np.int32)
    each = spans.shape[0] > 1
    count, total, squares = 0, 0.0, 0.0
    low, high = np.int32(0x7F800000), np.int32(-0x800000)  # the infinite ones
    for at in range(places.size):
        place, span = places[at], at if each else 0
        start, stop = spans[span, 0], spans[span, 1]
        _count(bits[place, start:stop], tables)
        more, more_squares = _add(rows[place, start:stop])
        lowest, highest = _ends(signed[place, start:stop])
        count += stop - start
        total += more
        squares += more_squares
        low = lowest if _less(lowest, low) else low
        high = highest if _less(high, highest) else high
    _collect(tables, counts)
    return count, total, squares, low, high


@_compiled()
def count_up(rows: Any, places: Any, spans: Any, tables: Any, counts: Any) -> int:
    """Count the numbers of some rows as `sum_up` does, and return how many they are."""
    bits = rows.view(np.uint32)
    each = spans.shape[0] > 1
    count = 0
    for at in range(places.size):
        span = at if each else 0
        _count(bits[places[at], spans[span, 0] : spans[span, 1]], tables)
        count += spans[span, 1] - spans[span, 0]
    _collect(tables, counts)
    return count


@_compiled()
def _collect(tables: Any, counts: Any) -> None:
    """Add what was counted in four tables, and leave these empty."""
    for bucket in range(counts.size):
        counts[bucket] += tables[0, bucket] + tables[1, bucket] + tables[2, bucket] + tables[3, bucket]
    tables[:] = 0


@_compiled()
def zeros(rows: Any, places: Any, spans: Any) -> tuple[int, int]:
    """Return how many numbers of some rows are 0, and how many -0."""
    bits = rows.view(np.uint32)
    each = spans.shape[0] > 1
    positive = negative = 0
    for at in range(places.size):
        span = at if each else 0
        for number in bits[places[at], spans[span, 0] : spans[span, 1]]:
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


@_compiled(fastmath={"reassoc", "nsz"})
def _entropy(shares: Any, logarithms: Any) -> float:
    """Return the entropy of shares, given with their logarithms."""
    total = 0.0
    for place in range(shares.size):
        share = np.float64(shares[place])
        total -= share * logarithms[place] if share != 0.0 else 0.0
    return total


@_compiled()
def _at(shares: Any, places: Any) -> float:
    """Return the sum of the shares at some places."""
    total = 0.0
    for place in places:
        total += np.float64(shares[place])
    return total


@_compiled()
def look(probabilities: Any, logarithms: Any, kinds: Any, totals: Any) -> None:
    """Add up where the heads of a layer look, from attention probabilities (batch, heads, query tokens, key tokens) and
    their logarithms: into ``totals`` (quantities, heads), as `one_pass.looked` returns them.
    """
    batch, heads, tokens, _ = probabilities.shape
    for row in range(batch):
        padding = np.flatnonzero(kinds[row] == 0)
        first, separators = np.flatnonzero(kinds[row] == 1), np.flatnonzero(kinds[row] == 2)
        for head in range(heads):
            for query in range(tokens):
                if kinds[row, query] == 0:
                    continue
                shares = probabilities[row, head, query]
                totals[0, head] += _entropy(shares, logarithms[row, head, query])
                totals[1, head] += _at(shares, first)
                totals[2, head] += _at(shares, separators)
                totals[3, head] += np.float64(shares[query])
                if query > 0 and kinds[row, query - 1] != 0:
                    totals[4, head] += np.float64(shares[query - 1])
                if query + 1 < tokens and kinds[row, query + 1] != 0:
                    totals[5, head] += np.float64(shares[query + 1])
                totals[6, head] += _at(shares, padding)


def compile_all() -> None:
    """Compile all of these functions for the arrays that they are called with.

    Raises:
        Exception: whatever goes wrong in Numba.
    """
    rows, places = np.zeros((1, 1), dtype=np.float32), np.zeros(1, dtype=np.int64)
    spans = np.array([[0, 1]], dtype=np.int64)
    tables, counts = np.zeros((4, 1), dtype=np.int32), np.zeros(1, dtype=np.int64)
    sum_up(rows, places, spans, tables, counts)
    count_up(rows, places, spans, tables, counts)
    zeros(rows, places, spans)
    ends = np.zeros(1, dtype=np.float32), np.zeros(1, dtype=np.float32)
    sum_up_columns(rows, places, np.zeros(1), np.zeros(1), *ends, np.zeros(1, dtype=np.int32))
    shares = np.zeros((1, 1, 1, 1), dtype=np.float32)
    look(shares, shares.astype(np.float64), np.zeros((1, 1), dtype=np.int8), np.zeros((7, 1)))
