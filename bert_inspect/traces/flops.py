"""Floating point operations of the matrix products, from their shapes: two per multiply-add.

Each rule is given what the operation was called with, by position and by name, its tensors as their shapes; and the
shape of its result. The counts are those of ``torch.utils.flop_counter``.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Shape = tuple[int, ...]


def linear(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int:
    """(..., in) x (out, in) -> (..., out)"""
    return 2 * math.prod(out) * int(_argument(args, kwargs, 1, "weight")[-1])


def matmul(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int:
    """(..., m, k) x (..., k, n) -> (..., m, n)"""
    return 2 * math.prod(out) * int(_argument(args, kwargs, 0, "input")[-1])


def add_matmul(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int:
    """Added + (..., m, k) x (..., k, n) -> (..., m, n)"""
    return 2 * math.prod(out) * int(_argument(args, kwargs, 1, "mat1", "batch1")[-1])


def fused_attention(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int:
    """Scores (..., queries, keys) and context (..., queries, head_dim), as if both were written out."""
    query, key = _argument(args, kwargs, 0, "query"), _argument(args, kwargs, 1, "key")
    queries = math.prod(out[:-1])  # batch x heads x queries
    return 2 * queries * int(key[-2]) * int(query[-1] + out[-1])


def _argument(args: Sequence[Any], kwargs: Mapping[str, Any], place: int, *names: str) -> Any:
    if place < len(args):
        return args[place]
    return next(kwargs[name] for name in names if name in kwargs)
