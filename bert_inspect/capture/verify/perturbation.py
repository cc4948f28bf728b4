"""Gives a step other numbers than it received: its result must be another one then.

That a step run again gives what was recorded says something only if it could have given something else. As torchlens'
validation does (github.com/johnmarktaylor91/torchlens), each tensor that a step received is replaced in turn, and the
result must change. Where it does not, there must be a reason: the tensor only lends its shape; it is overwritten; the
result is discrete; the step's other arguments (zeros, masks, a factor of 0, weights that are 0) leave nothing of it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ...traces.ops import plain_name
from .checks import digest
from .held_call import HeldCall, Results


def unheard(held: HeldCall, call: Callable[..., Any], func: Any, expected: Results) -> tuple[int, list[int]]:
    """Give a step other numbers in place of each tensor that it received, in turn.

    ``func`` is the function or the module that ``call`` runs, ``expected`` its result. Return how many tensors were
    replaced, those left out for which there is a reason to be unheard; and the places of those that change nothing
    without one.
    """
    if not any(_continuous(result) for _, result in expected):
        return 0, []
    tensors, draw = held.tensors(), torch.Generator().manual_seed(0)
    tried, without_reason = 0, []
    for place, tensor in enumerate(tensors):
        if not _continuous(tensor) or type(tensor) not in (torch.Tensor, nn.Parameter):
            continue
        try:
            changes = _is_heard(held, call, place, expected, draw)
        except Exception:  # it refuses such numbers
            continue
        if changes or not _has_reason(held, func, tensor):
            tried += 1
            if not changes:
                without_reason.append(place)
    return tried, without_reason


def _is_heard(held: HeldCall, call: Callable[..., Any], place: int, expected: Results, draw: torch.Generator) -> bool:
    tensors = held.tensors()
    other = _other(tensors[place], draw)
    for instead in (other, -other):  # what is negative may be cut off
        if _bits(held.run(call, {place: instead})) != _bits(expected):
            return True
    others = {at: _other(tensor, draw) for at, tensor in enumerate(tensors) if at != place}
    return _bits(held.run(call, others)) != _bits(held.run(call, {**others, place: other}))


def _bits(results: Results) -> list[bytes]:
    return [digest(tensor) for _, tensor in results]


def _has_reason(held: HeldCall, func: Any, tensor: torch.Tensor) -> bool:
    if held.copies or 1 in tensor.shape:  # overwritten; or softmax and norms over one entry, which are constant
        return True
    if isinstance(func, nn.Module):
        weights = list(func.parameters())
        return not weights or not all(weight.any() for weight in weights)
    name = plain_name(getattr(func, "__name__", ""))
    return name.endswith(("_as", "_like")) or name.startswith("new_") or name == "to" or _holds_number(held.given)


def _continuous(tensor: torch.Tensor) -> bool:
    return (tensor.is_floating_point() or tensor.is_complex()) and tensor.numel() > 0


def _other(tensor: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Return other numbers of about the same size, and other truth values; indices are left as they are."""
    if tensor.dtype is torch.bool:
        return torch.rand(tensor.shape, generator=draw).lt(0.5).to(tensor.device)
    if not _continuous(tensor):
        return tensor
    sizes = tensor.detach().abs().float()
    largest = sizes.where(sizes.isfinite(), 0).max().clamp(1e-3, 1e3)
    return (torch.randn(tensor.shape, generator=draw).to(tensor.device) * largest).to(tensor.dtype)


def _holds_number(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_holds_number, value))
    if isinstance(value, dict):
        return any(map(_holds_number, value.values()))
    return isinstance(value, int | float | complex) and not isinstance(value, bool)
