"""Holds that a graph of autograd is linear: that what was frozen is all that had to be."""

from collections.abc import Iterator
from typing import Any

import torch

LINEAR = frozenset(
    {
        *("AccumulateGrad", "FrozenNorm", "FrozenActivation", "FrozenAttention"),
        *("Add", "Sub", "Neg", "Addmm", "Mm", "Bmm", "Baddbmm", "Mul", "Div", "Mv", "Dot", "Convolution"),
        *("View", "UnsafeView", "ReshapeAlias", "Reshape", "Transpose", "Permute", "T", "Squeeze", "Unsqueeze"),
        *("Expand", "Repeat", "Clone", "Alias", "AsStrided", "ToCopy", "Select", "Slice", "Index", "IndexSelect"),
        *("Gather", "Split", "SplitWithSizes", "Unbind", "Chunk", "Cat", "Stack", "Sum", "Mean", "MaskedFill"),
        *("Where", "CopySlices", "CopyBackwards", "Dropout", "NativeDropout", "UnsafeSplit", "Narrow", "Detach"),
    }
)
"""Operations that are linear in what they receive of the network, if that is one thing; by autograd's names."""

PRODUCTS = frozenset({"Addmm", "Mm", "Bmm", "Baddbmm", "Mul", "Mv", "Dot", "Convolution"})
"""Those of them that are linear only if one factor is no part of the network."""


class NotAffine(Exception):
    """The model computes something that the frozen network does not know."""


def check_affine(result: torch.Tensor) -> None:
    """Hold that a number depends on the network's parts by linear operations alone.

    Raises:
        NotAffine: it does not; says which operation is another.
    """
    for node in _nodes(result):
        name = _name(node)
        if name not in LINEAR:
            raise NotAffine(f"an operation that is not linear ({name})")
        inner = [child for child, _ in node.next_functions]
        factors = inner[1:] if name in ("Addmm", "Baddbmm") else inner
        if name in PRODUCTS and sum(child is not None for child in factors) > 1:
            raise NotAffine(f"a product of two things that depend on the tokens ({name})")
        if name == "Div" and len(inner) > 1 and inner[1] is not None:
            raise NotAffine("a quotient by something that depends on the tokens")


def _nodes(result: torch.Tensor) -> Iterator[Any]:
    """Yield the nodes of a tensor's graph, each once."""
    waiting: list[Any] = [result.grad_fn]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        waiting += [child for child, _ in node.next_functions]


def _name(node: Any) -> str:
    """Return the name of a node's operation: ``Mul`` of ``MulBackward0``."""
    return str(node.name()).rpartition("::")[2].rstrip("0123456789").removesuffix("Backward")
