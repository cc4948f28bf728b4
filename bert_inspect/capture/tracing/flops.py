"""Floating point operations of the matrix products, from the shapes that were seen: two per multiply-add."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

Shape = tuple[int, ...]


def _argument(args: Sequence[Any], kwargs: Mapping[str, Any], place: int, *names: str) -> Any:
    if place < len(args):
        return args[place]
    return next(kwargs[name] for name in names if name in kwargs)


def _linear(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int:
    """(..., in) x (out, in) -> (..., out)"""
    return 2 * math.prod(out) * int(_argument(args, kwargs, 1, "weight")[-1])


def _matmul(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int:
    """(..., m, k) x (..., k, n) -> (..., m, n)"""
    return 2 * math.prod(out) * int(_argument(args, kwargs, 0, "input")[-1])


def _add_matmul(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int:
    """Added + (..., m, k) x (..., k, n) -> (..., m, n)"""
    return 2 * math.prod(out) * int(_argument(args, kwargs, 1, "mat1", "batch1")[-1])


def _fused_attention(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int:
    """Scores (..., queries, keys) and context (..., queries, head_dim), as if both were written out."""
    query, key = _argument(args, kwargs, 0, "query"), _argument(args, kwargs, 1, "key")
    queries = math.prod(out[:-1])  # batch x heads x queries
    return 2 * queries * int(key[-2]) * int(query[-1] + out[-1])


_FORMULAS: dict[Any, Callable[[Sequence[Any], Mapping[str, Any], Shape], int]] = {
    functional.linear: _linear,
    **dict.fromkeys(
        [torch.matmul, torch.mm, torch.bmm, torch.Tensor.matmul, torch.Tensor.mm, torch.Tensor.bmm], _matmul
    ),
    torch.Tensor.__matmul__: _matmul,
    **dict.fromkeys([torch.addmm, torch.baddbmm, torch.Tensor.addmm, torch.Tensor.baddbmm], _add_matmul),
    functional.scaled_dot_product_attention: _fused_attention,
}


def multiplies(func: Any) -> bool:
    """Whether a function is a matrix product."""
    return func in _FORMULAS


def flops_of(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int:
    """Return the floating point operations of one matrix product; tensors are given by their shapes."""
    return _FORMULAS[func](args, kwargs, out)
