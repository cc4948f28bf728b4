"""Plain computations to hold a record against, written without regard to speed and apart from what made the record."""

import hashlib
import math
from typing import Any

import torch

from ...traces.record import Stats
from ...traces.values import Values
from ..tracing.tensor_stats import unreadable

_UNITS = 32
"""How many units of rounding, of the largest entry, a result may lie beside its recomputation. On one machine the same
code on the same numbers gives the same bits, but kernels may choose another order of summation for memory that is
aligned otherwise."""


def digest(tensor: torch.Tensor) -> bytes:
    """Return what tells a tensor's shape, dtype and bits from any other's."""
    flat: Any = _plain(tensor).cpu().contiguous().reshape(-1)
    made = hashlib.sha1(f"{tuple(tensor.shape)} {tensor.dtype} {tensor.layout}".encode(), usedforsecurity=False)
    made.update(flat.view(torch.uint8).numpy() if flat.numel() else b"")
    return made.digest()


def uncheckable(tensor: torch.Tensor) -> str:
    """Return why a tensor's numbers cannot be held against others, in words that go on after "it is"; empty where they
    can. Of a sparse tensor, which cannot be shown, what it stores can.
    """
    return "" if tensor.layout in _STORED else unreadable(tensor)


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor's numbers as real ones: of a complex one the pairs, of a sparse one what it stores."""
    stored = tensor.detach()
    if stored.is_quantized:
        return stored.dequantize()
    if stored.layout in _STORED:
        held = stored.coalesce() if stored.layout is torch.sparse_coo else stored
        parts = [_plain(getattr(held, name)()).double().reshape(-1) for name in _STORED[stored.layout]]
        return torch.cat(parts)
    stored = stored.resolve_conj().resolve_neg()
    return torch.view_as_real(stored) if stored.is_complex() else stored


_STORED = {
    torch.sparse_coo: ("indices", "values"),
    torch.sparse_csr: ("crow_indices", "col_indices", "values"),
    torch.sparse_bsr: ("crow_indices", "col_indices", "values"),
    torch.sparse_csc: ("ccol_indices", "row_indices", "values"),
    torch.sparse_bsc: ("ccol_indices", "row_indices", "values"),
}


def largest_difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the largest absolute difference of two tensors of one shape, in float64: 0 where the bits are the same,
    infinity where only one of them has a number.
    """
    if digest(one) == digest(other):
        return 0.0
    first, second = _plain(one).double().reshape(-1), _plain(other).double().reshape(-1)
    if first.shape != second.shape:  # sparse ones that store other entries
        return math.inf
    same = (first == second) | (first.isnan() & second.isnan())
    apart = (first - second).abs()[~same]
    return 0.0 if not apart.numel() else float(apart.nan_to_num(nan=math.inf).max())


def allowed_difference(tensor: torch.Tensor) -> float:
    """Return how far a recomputed result may lie beside the recorded one."""
    plain = _plain(tensor)
    if not plain.is_floating_point() or not plain.numel():
        return 0.0
    largest = float(plain.double().abs().nan_to_num(nan=0.0, posinf=0.0).max())
    return _UNITS * torch.finfo(plain.dtype).eps * largest


def has_values(tensor: torch.Tensor, values: Values) -> bool:
    """Whether kept values are the tensor's, at the places that were kept of it."""
    expected = tensor.detach().cpu()
    if _dtype_of(expected) != expected.dtype:
        expected = expected.dequantize() if expected.is_quantized else expected.to(_dtype_of(expected))
    for axis, indices in enumerate(values.kept or ()):
        expected = expected.index_select(axis, torch.tensor(indices))
    held = (
        torch.frombuffer(bytearray(values.flat), dtype=_dtype_of(expected))
        if expected.numel()
        else expected.reshape(-1)
    )
    return digest(held) == digest(expected.reshape(-1))


def _dtype_of(tensor: torch.Tensor) -> torch.dtype:
    """Return the dtype of the values that are kept of a tensor."""
    if tensor.is_quantized or (tensor.is_floating_point() and tensor.element_size() < 4):
        return torch.float32
    return torch.int64 if tensor.dtype in (torch.uint16, torch.uint32) else tensor.dtype


def has_statistics(tensor: torch.Tensor, stats: Stats) -> bool:
    """Whether statistics are the tensor's: counts and extremes to the bit, moments to 1e-9 of the largest entry."""
    entries = _plain(tensor).double().reshape(-1)
    finite = entries[entries.isfinite()]
    counts = (int(entries.isnan().sum()), int(entries.isinf().sum()), int((entries == 0).sum()))
    if counts != (stats.nan, stats.inf, stats.zeros):
        return False
    if not finite.numel():
        return stats.min is stats.max is stats.mean is stats.std is None
    if (stats.min, stats.max) != (float(finite.min()), float(finite.max())):
        return False
    near = 1e-9 * float(finite.abs().max())
    std = finite.std() if finite.numel() > 1 else None
    return _near(stats.mean, finite.mean(), near) and _near(stats.std, std, near)


def _near(found: Any, expected: torch.Tensor | None, allowed: float) -> bool:
    if found is None or expected is None:
        return found is expected
    # Where the sum overflows, both are non-finite.
    return abs(float(found) - float(expected)) <= allowed or not math.isfinite(expected)
