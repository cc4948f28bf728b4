"""Floating point operations of the matrix products, from their shapes: two per multiply-add.

Each rule is given what the operation was called with, by position and by name, its tensors as their shapes; and the
shape of its result. The counts are those of ``torch.utils.flop_counter``. None says that a rule is not for such shapes:
vectors, say.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Shape = tuple[int, ...]


def linear(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int | None:
    """(..., in) x (out, in) -> (..., out)"""
    weight = _argument(args, kwargs, 1, "weight")
    return 2 * math.prod(out) * int(weight[-1]) if isinstance(weight, tuple) and len(weight) == 2 else None


def matmul(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int | None:
    """(..., m, k) x (..., k, n) -> (..., m, n)"""
    one, other = _argument(args, kwargs, 0, "input", "self"), _argument(args, kwargs, 1, "other", "mat2", "tensor2")
    if not (isinstance(one, tuple) and isinstance(other, tuple)) or min(len(one), len(other)) < 2:
        return None
    return 2 * math.prod(out) * int(one[-1])


def add_matmul(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int | None:
    """Added + (..., m, k) x (..., k, n) -> (..., m, n)"""
    one = _argument(args, kwargs, 1, "mat1", "batch1")
    return 2 * math.prod(out) * int(one[-1]) if isinstance(one, tuple) else None


def fused_attention(args: Sequence[Any], kwargs: Mapping[str, Any], out: Shape) -> int | None:
    """Scores (..., queries, keys) and context (..., queries, head_dim), as if both were written out."""
    query, key = _argument(args, kwargs, 0, "query"), _argument(args, kwargs, 1, "key")
    if not (isinstance(query, tuple) and isinstance(key, tuple)):
        return None
    queries = math.prod(out[:-1])  # batch x heads x queries
    return 2 * queries * int(key[-2]) * int(query[-1] + out[-1])


def _argument(args: Sequence[Any], kwargs: Mapping[str, Any], place: int, *names: str) -> Any:
    if place < len(args):
        return args[place]
    return next((kwargs[name] for name in names if name in kwargs), None)
