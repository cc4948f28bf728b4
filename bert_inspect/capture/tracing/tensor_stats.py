"""From a tensor to plain data: shape, dtype, statistics, numbers. Nothing else reads what is in a tensor."""

import math
from typing import Any

import torch

from ...traces.record import Stats
from ...traces.values import Number, Values, strict
from ..keep import Ends

_CHUNK = 1 << 17
"""Entries whose float64 copy is held at a time (1 MiB, which a cache holds too)."""

_names: dict[torch.dtype, str] = {}


def dtype_name(dtype: torch.dtype) -> str:
    """Return ``float32`` for ``torch.float32``."""
    name = _names.get(dtype)
    if name is None:
        name = _names[dtype] = str(dtype).removeprefix("torch.")
    return name


def statistics(tensor: torch.Tensor) -> Stats | None:
    """Return the statistics of a tensor, in float64 over its finite entries; None on the meta device."""
    if tensor.is_meta:
        return None
    count = tensor.numel()
    if count == 0:
        return Stats(min=None, max=None, mean=None, std=None, nan=0, inf=0, zeros=0)
    nan = inf = 0
    finite = tensor
    zeros = count - int(torch.count_nonzero(tensor))
    if tensor.is_floating_point():
        # One pass finds the extremes, and NaN or infinity shows in them: the usual tensor needs no second look.
        low, high = torch.aminmax(tensor)
        if not (math.isfinite(low) and math.isfinite(high)):
            nan = int(torch.isnan(tensor).sum())
            inf = int(torch.isinf(tensor).sum())
            finite = tensor[torch.isfinite(tensor)]
            if finite.numel() == 0:
                return Stats(min=None, max=None, mean=None, std=None, nan=nan, inf=inf, zeros=zeros)
            low, high = torch.aminmax(finite)
    else:
        low, high = torch.aminmax(tensor.to(torch.uint8) if tensor.dtype == torch.bool else tensor)
    mean, squares = _moments(finite)
    entries = finite.numel()
    std: Number | None = strict(math.sqrt(squares / (entries - 1))) if entries > 1 else None
    return Stats(min=float(low), max=float(high), mean=strict(mean), std=std, nan=nan, inf=inf, zeros=zeros)


def _moments(tensor: torch.Tensor) -> tuple[float, float]:
    """Return the mean and the sum of squared distances from it, in float64.

    The tensor is taken in chunks that fit the cache, each in two passes (mean, then distances), and the chunks are
    joined by the pairwise update of Chan, Golub and LeVeque (Updating formulae and a pairwise algorithm for computing
    sample variances, 1979). No float64 copy of the whole is made, and it is three times as fast as torch.var_mean.
    """
    entries, mean, squares = 0, 0.0, 0.0
    flat = tensor.reshape(-1)
    buffer = torch.empty(min(_CHUNK, flat.numel()), dtype=torch.float64, device=flat.device)
    for start in range(0, flat.numel(), _CHUNK):
        piece = flat[start : start + _CHUNK]
        size = piece.numel()
        chunk = buffer[:size].copy_(piece)
        average = float(chunk.sum()) / size
        chunk -= average
        distance = average - mean
        total = entries + size
        mean += distance * size / total
        squares += float(torch.dot(chunk, chunk)) + distance * distance * entries * size / total
        entries = total
    return mean, squares


def numbers(tensor: torch.Tensor, ends: Ends | None = None) -> Values:
    """Return the tensor's numbers, copied; of the whole tensor, or of its ``ends`` alone.

    Precisions that Python has no word for (bfloat16, float16) are widened to float32, which holds them exactly.
    """
    shape = tuple(tensor.shape)
    kept = None
    if ends is not None:
        kept = ends.kept(shape)
        for axis, indices in enumerate(kept):
            if len(indices) < shape[axis]:
                tensor = tensor.index_select(axis, torch.tensor(indices, device=tensor.device))
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    flat: Any = tensor.detach().to("cpu").reshape(-1).clone().numpy()
    return Values(memoryview(flat), shape, kept=kept)


def full_copy(tensor: torch.Tensor) -> torch.Tensor:
    """Return a copy of the whole tensor in row-major order, on the CPU."""
    return tensor.detach().to("cpu").clone(memory_format=torch.contiguous_format)
