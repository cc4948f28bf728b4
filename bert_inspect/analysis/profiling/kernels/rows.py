"""Counts and sums over the numbers of some rows of a matrix."""

from typing import Any

import numpy as np

from ....profiles.buckets import SHIFT
from .compiled import compiled

Told = tuple[int, int, float, float, float, float]
"""How many numbers there are, how many are 0, their sum, that of their squares, the smallest and the largest."""
_LARGEST = 0x7FFFFFFF
"""Of int32."""
_PIECE = 2048
"""So many numbers are summed up at once: what is read again is still in the processor's nearest cache."""


@compiled()
def count_up(bits: Any, tables: Any) -> None:
    """Count float32, given by their bits, by the leading ones. Neighbours are counted in two tables: the same bucket
    twice in a row would have to wait for itself.
    """
    for two in range(bits.size // 2):
        tables[0, bits[2 * two] >> SHIFT] += 1
        tables[1, bits[2 * two + 1] >> SHIFT] += 1
    if bits.size % 2:
        tables[0, bits[bits.size - 1] >> SHIFT] += 1


@compiled()
def collect(tables: Any, counts: Any) -> tuple[int, int]:
    """Write down what was counted in two tables, and leave these empty. Of both signs the buckets are written from the
    first that is not empty up to the last: return where they begin, and end. Most are empty, and never touched.
    """
    side = counts.size // 2
    first, last = 0, side
    while first < last and not _counted(tables, first, side):
        first += 1
    while first < last and not _counted(tables, last - 1, side):
        last -= 1
    for start in (0, side):
        for bucket in range(start + first, start + last):
            counts[bucket] = tables[0, bucket] + tables[1, bucket]
        tables[:, start + first : start + last] = 0
    return first, last


@compiled()
def _counted(tables: Any, bucket: int, side: int) -> Any:
    """Whether anything was counted in a bucket, of either sign."""
    return tables[0, bucket] | tables[1, bucket] | tables[0, side + bucket] | tables[1, side + bucket]


@compiled(fastmath={"reassoc", "nsz"})  # in the lanes of the processor's vectors
def _add(numbers: Any) -> tuple[float, float]:
    """Return the sum of numbers, and that of their squares."""
    total = squares = 0.0
    for place in range(numbers.size):
        double = np.float64(numbers[place])
        total += double
        squares += double * double
    return total, squares


@compiled()
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


@compiled()
def _less(one: Any, other: Any) -> Any:
    """Whether a float32 is less than another, both given by their bits as int32."""
    if one < 0 and other < 0:
        return one > other
    return one < other


@compiled()
def _zeros(bits: Any) -> tuple[int, int]:
    """Return how many float32, given by their bits, are 0, and how many -0."""
    positive = negative = 0
    for number in bits:
        positive += number == 0
        negative += number == 0x80000000
    return positive, negative


@compiled()
def without_zeros(bits: Any, places: Any, spans: Any, counts: Any, first: int) -> int:
    """Take from counts, by the leading bits from the ``first`` on, the numbers that are 0; return how many they are."""
    if first > 0:
        return 0
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


@compiled()
def _copy(numbers: Any, target: Any) -> None:
    for place in range(numbers.size):
        target[place] = numbers[place]


@compiled()
def _sum_up(numbers: Any, tables: Any, ends: Any) -> tuple[float, float]:
    """Count numbers by their leading bits, note the smallest and the largest, and return the sum of them, and that of
    their squares.
    """
    count_up(numbers.view(np.uint32), tables)
    low, high = _ends(numbers.view(np.int32))
    ends[0] = low if _less(low, ends[0]) else ends[0]
    ends[1] = high if _less(ends[1], high) else ends[1]
    total, squares = _add(numbers)
    return total, squares


@compiled()
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


@compiled()
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


@compiled()
def sum_up(rows: Any, places: Any, spans: Any, tables: Any, counts: Any) -> tuple[Told, tuple[int, int]]:
    """Sum up the numbers of some rows of a matrix (their ``places``): return how many they are, how many of them are 0,
    their sum, that of their squares, the smallest and the largest. ``spans`` (rows, 2) say from which column up to
    which other each row goes; if there is none, all are whole. ``tables`` (2, buckets) are 0 and will be again; into
    ``counts`` (buckets,) goes how many that are not 0 have each leading bits, and from which up to which is returned.
    """
    ends = np.array([0x7F800000, -0x800000], dtype=np.int32)  # the bits of the infinite ones
    if spans.size:
        count, total, squares = _sum_up_parts(rows, places, spans, tables, ends)
    else:
        count, total, squares = _sum_up_whole(rows, places, tables, ends)
    first, last = collect(tables, counts)
    zeros = without_zeros(rows.view(np.uint32), places, spans, counts, first)
    low, high = ends.view(np.float32)
    return (count, zeros, total, squares, np.float64(low), np.float64(high)), (first, last)
