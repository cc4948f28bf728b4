"""Counts and sums in one pass over memory, compiled by Numba where it is installed (extra ``fast``).

What torch does in eight passes, most of which write as much as they read, this does while the numbers are in the cache,
and takes the rows of real tokens where they stand. How rows are put together hangs on their number alone, so that the
number of threads does not show in the sums.
"""

from collections.abc import Callable, Sequence
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
from ...profiles.heads import QUANTITIES
from .real_tokens import Rows

Integers = NDArray[np.int64]
_LEAST = 1 << 17
"""So many numbers are worth another thread."""
_MANY = 3
"""So many threads are worth sharing out to: between its ops a second one of torch's keeps its core busy, waiting."""
_PARTS = 4
"""Into so many parts a tensor is cut at most, on every machine: each is counted in a table of its own."""


class Counted(NamedTuple):
    """The numbers of some rows: how many they are, how many that are not 0 have each leading bits (negative, positive),
    how many are 0.
    """

    length: int
    sizes: NDArray[np.int64]
    zeros: int


class Summed(NamedTuple):
    """The same with their sum, that of their squares, the smallest and the largest, one of which is not finite where a
    number is not.
    """

    counted: Counted
    total: float
    squares: float
    low: float
    high: float


def usable(tensor: Tensor) -> bool:
    """Whether a tensor can be read so: float32 on the processor, not empty, and Numba is there."""
    return tensor.dtype is torch.float32 and tensor.device.type == "cpu" and bool(tensor.numel()) and _kernels()


def summed(rows: Rows) -> Summed:
    """Sum up the numbers of some rows."""
    numbers, kernel = _array(rows), _kernels().sum_up

    def part(places: Integers, spans: Integers) -> tuple[Any, ...]:
        counts = np.zeros(2 * buckets.SIDE, dtype=np.int64)
        count, total, squares, *ends = kernel(numbers, places, spans, _tables(), counts)
        return counts, count, total, squares, *np.array(ends, dtype=np.int32).view(np.float32).tolist()

    counts, count, totals, squares, lows, highs = zip(*_each(part, rows), strict=True)
    return Summed(_counted(counts, sum(count), numbers, rows), sum(totals), sum(squares), min(lows), max(highs))


def counted(rows: Rows) -> Counted:
    """Count the numbers of some rows, whose sums are known."""
    numbers, kernel = _array(rows), _kernels().count_up

    def part(places: Integers, spans: Integers) -> tuple[Any, ...]:
        counts = np.zeros(2 * buckets.SIDE, dtype=np.int64)
        return counts, kernel(numbers, places, spans, _tables(), counts)

    counts, count = zip(*_each(part, rows), strict=True)
    return _counted(counts, sum(count), numbers, rows)


def _counted(counts: Sequence[Integers], count: int, numbers: NDArray[np.float32], rows: Rows) -> Counted:
    """Put the counts of all parts together, and those that are 0 beside them."""
    together = counts[0] if len(counts) == 1 else np.sum(counts, axis=0)
    sizes = together.reshape(2, buckets.SIDE)[::-1]  # the sign bit stands in front
    zeros = 0
    if sizes[0, 0] or sizes[1, 0]:  # there are the smallest numbers too
        above, below = _kernels().zeros(numbers, *rows.where)
        zeros = above + below
        sizes[:, 0] -= below, above
    return Counted(count, sizes, zeros)


def columns_summed(rows: Rows) -> tuple[NDArray[np.float64], ...]:
    """Return the sums, the sums of squares, the smallest and the largest numbers, and the number of zeros, of the
    columns of some rows.
    """
    numbers, kernel = _array(rows), _kernels().sum_up_columns
    size = numbers.shape[1]

    def part(places: Integers, _: Integers) -> tuple[Any, ...]:
        ends = np.full(size, np.inf, np.float32), np.full(size, -np.inf, np.float32)
        found = np.zeros(size), np.zeros(size), *ends, np.zeros(size, np.int32)
        kernel(numbers, places, *found)
        return found

    first, *others = _each(part, rows)
    if not others:
        return tuple(each.astype(np.float64, copy=False) for each in first)
    parts = (np.stack(each).astype(np.float64) for each in zip(first, *others, strict=True))
    totals, squares, lows, highs, nothing = parts
    return totals.sum(axis=0), squares.sum(axis=0), lows.min(axis=0), highs.max(axis=0), nothing.sum(axis=0)


def looked(probabilities: Tensor, kinds: Tensor) -> NDArray[np.float64]:
    """Return sums over where heads look (quantities, heads), in the order of `profiles.heads.QUANTITIES`. ``kinds``
    (batch, tokens) say what each token is: 0 padding, 1 [CLS], 2 [SEP], 3 another.
    """
    totals = np.zeros((len(QUANTITIES), probabilities.shape[1]))
    probabilities = probabilities.detach().contiguous()
    logarithms = probabilities.double().log2_()  # torch takes many at once
    _kernels().look(probabilities.numpy(), logarithms.numpy(), kinds.numpy(), totals)
    return totals


def _array(rows: Rows) -> NDArray[np.float32]:
    found: NDArray[np.float32] = rows.matrix.detach().contiguous().numpy()
    return found


def _each(work: Callable[..., tuple[Any, ...]], rows: Rows) -> list[tuple[Any, ...]]:
    """Do some work on parts of some rows, given by their places and spans, and return what it gives, in their order."""
    places, spans = rows.where
    parts = min(len(places) * rows.matrix.shape[1] // _LEAST, _PARTS)
    if parts < 2:
        return [work(places, spans)]
    height = -(-len(places) // parts)
    starts = range(0, len(places), height)
    some = [places[start : start + height] for start in starts]
    # A single span is that of every row.
    their_spans = [spans if len(spans) == 1 else spans[start : start + height] for start in starts]
    threads = torch.get_num_threads()
    if threads < _MANY:
        return [*map(work, some, their_spans)]
    return [*_pool(threads).map(work, some, their_spans)]


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
