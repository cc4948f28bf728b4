"""Which functions of torch write into what they were given."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch._ops import OpOverload, OpOverloadPacket

from .arguments import tensors_in

Written = Callable[[Sequence[Any], Mapping[str, Any]], list[Tensor]]
"""From what a function was given, by position and by name, to the tensors that it writes into."""


def writes(func: Any) -> Written | None:
    """Return what tells the tensors that a function writes into, None where it leaves all as they are.

    What is written by name (``out=``, ``inplace=True``) every function may do: it is not told here.
    """
    if isinstance(func, OpOverload):
        return _by_schema(func._schema) if func._schema.is_mutable else None
    if isinstance(func, OpOverloadPacket):
        mutable = [schema for schema in func._schemas.values() if schema.is_mutable and not _has_out(schema)]
        return _by_schema(mutable[0]) if mutable else None
    name = getattr(func, "__name__", "") or type(func).__name__
    if name == "__setitem__" or (name[-1] == "_" and name[-2:] != "__"):
        return _first
    return _SILENT.get(name)


def works_in_place(module: nn.Module) -> bool:
    """Whether a module of torch.nn works in place (a dropout in eval mode does not work at all)."""
    if not module.__dict__.get("inplace", False):
        return False
    return module.training or not isinstance(module, nn.modules.dropout._DropoutNd)


def _first(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
    return [tensor for _, tensor in tensors_in(args[0] if args else kwargs.get("input"), "")]


def _has_out(schema: Any) -> bool:
    return any(argument.is_out for argument in schema.arguments)


def _by_schema(schema: Any) -> Written:
    written = [
        (place, argument.name)
        for place, argument in enumerate(schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    ]

    def found(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
        values = (args[place] if place < len(args) else kwargs.get(name) for place, name in written)
        return [tensor for value in values for _, tensor in tensors_in(value, "")]

    return found


def _running_statistics(flag: str) -> Written:
    """As normalizations do that take the statistics of the batch and move running ones towards them."""

    def found(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
        named = {**dict(zip(("input", "running_mean", "running_var"), args, strict=False)), **kwargs}
        held = [named.get("running_mean"), named.get("running_var")]
        return [value for value in held if isinstance(value, Tensor)] if kwargs.get(flag) else []

    return found


def _renormalized(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """As an embedding does that keeps its rows below a norm."""
    weight = args[1] if len(args) > 1 else kwargs.get("weight")
    return [weight] if kwargs.get("max_norm") is not None and isinstance(weight, Tensor) else []


_SILENT: dict[str, Written] = {
    "batch_norm": _running_statistics("training"),
    "instance_norm": _running_statistics("use_input_stats"),
    "embedding": _renormalized,
    "embedding_bag": _renormalized,
}
"""What writes without its name saying so; torch.nn.functional hands flags on by name, however they were given."""
