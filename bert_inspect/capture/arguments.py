"""What a module or an op was given: its tensors under their names, and everything else as one would write it."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


def tensors_in(value: Any, name: str) -> list[tuple[str, torch.Tensor]]:
    """Return the tensors in an argument or a result, named: keys of a mapping, places in a sequence."""
    if isinstance(value, torch.Tensor):
        return [(name, value)]
    if isinstance(value, Mapping):
        pairs: list[tuple[str, Any]] = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, tuple | list):
        pairs = [(f"{name}[{i}]", item) for i, item in enumerate(value)]
    else:
        return []
    return [found for key, item in pairs for found in tensors_in(item, key)]


_signatures: dict[type, list[str]] = {}


def module_inputs(
    module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> list[tuple[str, torch.Tensor]]:
    """Return the tensors that a module's forward received, under its parameters' names."""
    names = _signatures.get(type(module))
    if names is None:
        names = _signatures[type(module)] = list(inspect.signature(type(module).forward).parameters)[1:]
    named = [(names[i] if i < len(names) else f"args[{i}]", value) for i, value in enumerate(args)]
    return [found for name, value in [*named, *kwargs.items()] for found in tensors_in(value, name)]


_TWO_INPUTS = ("input", "other")
_OP_INPUTS: dict[str, tuple[str, ...]] = {
    "scaled_dot_product_attention": ("query", "key", "value", "attn_mask"),
    "cross_entropy": ("input", "target", "weight"),
    "mse_loss": ("input", "target"),
    "binary_cross_entropy_with_logits": ("input", "target", "weight"),
    "linear": ("input", "weight", "bias"),
    "layer_norm": ("input", "normalized_shape", "weight", "bias"),
    "embedding": ("input", "weight"),
    "where": ("condition", "input", "other"),
}


def plain_arguments(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """Return what an op was given besides tensors, as one would write it."""
    if name == "__getitem__":
        return f"[{_index(args[1])}]"
    if name == "__setitem__":
        return f"[{_index(args[1])}]"
    parts = [_show(arg) for arg in args if not tensors_in(arg, "")]
    # A leading underscore marks what torch passes to itself; None is what was not given.
    parts += [
        f"{key}={_show(value)}"
        for key, value in kwargs.items()
        if not key.startswith("_") and value is not None and not tensors_in(value, "")
    ]
    return ", ".join(parts)


def _show(value: Any) -> str:
    text = str(value) if isinstance(value, torch.dtype | torch.device | torch.Size) else repr(value)
    return text.removeprefix("torch.Size(").removesuffix(")") if isinstance(value, torch.Size) else text


def _index(index: Any) -> str:
    if isinstance(index, tuple):
        return ", ".join(_index(part) for part in index)
    if isinstance(index, slice):
        ends = [
            "" if end is None or (end == 0 and at == 0) else str(end)
            for at, end in enumerate((index.start, index.stop))
        ]
        return ":".join(ends) + ("" if index.step is None else f":{index.step}")
    if index is Ellipsis:
        return "..."
    return "tensor" if isinstance(index, torch.Tensor) else str(index)


def op_inputs(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[tuple[str, torch.Tensor]]:
    """Return the tensors that an op received, named as its documentation names them."""
    places = _OP_INPUTS.get(func.__name__, _TWO_INPUTS)
    named = [(places[i] if i < len(places) else f"input[{i}]", value) for i, value in enumerate(args)]
    return [found for name, value in [*named, *kwargs.items()] for found in tensors_in(value, name)]
