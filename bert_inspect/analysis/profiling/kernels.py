"""Loops over the numbers of a tensor, compiled by Numba: import it only where that is installed."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from ...profiles.buckets import SHIFT

_LARGEST = 0x7FFFFFFF
"""Of int32."""
_PIECE = 2048
"""So many numbers are summed up at once: what is read again is still in the processor's nearest cache."""


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
    """Count float32, given by their bits, by the leading ones. Neighbours are counted in two tables: the same bucket
    twice in a row would have to wait for itself.
    """
    for two in range(bits.size // 2):
        tables[0, bits[2 * two] >> SHIFT] += 1
        tables[1, bits[2 * two + 1] >> SHIFT] += 1
    if bits.size % 2:
        tables[0, bits[bits.size - 1] >> SHIFT] += 1


@_compiled()
def _collect(tables: Any, counts: Any) -> None:
    """Write down what was counted in two tables, and leave these empty."""
    for bucket in range(counts.size):
        counts[bucket] = tables[0, bucket] + tables[1, bucket]
    tables[:] = 0


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
def _zeros(bits: Any) -> tuple[int, int]:
    """Return how many float32, given by their bits, are 0, and how many -0."""
    positive = negative = 0
    for number in bits:
        positive += number == 0
        negative += number == 0x80000000
    return positive, negative


@_compiled()
def _without_zeros(bits: Any, places: Any, spans: Any, counts: Any) -> int:
    """Take from counts, by the leading bits, the numbers that are 0, and return how many they are."""
    below = counts.size // 2  # where those with a sign begin
    if not counts[0] and not counts[below]:  # nor are there any that are almost 0
        return 0
    found = 0
    for at in range(places.size):
        start, stop = (spans[at, 0], spans[at, 1]) if spans.size else (0, bits.shape[1])
        positive, negative = _zeros(bits[places[at], start:stop])
        counts[0] -= positive
        counts[below] -= negative
        found += positive + negative
    return found


@_compiled()
def _copy(numbers: Any, target: Any) -> None:
    for place in range(numbers.size):
        target[place] = numbers[place]


@_compiled()
def _sum_up(numbers: Any, tables: Any, ends: Any) -> tuple[float, float]:
    """Count numbers by their leading bits, note the smallest and the largest, and return the sum of them, and that of
    their squares.
    """
    _count(numbers.view(np.uint32), tables)
    low, high = _ends(numbers.view(np.int32))
    ends[0] = low if _less(low, ends[0]) else ends[0]
    ends[1] = high if _less(ends[1], high) else ends[1]
    total, squares = _add(numbers)
    return total, squares


@_compiled()
def _sum_up_whole(rows: Any, places: Any, tables: Any, ends: Any) -> tuple[int, float, float]:
    """Sum up rows that are whole: those that follow each other are one piece of memory."""
    numbers, width = rows.reshape(-1), rows.shape[1]
    count, total, squares = 0, 0.0, 0.0
    first = 0
    while first < places.size:
        last = first
        while last + 1 < places.size and places[last + 1] == places[last] + 1:
            last += 1
        begin, end = places[first] * width, (places[last] + 1) * width
        for start in range(begin, end, _PIECE):
            more, more_squares = _sum_up(numbers[start : min(start + _PIECE, end)], tables, ends)
            total += more
            squares += more_squares
        count += end - begin
        first = last + 1
    return count, total, squares


@_compiled()
def _sum_up_parts(rows: Any, places: Any, spans: Any, tables: Any, ends: Any) -> tuple[int, float, float]:
    """Sum up parts of rows, which are short: they are put together, as a vector of the processor holds many numbers."""
    count, total, squares = 0, 0.0, 0.0
    held, few = 0, np.empty(_PIECE, dtype=np.float32)
    for at in range(places.size):
        row = rows[places[at], spans[at, 0] : spans[at, 1]]
        for start in range(0, row.size, _PIECE):
            part = row[start : start + _PIECE]
            if held + part.size > _PIECE:
                more, more_squares = _sum_up(few[:held], tables, ends)
                total += more
                squares += more_squares
                held = 0
            _copy(part, few[held : held + part.size])
            held += part.size
        count += row.size
    if held:
        more, more_squares = _sum_up(few[:held], tables, ends)
        total += more
        squares += more_squares
    return count, total, squares


@_compiled()
def sum_up(rows: Any, places: Any, spans: Any, tables: Any, counts: Any, ends: Any) -> tuple[int, int, float, float]:
    """Sum up the numbers of some rows of a matrix (their ``places``): return how many they are, how many of them are 0,
    their sum, and that of their squares. ``spans`` (rows, 2) say from which column up to which other each row goes; if
    there is none, all are whole. ``tables`` (2, buckets) are 0 and will be again; into ``counts`` (buckets,) goes how
    many that are not 0 have each leading bits, into ``ends`` the bits of the smallest and the largest.
    """
    ends[0], ends[1] = 0x7F800000, -0x800000  # the infinite ones
    if spans.size:
        count, total, squares = _sum_up_parts(rows, places, spans, tables, ends)
    else:
        count, total, squares = _sum_up_whole(rows, places, tables, ends)
    _collect(tables, counts)
    return count, _without_zeros(rows.view(np.uint32), places, spans, counts), total, squares


@_compiled()
def sum_up_columns(
    rows: Any, places: Any, tables: Any, counts: Any, totals: Any, squares: Any, low: Any, high: Any, nothing: Any
) -> int:
    """Count the numbers of some rows of a matrix as `sum_up` does, and return how many are 0; and of each column add up
    the numbers, and their squares, find the smallest and the largest, and count those that are 0.
    """
    bits, columns = rows.view(np.uint32), rows.shape[1]
    fours = places.size // 4 * 4
    for at in range(0, fours, 4):  # what is known of a column is read and written once for four numbers
        for place in places[at : at + 4]:
            _count(bits[place], tables)
        one, two, three, four = rows[places[at]], rows[places[at + 1]], rows[places[at + 2]], rows[places[at + 3]]
        for column in range(columns):
            a, b, c, d = one[column], two[column], three[column], four[column]
            low[column] = min(low[column], min(min(a, b), min(c, d)))
            high[column] = max(high[column], max(max(a, b), max(c, d)))
            nothing[column] += np.int32(a == 0) + np.int32(b == 0) + np.int32(c == 0) + np.int32(d == 0)
            w, x, y, z = np.float64(a), np.float64(b), np.float64(c), np.float64(d)
            totals[column] += (w + x) + (y + z)
            squares[column] += (w * w + x * x) + (y * y + z * z)
    for place in places[fours:]:
        _count(bits[place], tables)
        for column in range(columns):
            number = rows[place, column]
            double = np.float64(number)
            low[column] = min(low[column], number)
            high[column] = max(high[column], number)
            nothing[column] += np.int32(number == 0)
            totals[column] += double
            squares[column] += double * double
    _collect(tables, counts)
    zeros: int = _without_zeros(bits, places, np.empty((0, 2), dtype=np.int64), counts)
    return zeros


@_compiled()
def reaching(rows: Any, places: Any, columns: Any, least: Any, at: Any) -> int:
    """Return how many numbers of some rows and columns of a matrix reach the least that is given for their column, and
    write as many as there is room for into ``at`` (2, room): the places of their rows and columns among those.
    """
    count = 0
    for row in range(places.size):
        for column in range(columns.size):
            if rows[places[row], columns[column]] >= least[column]:
                if count < at.shape[1]:
                    at[0, count], at[1, count] = row, column
                count += 1
    return count


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
    tables, counts = np.zeros((2, 2), dtype=np.int32), np.zeros(2, dtype=np.int64)
    sum_up(rows, places, np.empty((0, 2), dtype=np.int64), tables, counts, np.zeros(2, dtype=np.int32))
    ends = np.zeros(1, dtype=np.float32), np.zeros(1, dtype=np.float32)
    sum_up_columns(rows, places, tables, counts, np.zeros(1), np.zeros(1), *ends, np.zeros(1, dtype=np.int32))
    reaching(rows, places, places, np.zeros(1), np.zeros((2, 1), dtype=np.int64))
    shares = np.zeros((1, 1, 1, 1), dtype=np.float32)
    look(shares, shares.astype(np.float64), np.zeros((1, 1), dtype=np.int8), np.zeros((7, 1)))
