"""Floating point operations of the matrix products, from the shapes that were seen: two per multiply-add."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional


def _argument(args: Sequence[Any], kwargs: Mapping[str, Any], place: int, *names: str) -> Any:
    if place < len(args):
        return args[place]
    return next(kwargs[name] for name in names if name in kwargs)


def _linear(args: Sequence[Any], kwargs: Mapping[str, Any], out: torch.Tensor) -> int:
    """(..., in) x (out, in) -> (..., out)"""
    return 2 * out.numel() * int(_argument(args, kwargs, 1, "weight").shape[-1])


def _matmul(args: Sequence[Any], kwargs: Mapping[str, Any], out: torch.Tensor) -> int:
    """(..., m, k) x (..., k, n) -> (..., m, n)"""
    return 2 * out.numel() * int(_argument(args, kwargs, 0, "input").shape[-1])


def _add_matmul(args: Sequence[Any], kwargs: Mapping[str, Any], out: torch.Tensor) -> int:
    """Added + (..., m, k) x (..., k, n) -> (..., m, n)"""
    return 2 * out.numel() * int(_argument(args, kwargs, 1, "mat1", "batch1").shape[-1])


def _fused_attention(args: Sequence[Any], kwargs: Mapping[str, Any], out: torch.Tensor) -> int:
    """Scores (..., queries, keys) and context (..., queries, head_dim), as if both were written out."""
    query, key = _argument(args, kwargs, 0, "query"), _argument(args, kwargs, 1, "key")
    queries = out.numel() // out.shape[-1]  # batch x heads x queries
    return 2 * queries * int(key.shape[-2]) * int(query.shape[-1] + out.shape[-1])


_FORMULAS: dict[Any, Callable[[Sequence[Any], Mapping[str, Any], torch.Tensor], int]] = {
    functional.linear: _linear,
    **dict.fromkeys(
        [torch.matmul, torch.mm, torch.bmm, torch.Tensor.matmul, torch.Tensor.mm, torch.Tensor.bmm], _matmul
    ),
    torch.Tensor.__matmul__: _matmul,
    **dict.fromkeys([torch.addmm, torch.baddbmm, torch.Tensor.addmm, torch.Tensor.baddbmm], _add_matmul),
    functional.scaled_dot_product_attention: _fused_attention,
}


def flops_of(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> int:
    """Return the floating point operations of one call, 0 for what is not a matrix product."""
    formula = _FORMULAS.get(func)
    return formula(args, kwargs, out) if formula is not None and isinstance(out, torch.Tensor) else 0
