"""Sums over the columns of a matrix, and the largest of their numbers."""

from typing import Any

import numpy as np

from .compiled import compiled
from .rows import Told, collect, count_up, without_zeros


@compiled()
def _add_columns(
    rows: Any, places: Any, tables: Any, totals: Any, squares: Any, low: Any, high: Any, zeros: Any
) -> None:
    """Count the numbers of some rows of a matrix by their leading bits, and sum up its columns."""
    bits, columns = rows.view(np.uint32), rows.shape[1]
    fours = places.size // 4 * 4
    for at in range(0, fours, 4):  # what is known of a column is read and written once for four numbers
        for place in places[at : at + 4]:
            count_up(bits[place], tables)
        one, two, three, four = rows[places[at]], rows[places[at + 1]], rows[places[at + 2]], rows[places[at + 3]]
        for column in range(columns):
            a, b, c, d = one[column], two[column], three[column], four[column]
            low[column] = min(low[column], min(min(a, b), min(c, d)))
            high[column] = max(high[column], max(max(a, b), max(c, d)))
            zeros[column] += np.int32(a == 0) + np.int32(b == 0) + np.int32(c == 0) + np.int32(d == 0)
            w, x, y, z = np.float64(a), np.float64(b), np.float64(c), np.float64(d)
            totals[column] += (w + x) + (y + z)
            squares[column] += (w * w + x * x) + (y * y + z * z)
    for place in places[fours:]:
        count_up(bits[place], tables)
        for column in range(columns):
            number = rows[place, column]
            double = np.float64(number)
            low[column] = min(low[column], number)
            high[column] = max(high[column], number)
            zeros[column] += np.int32(number == 0)
            totals[column] += double
            squares[column] += double * double


@compiled()
def sum_up_columns(
    rows: Any, places: Any, tables: Any, counts: Any, found: Any, zeros: Any
) -> tuple[Told, tuple[int, int]]:
    """Sum up matrices that stand side by side, and each of their columns. The rows of all matrices are one below the
    other; ``places`` (matrices, rows) are those of each. Into ``found`` (4, columns) go the sums of the columns, those
    of the squares, the smallest and the largest numbers, and into ``zeros`` (columns,) how many are 0; both are 0
    before. The rest is as of `sum_up`.
    """
    width, columns = rows.shape[1], zeros.size
    totals, squares = found[0], found[1]
    low, high = np.full(columns, np.inf, dtype=np.float32), np.full(columns, -np.inf, dtype=np.float32)
    nothing = np.zeros(columns, dtype=np.int32)
    for matrix in range(places.shape[0]):
        own = slice(matrix * width, (matrix + 1) * width)
        _add_columns(rows, places[matrix], tables, totals[own], squares[own], low[own], high[own], nothing[own])
    first, last = collect(tables, counts)
    none = 0
    for matrix in range(places.shape[0]):
        none += without_zeros(rows.view(np.uint32), places[matrix], np.empty((0, 2), dtype=np.int64), counts, first)
    for column in range(columns):
        found[2, column], found[3, column], zeros[column] = low[column], high[column], nothing[column]
    summed = places.size * width, none, totals.sum(), squares.sum(), found[2].min(), found[3].max()
    return summed, (first, last)


@compiled()
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
