"""Counts and sums in one pass over memory, compiled by Numba where it is installed (extra ``fast``).

What torch does in eight passes, most of which write as much as they read, this does while the numbers are in the cache,
and takes the rows of real tokens where they stand. Rows are put together in chunks of a fixed size, so that the number
of threads does not show in the sums.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from threading import local
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...profiles import buckets
from .real_tokens import Rows

_CHUNK = 1 << 18
"""About how many numbers one thread looks at in a row."""


class Summed(NamedTuple):
    """The numbers of some rows: how many that are not 0 have each leading bits (negative, positive), how many are 0,
    their sum, that of their squares, the smallest and the largest. The last four say nothing where one is not finite.
    """

    counted: NDArray[np.int64]
    zeros: int
    total: float
    squares: float
    low: float
    high: float


def usable(tensor: Tensor) -> bool:
    """Whether a tensor can be read so: float32 on the processor, not empty, and Numba is there."""
    return tensor.dtype is torch.float32 and tensor.device.type == "cpu" and bool(tensor.numel()) and _kernels()


def summed(rows: Rows) -> Summed:
    """Sum up the numbers of some rows."""
    numbers = rows.matrix.detach().contiguous().numpy()
    bits, signed = numbers.view(np.uint32), numbers.view(np.int32)
    kernels = _kernels()

    def chunk(places: NDArray[np.int64], spans: NDArray[np.int64]) -> tuple[Any, ...]:
        counts = np.zeros(2 * buckets.SIDE, dtype=np.int64)
        found = kernels.sum_up(numbers, bits, signed, places, spans, _tables(), counts)
        return counts, *found

    counts, totals, squares, lows, highs = zip(*_each(chunk, rows), strict=True)
    counted = np.zeros((2, buckets.SIDE), dtype=np.int64)
    for count in counts:
        counted += count.reshape(counted.shape)[::-1]  # the sign bit stands in front
    zeros = 0
    if counted[:, 0].any():  # there are the smallest numbers too
        above, below = kernels.zeros(bits, *rows.where)
        zeros = above + below
        counted[:, 0] -= below, above
    return Summed(counted, zeros, sum(totals), sum(squares), *map(kernels.number_of_key, (min(lows), max(highs))))


def columns_summed(rows: Rows) -> tuple[NDArray[np.float64], ...]:
    """Return the sums, the sums of squares, the smallest and the largest numbers, and the number of zeros, of the
    columns of some rows.
    """
    numbers = rows.matrix.detach().contiguous().numpy()
    sum_up_columns, size = _kernels().sum_up_columns, numbers.shape[1]

    def chunk(places: NDArray[np.int64], _: NDArray[np.int64]) -> tuple[Any, ...]:
        ends = np.full(size, np.inf, np.float32), np.full(size, -np.inf, np.float32)
        found = np.zeros(size), np.zeros(size), *ends, np.zeros(size, np.int32)
        sum_up_columns(numbers, places, *found)
        return found

    parts = (np.stack(part).astype(np.float64) for part in zip(*_each(chunk, rows), strict=True))
    totals, squares, lows, highs, nothing = parts
    return totals.sum(axis=0), squares.sum(axis=0), lows.min(axis=0), highs.max(axis=0), nothing.sum(axis=0)


def _each(work: Callable[..., tuple[Any, ...]], rows: Rows) -> list[tuple[Any, ...]]:
    """Do some work on each chunk of rows, given by their places and spans, and return what it gives, in their order."""
    places, spans = rows.where
    height = max(_CHUNK // max(rows.matrix.shape[1], 1), 1)
    starts = range(0, len(places), height)
    chunks = [places[start : start + height] for start in starts], [spans[start : start + height] for start in starts]
    threads = torch.get_num_threads()
    if threads < 2 or len(starts) < threads:
        return [*map(work, *chunks)]
    return [*_pool(threads).map(work, *chunks)]


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
        found = _of_thread.tables = np.zeros((4, 2 * buckets.SIDE), dtype=np.int32)
    return found


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="profile")
