"""From a tensor to plain data: shape, dtype, statistics, numbers. Nothing else reads what is in a tensor."""

import math
from contextlib import suppress
from functools import cache
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor

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


def shape_of(tensor: torch.Tensor) -> tuple[int, ...]:
    """Return the shape of any tensor; of a nested one, whose parts differ in shape, how many there are and the shape of
    the smallest box around each of them. A size that is not known, as of one without numbers, is 0.
    """
    if tensor.is_nested and not tensor.is_meta:
        with suppress(RuntimeError):
            parts = [part.shape for part in tensor.unbind()]
            return len(parts), *(max(sizes) for sizes in zip(*parts, strict=True))
    return tuple(size if type(size) is int else 0 for size in tensor.shape)


def unreadable(tensor: torch.Tensor) -> str:
    """Return why the numbers of a tensor cannot be read, in words that go on after "it is"; empty where they can."""
    if tensor.is_nested:
        return "a nested tensor, whose parts differ in shape: the shape is that of a box around each of them"
    if tensor.layout is not torch.strided:
        return f"a tensor of layout {str(tensor.layout).removeprefix('torch.')}"
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "inside a transform of torch.func, where one tensor stands for others"
    if isinstance(tensor, FakeTensor):
        return "a fake tensor, which has a shape and no numbers"
    if tensor.is_meta:
        return "on the meta device, where there are no numbers"
    if not (tensor.is_quantized or tensor.is_complex() or _has_arithmetic(tensor.dtype)):
        return f"of dtype {dtype_name(tensor.dtype)}, on which torch does no arithmetic"
    return ""


def unordered(tensor: torch.Tensor) -> str:
    """Return why a tensor whose numbers can be read has neither statistics nor values; empty where it has them."""
    if tensor.is_complex():
        return f"of dtype {dtype_name(tensor.dtype)}, and a trace holds real numbers only"
    return ""


@cache
def _has_arithmetic(dtype: torch.dtype) -> bool:
    try:
        torch.empty(1, dtype=dtype).double()
    except RuntimeError:
        return False
    return True


def _usual(tensor: torch.Tensor) -> torch.Tensor:
    """Return the same real numbers in a dtype that torch and Python know well."""
    tensor = tensor.detach().resolve_neg()
    if tensor.is_quantized:
        return tensor.dequantize()  # what it stands for
    if tensor.dtype in (torch.uint16, torch.uint32):
        return tensor.long()
    return tensor.float() if tensor.is_floating_point() and tensor.element_size() == 1 else tensor


def statistics(tensor: torch.Tensor) -> Stats:
    """Return the statistics of a tensor, in float64 over its finite entries."""
    tensor = _usual(tensor)
    if tensor.dtype is torch.uint64:
        tensor = tensor.double()
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

    Precisions that Python has no word for (bfloat16, float16, float8) are widened to float32, which holds them exactly;
    of a quantized tensor these are the numbers that it stands for.
    """
    shape = tuple(tensor.shape)
    tensor = _usual(tensor)
    unsigned = tensor.dtype is torch.uint64
    if unsigned:
        tensor = tensor.view(torch.int64)  # torch cannot pick entries of the other
    kept = None
    if ends is not None:
        kept = ends.kept(shape)
        for axis, indices in enumerate(kept):
            if len(indices) < shape[axis]:
                tensor = tensor.index_select(axis, torch.tensor(indices, device=tensor.device))
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    flat: Any = tensor.to("cpu").reshape(-1).clone()
    flat = (flat.view(torch.uint64) if unsigned else flat).numpy()
    return Values(memoryview(flat), shape, kept=kept)


def full_copy(tensor: torch.Tensor) -> torch.Tensor:
    """Return a copy of the whole tensor in row-major order, on the CPU; of a quantized one what it stands for."""
    tensor = tensor.detach().resolve_conj().resolve_neg().to("cpu")
    return (tensor.dequantize() if tensor.is_quantized else tensor).clone(memory_format=torch.contiguous_format)
