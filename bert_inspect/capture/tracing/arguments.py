"""What a module or an op was given: its tensors under their names, and everything else as one would write it."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import ref

import torch
from torch import nn

from ...traces.ops import op_of, plain_name
from .tensor_registry import CONTAINERS, TensorRef

Named = list[tuple[str, torch.Tensor]]


def tensors_in(value: Any, name: str) -> Named:
    """Return the tensors in an argument or a result, named: keys of a mapping, places in a sequence."""
    return _found(torch.Tensor, value, name)


def refs_in(value: Any, name: str) -> list[tuple[str, TensorRef]]:
    """Return the same of a value that holds the refs of tensors in their place."""
    return _found(ref, value, name)


def _found(kind: type, value: Any, name: str) -> list[tuple[str, Any]]:
    if isinstance(value, kind):
        return [(name, value)]
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in _found(kind, item, str(key))]
    if isinstance(value, tuple | list):
        return [found for i, item in enumerate(value) for found in _found(kind, item, f"{name}[{i}]")]
    return []


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return a value with others in place of its tensors, or of the refs of tensors; what holds none is itself."""
    if isinstance(value, torch.Tensor | ref):
        return change(value)
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    if isinstance(value, tuple | list) and (tensors_in(value, "") or refs_in(value, "")):
        items = [mapped(item, change) for item in value]
        if isinstance(value, list):
            return items
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value


_MAY_HOLD_REFS = (ref, *CONTAINERS)


def apart(
    names: Sequence[str], given: Sequence[Any], options: Mapping[str, Any]
) -> tuple[list[tuple[str, TensorRef]], Sequence[Any], Mapping[str, Any]]:
    """Return the refs among what a step was given, under their names; and the rest, by position and by name."""
    received: list[tuple[str, TensorRef]] = []
    rest = []
    for i, value in enumerate(given):
        if isinstance(value, _MAY_HOLD_REFS) and (
            inside := refs_in(value, names[i] if i < len(names) else f"input[{i}]")
        ):
            received += inside
        else:
            rest.append(value)
    others = {}
    for name, value in options.items():
        if isinstance(value, _MAY_HOLD_REFS) and (inside := refs_in(value, name)):
            received += inside
        else:
            others[name] = value
    return received, rest, others


_signatures: dict[type, list[str]] = {}


def module_input_names(module: nn.Module) -> Sequence[str]:
    """Return the names of what a module's forward receives by position."""
    names = _signatures.get(type(module))
    if names is None:
        try:
            names = list(inspect.signature(type(module).forward).parameters)[1:]
        except (AttributeError, TypeError, ValueError):  # a scripted module's class has no forward of its own
            names = ["input"]
        _signatures[type(module)] = names
    return names


def op_name(func: Any) -> str:
    """Return what an op is called in a trace: ``matmul``; of a property that makes a tensor, that: ``T``."""
    name = getattr(func, "__name__", "") or type(func).__name__
    if name == "__get__":
        name = func.__self__.__name__
    return plain_name(name)


def op_input_names(func: Any) -> Sequence[str]:
    """Return the names of what an op receives by position, as its documentation calls them."""
    return op_of(getattr(func, "__name__", "")).inputs


def index_given(given: Sequence[Any]) -> Any:
    """Return the index of ``x[index]``, with the tensors in it as words so that none is kept."""
    index = given[1]
    return _index(index) if refs_in(index, "") else index


def written(name: str, given: Sequence[Any], options: Mapping[str, Any]) -> str:
    """Return what an op was given besides tensors, by position and by name, as one would write it."""
    if name in ("getitem", "setitem"):
        return f"[{_index(given[0])}]"
    # A leading underscore marks what torch passes to itself.
    named = (f"{key}={_show(value)}" for key, value in options.items() if key[0] != "_")
    return ", ".join([*map(_show, given), *named])


_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def _show(value: Any) -> str:
    if isinstance(value, torch.Size):
        return ", ".join(map(str, value))
    try:
        text = str(value) if isinstance(value, torch.dtype | torch.device) else repr(value)
    except Exception:  # somebody else's code
        return f"<{type(value).__name__}>"
    return _ADDRESS.sub("", text)  # of a function, say: other in every run


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
    return "tensor" if isinstance(index, ref) else str(index)
