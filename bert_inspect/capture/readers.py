"""Single numbers out of tensors, as numpy arrays in float64: what is read is small, though the tensor be large."""

from collections.abc import Callable
from typing import Any

import torch

from .tracing.tensor_stats import dtype_name

__all__ = ["dtype_name", "named_tensors", "reader"]


def reader(tensor: torch.Tensor) -> Callable[[Any], Any]:
    """Return what reads a tensor at an index, or along the axes at which it has slices."""

    def read(index: Any) -> Any:
        return tensor.detach()[index].double().cpu().numpy()

    return read


def named_tensors(model: Any) -> dict[str, torch.Tensor]:
    """Return the parameters and buffers of a model by every name that they bear."""
    return {
        **dict(model.named_parameters(remove_duplicate=False)),
        **dict(model.named_buffers(remove_duplicate=False)),
    }
