"""Tensors as the plain numbers of a trace."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from ...traces.values import Number, strict


def plain(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor in float64, on the CPU and without its history."""
    return tensor.detach().double().cpu()


def rows(tensor: torch.Tensor) -> list[list[Number]]:
    """Return a matrix as rows of numbers that strict JSON can hold."""
    return [[strict(number) for number in row] for row in plain(tensor).tolist()]


def nested(tensor: torch.Tensor) -> list[Any]:
    """Return a tensor of any number of axes as nested lists of such numbers."""
    return [nested(inner) if inner.dim() else strict(float(inner)) for inner in plain(tensor)]


def largest(row: Sequence[float]) -> int:
    """Return where the largest number stands; NaN is never it while there is another."""
    return max(range(len(row)), key=lambda index: -math.inf if math.isnan(row[index]) else row[index])
