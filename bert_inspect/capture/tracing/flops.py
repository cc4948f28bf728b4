"""The floating point operations of a step, as ``torch.utils.flop_counter`` counts them.

The few products that a BERT is made of have rules in the table of operations. Every other function is run once more on
the meta device, where only shapes are computed, under that counter: it sees all that the function is made of. So are
modules of torch.nn; what others wrote inside of one is not run again for this, its functions are counted as they run. A
fused kernel that the counter has no formula for (that of `LSTM`, the fast path of `MultiheadAttention`) does not exist
on the meta device: what it fuses is counted.
"""

import math
import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import torch
from torch import nn
from torch._C import DisableTorchFunction
from torch.overrides import TorchFunctionMode

from ...traces.ops import OPS, plain_name
from ..undisturbed import HOOKS
from .step_record import TensorRecord
from .tensor_stats import dtype_name

if TYPE_CHECKING:
    from .tracer import Tracer

_MOST = 10_000
_counted: dict[Any, int] = {}
"""By function and what it was given: the same few come by again and again."""
_counted_modules: WeakKeyDictionary[nn.Module, dict[Any, int]] = WeakKeyDictionary()


def flops_of(func: Callable[..., Any], given: Sequence[Any], options: Mapping[str, Any], output: Any) -> int:
    """Return the floating point operations of a function from what it was given and returned, with the records of
    tensors in their places.
    """
    op = OPS.get(plain_name(getattr(func, "__name__", "")))
    if op is not None and op.flops is None:
        return 0
    if op is not None and op.flops is not None and isinstance(output, TensorRecord):
        found = op.flops(_shapes(given), _shapes(options), output.shape)
        if found is not None:
            return found
    if not _holds_tensor((given, options)):  # what makes numbers of nothing multiplies none
        return 0
    key = (func, _key(given), _key(options))
    if key not in _counted:
        if len(_counted) >= _MOST:
            _counted.clear()
        _counted[key] = _count(func, given, options)
    return _counted[key]


def counted_as_it_runs(module: nn.Module) -> bool:
    """Whether the functions inside of a module of torch.nn have to be counted one by one: it holds what others wrote.
    One with a fast path, which torch does not take while something counts, is told by its shapes nevertheless.
    """
    parts = list(module.modules())
    return not all(map(_is_torchs_own, parts)) and not any(
        isinstance(part, nn.MultiheadAttention | nn.TransformerEncoderLayer) for part in parts
    )


def _is_torchs_own(module: nn.Module) -> bool:
    forward = vars(module).get("forward")
    own = getattr(forward, "__wrapped__", forward)  # while it is traced another one stands there
    kind = type(module)
    return kind.__module__.startswith("torch.nn.") and (own is None or getattr(own, "__func__", None) is kind.forward)


class FlopCounter(TorchFunctionMode):
    """Counts the floating point operations of the functions that run in a block; what its counting raises is the
    tracer's error.
    """

    def __init__(self, tracer: "Tracer") -> None:
        super().__init__()
        self._tracer = tracer
        self.count = 0

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        try:
            with DisableTorchFunction():
                self.count += flops_of(func, _records(args), _records(kwargs), _records(out))
        except Exception as error:
            self._tracer.give_up(error)
        return out


def _records(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return TensorRecord("", -1, tuple(value.shape), dtype_name(value.dtype), ref(value))
    return _mapped(_records, value)


def flops_of_module(module: nn.Module, given: Sequence[Any], options: Mapping[str, Any]) -> int:
    """Return the same of a module of torch.nn with all that is inside of it."""
    weights = [tuple(weight.shape) for weight in module.parameters()]
    if not weights:  # there is nothing to multiply with
        return 0
    if isinstance(module, nn.RNNBase):
        given, options = (_tokens_at_once(module, (*given, *options.values())[0]),), {}
    known = _counted_modules.setdefault(module, {})
    key = (_key(weights), _key(given), _key(options))
    if key not in known:
        known[key] = _count(lambda *args, **kwargs: _stand_in(module).forward(*args, **kwargs), given, options)
    return known[key]


def _tokens_at_once(module: nn.RNNBase, received: Any) -> TensorRecord:
    """Return the same number of tokens as one batch without a past, which costs the same; a packed sequence holds them
    in the first of its tensors.
    """
    while isinstance(received, tuple):
        received = received[0]
    tokens, features = math.prod(received.shape[:-1]), received.shape[-1]
    shape = (tokens, 1, features) if module.batch_first else (1, tokens, features)
    return TensorRecord("", -1, shape, received.dtype, received.tensor_ref)


def _count(call: Callable[..., Any], given: Sequence[Any], options: Mapping[str, Any]) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    try:
        with warnings.catch_warnings(), torch.no_grad(), counter:
            warnings.simplefilter("ignore")  # they were given when it ran
            call(*_on_meta(given), **_on_meta(options))
    except Exception:  # it asks for numbers, or exists nowhere but on its own device: no product that torch counts
        return 0
    return int(counter.get_total_flops())


def _stand_in(module: nn.Module) -> nn.Module:
    """Return a module of the same class and attributes without weights and without hooks."""
    other = type(module).__new__(type(module))
    vars(other).update({name: _on_meta(value) for name, value in vars(module).items() if name != "forward"})
    vars(other).update({name: OrderedDict() for name in HOOKS})
    children = {name: None if child is None else _stand_in(child) for name, child in module._modules.items()}
    vars(other)["_modules"] = children
    return other


def _on_meta(value: Any) -> Any:
    """Return a value with tensors of the meta device in place of its tensors, or of their records."""
    if isinstance(value, torch.Tensor):
        return torch.empty_like(value, device="meta", requires_grad=False)
    if isinstance(value, TensorRecord):
        return torch.empty(value.shape, dtype=getattr(torch, value.dtype), device="meta")
    return _mapped(_on_meta, value)


def _shapes(value: Any) -> Any:
    return value.shape if isinstance(value, TensorRecord) else _mapped(_shapes, value)


def _mapped(change: Callable[[Any], Any], value: Any) -> Any:
    if type(value) in (tuple, list):
        return type(value)(map(change, value))
    if isinstance(value, Mapping) and type(value) in (dict, OrderedDict):
        return {key: change(item) for key, item in value.items()}
    return value


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_tensor, value.values()))
    if isinstance(value, tuple | list):
        return any(map(_holds_tensor, value))
    return isinstance(value, TensorRecord)


def _key(value: Any) -> Any:
    """Return what tells apart what a function may be given, as far as it is plain."""
    if isinstance(value, TensorRecord):
        return value.shape, value.dtype
    if isinstance(value, tuple | list):
        return tuple(map(_key, value))
    if isinstance(value, Mapping):
        return tuple((name, _key(item)) for name, item in value.items())
    plain = (str, int, float, complex, torch.dtype, torch.device)
    return value if isinstance(value, plain) else type(value)
