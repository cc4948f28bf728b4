"""Counts and sums in one pass over memory, compiled by Numba where it is installed (extra ``fast``).

What torch does in eight passes, most of which write as much as they read, this does while the numbers are in the cache,
and takes the rows of real tokens where they stand. It is one call for each tensor, which lets other threads run: small
ones would wait for their turn again and again.
"""

import math
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from threading import local
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...profiles import buckets
from ...profiles.heads import QUANTITIES
from ...profiles.tensor_totals import BatchDimensions, BatchNumbers
from .real_tokens import Rows


def usable(tensor: Tensor) -> bool:
    """Whether a tensor can be read so: float32 on the processor, not empty, and Numba is there."""
    return tensor.dtype is torch.float32 and tensor.device.type == "cpu" and bool(tensor.numel()) and bool(_kernels())


def summed(rows: Rows) -> BatchNumbers | None:
    """Sum up the numbers of some rows; None where they are not all finite."""
    counts = np.empty(2 * buckets.SIDE, dtype=np.int64)
    told, there = _kernels().sum_up(rows.array, *rows.where, _tables(), counts)
    return _numbers(told, there, counts)


def columns_summed(rows: Rows) -> tuple[BatchNumbers | None, BatchDimensions]:
    """Do the same of some rows, each of which is whole, and sum up each of their columns."""
    numbers, places = rows.by_columns
    size = len(places) * numbers.shape[1]
    counts = np.empty(2 * buckets.SIDE, dtype=np.int64)
    found, zeros = np.zeros((4, size)), np.zeros(size, dtype=np.int64)
    told, there = _kernels().sum_up_columns(numbers, places, _tables(), counts, found, zeros)
    total, squares, low, high = found
    columns = BatchDimensions(count=len(rows), low=low, high=high, zeros=zeros, total=total, squares=squares)
    return _numbers(told, there, counts), columns


def _numbers(told: Sequence[Any], there: tuple[int, int], counts: NDArray[np.int64]) -> BatchNumbers | None:
    """Return what a kernel told as the numbers of a batch; ``counts`` are by the leading bits, of which the sign is the
    first, and those ``there`` were written.
    """
    count, zeros, total, squares, low, high = told
    if not (math.isfinite(total) and math.isfinite(low) and math.isfinite(high)):
        return None
    first, last = there
    return BatchNumbers(
        count=count,
        nan=0,
        inf=0,
        zeros=zeros,
        low=low,
        high=high,
        total=total,
        squares=squares,
        first=first,
        sizes=counts.reshape(2, buckets.SIDE)[::-1, first:last],
    )


def reaching(
    rows: Rows, columns: NDArray[np.int64], least: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of some columns that reach the least that is given for each, with the places of their rows and
    columns among those, row by row. NaN reaches nothing.
    """
    numbers, (places, _), room = rows.array, rows.where, 4 * columns.size
    while True:
        at = np.empty((2, room), dtype=np.int64)
        count = _kernels().reaching(numbers, places, columns, least, at)
        if count <= room:
            row, column = at[:, :count]
            return numbers[places[row], columns[column]].astype(np.float64), row, column
        room = count


def looked(probabilities: Tensor, kinds: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return sums over where heads look (quantities, heads), in the order of `profiles.heads.QUANTITIES`. ``kinds``
    (batch, tokens) say what each token is: 0 padding, 1 [CLS], 2 [SEP], 3 another.
    """
    totals = np.zeros((len(QUANTITIES), probabilities.shape[1]))
    probabilities = probabilities.detach().contiguous()
    logarithms = probabilities.double().log2_()  # torch takes many at once
    _kernels().look(probabilities.numpy(), logarithms.numpy(), kinds, totals)
    return totals


@cache
def _kernels() -> Any:
    """Return the compiled functions, None where Numba is not installed or does not work here: it refuses a NumPy newer
    than it knows, and fails where what it has kept of an earlier process is damaged or cannot be written.
    """
    if find_spec("numba") is None:
        return None
    try:
        from . import kernels

        kernels.compile_all()
    except Exception:  # torch does the same
        return None
    return kernels


_of_thread = local()


def _tables() -> NDArray[np.int32]:
    """Return tables that this thread alone counts in; they are all 0."""
    found: NDArray[np.int32] | None = getattr(_of_thread, "tables", None)
    if found is None:
        found = _of_thread.tables = np.zeros((2, 2 * buckets.SIDE), dtype=np.int32)
    return found
