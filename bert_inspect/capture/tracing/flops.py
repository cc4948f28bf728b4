"""Which functions and modules of torch are matrix products, and what they cost: the rules stand in the table of
operations.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import nn
from torch._C import DisableTorchFunction
from torch.overrides import TorchFunctionMode

from ...traces.ops import FlopsRule, op_of, plain_name

_rules: dict[Any, FlopsRule | None] = {}
"""By function: it is asked for every op that runs, and the same few come by again and again."""


def flops_rule(func: Any) -> FlopsRule | None:
    """Return what counts the floating point operations of a function, None where it is no matrix product."""
    try:
        return _rules[func]
    except KeyError:
        rule = _rules[func] = op_of(plain_name(getattr(func, "__name__", ""))).flops
        return rule


def module_flops(module: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], output: Any, *, inside: int) -> int:
    """Return the floating point operations of a call of a module of torch.nn, from the shapes that went in and came
    out; ``inside`` are those of the modules that it called.
    """
    if isinstance(module, nn.MultiheadAttention):
        return _attention(
            module, *(_argument(args, kwargs, place, name) for place, name in enumerate(("query", "key")))
        )
    if isinstance(module, nn.TransformerEncoderLayer) and not inside:  # one fused kernel, which calls no module
        return _encoder_layer(module, _argument(args, kwargs, 0, "src"))
    kind: Any = type(module)
    rule, held = _rule_of(kind), {**vars(module), **module._parameters}  # asked for, a parametrized weight is computed
    if rule is None:
        return inside
    given = _argument(args, kwargs, 0, "input")
    if (weight := held.get("weight")) is not None:
        return rule((given.shape, weight.shape), {}, output.shape)
    return (
        rule((given.shape, (output.shape[-1], given.shape[-1])), {}, output.shape)
        if isinstance(module, nn.Linear)
        else inside
    )


class FlopCounter(TorchFunctionMode):
    """Counts the floating point operations of what runs in a block: of a module of torch.nn whose forward is another's,
    so that its class does not tell them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **kwargs or {})
        if (rule := flops_rule(func)) is not None:
            with DisableTorchFunction():
                given = [_shape(value) for value in args]
                self.count += rule(given, {name: _shape(value) for name, value in (kwargs or {}).items()}, _shape(out))
        return out


def counted_from_shapes(module: nn.Module, forward: Any) -> bool:
    """Whether `module_flops` can tell: the forward is that of the module's class, or the module has a fast path, which
    torch does not take while something counts.
    """
    return getattr(forward, "__func__", None) is type(module).forward or any(
        isinstance(part, nn.MultiheadAttention | nn.TransformerEncoderLayer) for part in module.modules()
    )


def _shape(value: Any) -> Any:
    return value.shape if isinstance(value, torch.Tensor) else value


@cache
def _rule_of(kind: type) -> FlopsRule | None:
    """Return the rule of the function that a class of torch.nn is named after."""
    names = (base.__name__.replace("Transpose", "_Transpose").lower() for base in kind.__mro__)
    return next((rule for name in names if (rule := op_of(name).flops) is not None), None)


def _argument(args: Sequence[Any], kwargs: Mapping[str, Any], place: int, name: str) -> Any:
    return args[place] if place < len(args) else kwargs[name]


def _attention(module: nn.MultiheadAttention, query: torch.Tensor, key: torch.Tensor) -> int:
    """Projections, scores, context and output projection, (batch, tokens, hidden) each."""
    size, total = module.embed_dim, 0
    added = (module.bias_k is not None) + module.add_zero_attn  # keys of the module's own
    lengths = (_lengths(tensor, batch_first=module.batch_first) for tensor in (query, key))
    for queries, keys in zip(*lengths, strict=True):
        projections = queries * size + keys * (module.kdim + module.vdim) + queries * size
        total += 2 * size * (projections + 2 * queries * (keys + added))
    return total


def _encoder_layer(module: nn.TransformerEncoderLayer, states: torch.Tensor) -> int:
    attention: Any = module.self_attn
    tokens = sum(_lengths(states, batch_first=attention.batch_first))
    return _attention(attention, states, states) + 4 * tokens * module.linear1.in_features * module.linear1.out_features


def _lengths(tensor: torch.Tensor, *, batch_first: bool) -> list[int]:
    """Return how many tokens each sentence of (batch, tokens, hidden), in either order, or of (tokens, hidden) has."""
    if tensor.is_nested:
        return [len(row) for row in tensor.unbind()]
    if tensor.dim() == 2:
        return [tensor.shape[0]]
    batch, tokens = tensor.shape[:2] if batch_first else tensor.shape[1::-1]
    return [tokens] * batch
