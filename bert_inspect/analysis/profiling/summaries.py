"""What is kept of a tensor: counts, sums in float64, extremes, a histogram. Nothing here knows what a tensor is."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...profiles import buckets
from ...profiles.tensor_totals import BatchDimensions, BatchNumbers
from . import one_pass
from .real_tokens import Rows

Sizes = NDArray[np.int64]
_SMALLEST = 2.0**-149
"""The smallest float32."""
_CHUNK = 1 << 16
"""Numbers that are looked at together: their float64 copy (512 KiB) stays in a core's cache."""


def numbers_of(rows: Rows) -> BatchNumbers:
    """Return the numbers of some rows."""
    found = one_pass.summed(rows) if one_pass.usable(rows.tensor) else None
    return _numbers_by_torch(rows) if found is None else found


def dimensions_of(rows: Rows) -> tuple[BatchNumbers, BatchDimensions]:
    """Return the numbers of some rows, and those by dimension, without examples. Extremes are of the finite ones; they
    are infinite the other way round where there is none.
    """
    if one_pass.usable(rows.tensor):
        numbers, columns = one_pass.columns_summed(rows)
        return (_numbers_by_torch(rows), _without_spoilt(rows, columns)) if numbers is None else (numbers, columns)
    taken = rows.taken.detach()
    double = taken.double()
    total, low, high = (_array(each) for each in (double.sum(dim=0), taken.amin(dim=0), taken.amax(dim=0)))
    copied = double if double is not taken else None  # what is float64 is the model's own
    squares = _array(torch.mul(double, double, out=copied).sum(dim=0))
    zeros = (taken == 0).sum(dim=0).cpu().numpy()
    found = BatchDimensions(count=len(rows), low=low, high=high, zeros=zeros, total=total, squares=squares)
    return _numbers_by_torch(rows, found), _without_spoilt(rows, found)


def _without_spoilt(rows: Rows, found: BatchDimensions) -> BatchDimensions:
    """Have the extremes be those of the finite numbers."""
    spoilt = ~np.isfinite(found.total)
    if spoilt.any():
        columns = torch.from_numpy(spoilt).to(rows.tensor.device)
        found.low[spoilt], found.high[spoilt] = _finite_ends(rows.taken.detach()[:, columns])
    return found


def _numbers_by_torch(rows: Rows, dimensions: BatchDimensions | None = None) -> BatchNumbers:
    """Return the numbers of some rows; ``dimensions`` are those of the same ones, whose sums serve."""
    flat = rows.taken.detach().reshape(-1)
    count = flat.numel()
    if not count:
        return _nothing(0, 0, 0)
    low, high = (float(end) for end in torch.aminmax(flat))
    nan = inf = 0
    if not (math.isfinite(low) and math.isfinite(high)):
        nan, inf = int(torch.isnan(flat).sum()), int(torch.isinf(flat).sum())
        flat, dimensions = flat[torch.isfinite(flat)], None
        if not flat.numel():
            return _nothing(count, nan, inf)
        low, high = (float(end) for end in torch.aminmax(flat))
    sizes, zeros = _sizes(flat)
    if dimensions is None:
        total, squares = _sums(flat)
    else:
        total, squares = float(dimensions.total.sum()), float(dimensions.squares.sum())
    return BatchNumbers(
        count=count, nan=nan, inf=inf, zeros=zeros, low=low, high=high, total=total, squares=squares, sizes=sizes
    )


def _finite_ends(columns: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and the largest finite number of each column."""
    finite = torch.isfinite(columns)
    low, high = (torch.where(finite, columns, far) for far in (math.inf, -math.inf))
    return _array(low.amin(dim=0)), _array(high.amax(dim=0))


def _sums(flat: Tensor) -> tuple[float, float]:
    """Return the sum of numbers and that of their squares, in float64, chunk by chunk."""
    buffer = torch.empty(min(_CHUNK, flat.numel()), dtype=torch.float64, device=flat.device)
    totals, squares = [], []
    for start in range(0, flat.numel(), _CHUNK):
        piece = flat[start : start + _CHUNK]
        chunk = buffer[: piece.numel()].copy_(piece)
        totals.append(chunk.sum())
        squares.append(torch.dot(chunk, chunk))
    return float(torch.stack(totals).sum()), float(torch.stack(squares).sum())


def _sizes(flat: Tensor) -> tuple[Sizes, int]:
    """Return how many numbers fall into each bucket (negative, positive), and how many are 0. What is too large for a
    float32 counts as its largest, what is too small as its smallest.
    """
    if flat.dtype is not torch.float32:
        exact, flat = flat, flat.float().clamp_(torch.finfo(torch.float32).min, torch.finfo(torch.float32).max)
        if exact.dtype is torch.float64:
            smallest = torch.copysign(torch.tensor(_SMALLEST, device=flat.device), flat)
            flat = torch.where((flat == 0) & (exact != 0), smallest, flat)
    bits = flat.contiguous().view(torch.int32)
    # The sign stays in front: negative numbers count below 0.
    counted = torch.bincount((bits >> buckets.SHIFT).add_(buckets.SIDE), minlength=2 * buckets.SIDE).cpu().numpy()
    sides = counted.astype(np.int64).reshape(2, buckets.SIDE)
    zeros = 0
    if sides[:, 0].any():  # there are the smallest numbers too
        nothing = flat == 0
        zeros = int(nothing.sum())
        below = int((nothing & torch.signbit(flat)).sum())
        sides[0, 0] -= below
        sides[1, 0] -= zeros - below
    return sides, zeros


def _nothing(count: int, nan: int, inf: int) -> BatchNumbers:
    return BatchNumbers(
        count=count,
        nan=nan,
        inf=inf,
        zeros=0,
        low=math.inf,
        high=-math.inf,
        total=0.0,
        squares=0.0,
        sizes=np.zeros((2, buckets.SIDE), dtype=np.int64),
    )


def _array(tensor: Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = tensor.double().cpu().numpy()
    return found
