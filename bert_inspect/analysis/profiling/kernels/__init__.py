"""Loops over the numbers of a tensor, compiled by Numba: import it only where that is installed."""

import numpy as np

from .attention import look
from .columns import reaching, sum_up_columns
from .rows import sum_up

__all__ = ["compile_all", "look", "reaching", "sum_up", "sum_up_columns"]


def compile_all() -> None:
    """Compile all of these functions for the arrays that they are called with.

    Raises:
        Exception: whatever goes wrong in Numba.
    """
    rows, places = np.zeros((1, 1), dtype=np.float32), np.zeros(1, dtype=np.int64)
    tables, counts = np.zeros((2, 2), dtype=np.int32), np.zeros(2, dtype=np.int64)
    sum_up(rows, places, np.empty((0, 2), dtype=np.int64), tables, counts)
    sum_up_columns(rows, places.reshape(1, -1), tables, counts, np.zeros((4, 1)), np.zeros(1, dtype=np.int64))
    reaching(rows, places, places, np.zeros(1), np.zeros((2, 1), dtype=np.int64))
    shares = np.zeros((1, 1, 1, 1), dtype=np.float32)
    look(shares, shares.astype(np.float64), np.zeros((1, 1), dtype=np.int8), np.zeros((7, 1)))
