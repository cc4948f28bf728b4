"""Runs a model's own forward as the frozen network: what is not linear in it is held at its value in this run.

Held are attention probabilities, the deviations in layer norms, the ratio of each activation's output to its input and,
where two parts of a gate are multiplied, the activated one. What is left is affine in the embeddings, so that every
partition of it sums to what the model returned (Modarressi et al., "DecompX", ACL 2023, propagate the same network
forward, a vector a token; here one backward pass does it). No model code is written anew: a function mode puts those
few functions in the place of torch's, and what they return is what torch returns, to the bit.
"""

import re
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.modules import module as everyones
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from ...loading.loaded import Loaded
from ...traces.vocabulary import labels, roles
from .frozen_functions import FrozenAttention, FrozenNorm, frozen_activation
from .notes import EMBEDDINGS, Notes, carries
from .parts import Part

_OPENS_A_BLOCK = (
    *roles.QUERY_KEY_VALUE,
    roles.FUSED_PROJECTION,
    roles.INTERMEDIATE_PROJECTION,
    roles.GATED_PROJECTION,
)
"""What receives the hidden states in attention and in a feed-forward part."""
_CLOSES_A_BLOCK = (roles.ATTENTION_OUTPUT_PROJECTION, roles.OUTPUT_PROJECTION)
"""What such a block hands to the residual sum."""
_ACTIVATIONS = ("transformers.activations", "torch.nn.modules.activation")
_MADE_ANEW = re.compile(r"_like$|^new_")
"""Functions that take nothing but the shape and the type of a tensor."""
_HIDDEN = "something that depends on the tokens where autograd does not see it"
_OTHERWISE = "something that depends on the tokens and comes by no path of residual sums, norms and known projections"


class FrozenNetwork(TorchFunctionMode):
    """Puts frozen functions in the place of torch's, and notes what the sum is made of.

    With ``direct`` only residual sums and norms carry anything on: what a block computes begins anew as a component.

    ``notes`` is what the sum is made of.
    """

    def __init__(self, loaded: Loaded, rows: int, *, direct: bool = False) -> None:
        super().__init__()
        self.notes = Notes(loaded, rows, refusal=_OTHERWISE if direct else _HIDDEN)
        self._rows, self._direct, self._loaded = rows, direct, loaded
        self._activated: MutableMapping[torch.Tensor, None] = WeakIdKeyDictionary()
        self._layers_begun = 0
        self._thread = get_ident()

    # Where in the model the forward is

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Know for the block which layer runs, and what activations return that are modules."""
        family, handles = self._loaded.family, []
        try:
            for path, module in self._loaded.model.named_modules():
                if family.role(path) == roles.LAYER:
                    handles.append(module.register_forward_pre_hook(self._layer_begins))
                    handles.append(module.register_forward_hook(self._layer_ends))
            handles.append(everyones.register_module_forward_hook(self._module_ran))
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _layer_begins(self, module: nn.Module, given: Any) -> None:
        if get_ident() == self._thread:  # in another one the model may run for others
            self.notes.layer = self._layers_begun
            self._layers_begun += 1

    def _layer_ends(self, module: nn.Module, given: Any, returned: Any) -> None:
        if get_ident() == self._thread:
            self.notes.layer = None

    def _module_ran(self, module: nn.Module, given: Any, returned: Any) -> Any:
        """Freeze an activation as a whole that is a module: some are formulas of several operations."""
        if get_ident() != self._thread or not type(module).__module__.startswith(_ACTIVATIONS):
            return None
        if not carries(returned) or returned in self._activated:
            return None
        with torch._C.DisableTorchFunction():
            out = frozen_activation(given[0], returned.detach(), _alone(module))
        return self._activated_by(type(module).__name__.removesuffix("Activation"), *out)

    def edited(self, before: torch.Tensor, after: torch.Tensor) -> None:
        """A tensor was edited, and the other goes on: it is no less what an activation returned."""
        if before in self._activated:
            self._activated[after] = None
        if after.requires_grad:
            self.notes.note(after)
            self.notes.computed(after)

    # Functions

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        rule = _RULES.get(func)
        out = func(*args, **(kwargs or {})) if rule is None else rule(self, func, *args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            if out.requires_grad:
                self.notes.note(out)
            elif out.is_floating_point() and not _MADE_ANEW.search(func.__name__):
                self.notes.hide(out, (*args, *(kwargs or {}).values()))
        return out

    def _embedding(self, func: Any, ids: torch.Tensor, weight: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        rows: torch.Tensor = func(ids, weight, *args, **kwargs)
        name, role = self.notes.named(weight)
        if role not in EMBEDDINGS:
            return rows
        leaf = rows.detach().expand(self._rows, *rows.shape[1:]).clone().requires_grad_()
        self.notes.parts.append(Part(role, name, self.notes.layer, leaf))
        return leaf.clone()  # which may be changed in place

    def _linear(
        self, func: Any, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
    ) -> torch.Tensor:
        name, role = self.notes.named(weight)
        if self._direct and role in _OPENS_A_BLOCK:
            input = input.detach()
        out: torch.Tensor = func(input, weight, bias)
        if self._direct and role in _CLOSES_A_BLOCK:
            out = self._block(Part(role, name, self.notes.layer, out.detach().requires_grad_(), input.detach(), weight))
        self.notes.computed(out)
        self.notes.constant(out, bias, role)
        return out

    def _convolution(
        self, func: Any, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, *rest: Any
    ) -> torch.Tensor:
        name, role = self.notes.named(weight)
        out: torch.Tensor = func(input.detach() if self._direct else input, weight, bias, *rest)
        if self._direct:  # it is one component, its bias with it
            return self._block(Part(role, name, self.notes.layer, out.detach().requires_grad_()))
        self.notes.computed(out)
        self.notes.constant(out, None if bias is None else bias[:, None], role, name=self.notes.names.get(id(bias), ""))
        return out

    def _block(self, part: Part) -> torch.Tensor:
        self.notes.parts.append(part)
        return part.tensor.clone()  # which may be changed in place

    def _layer_norm(
        self,
        func: Any,
        input: torch.Tensor,
        normalized_shape: Any,
        weight: torch.Tensor | None = None,
        bias: torch.Tensor | None = None,
        eps: float = 1e-5,
    ) -> torch.Tensor:
        if not input.requires_grad:
            return func(input, normalized_shape, weight, bias, eps)  # type: ignore[no-any-return]
        out: torch.Tensor = FrozenNorm.apply(input, func, normalized_shape, weight, bias, eps)  # type: ignore[no-untyped-call]
        self.notes.computed(out, holds="the standard deviations of layer norms")
        self.notes.constant(out, bias, roles.NORM)
        return out

    def _softmax(self, func: Any, input: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        probabilities: torch.Tensor = func(input, *args, **kwargs)
        if input.requires_grad:
            self.notes.frozen[labels.ATTENTION_PROBABILITIES] = None
        return probabilities.detach()

    def _attention(
        self, func: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *args: Any, **kwargs: Any
    ) -> torch.Tensor:
        if not value.requires_grad:
            return func(query, key, value, *args, **kwargs)  # type: ignore[no-any-return]
        options = {**dict(zip(("attn_mask", "dropout_p", "is_causal"), args, strict=False)), **kwargs}
        out: torch.Tensor = FrozenAttention.apply(value, func, query.detach(), key.detach(), options)  # type: ignore[no-untyped-call]
        self.notes.computed(out, holds=labels.ATTENTION_PROBABILITIES)
        return out

    def _elementwise(self, func: Any, input: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        out: torch.Tensor = func(input, *args, **kwargs)
        if not input.requires_grad:
            return out
        held = frozen_activation(input, out.detach(), lambda points: func(points, *args, **kwargs))
        return self._activated_by(func.__name__.strip("_"), *held)

    def _activated_by(self, name: str, out: torch.Tensor, at_zero: float) -> torch.Tensor:
        self._activated[out] = None
        above = f"({name}(x) - {name}(0))" if at_zero else f"{name}(x)"
        self.notes.computed(out, holds=f"the ratio {above} / x of each activation")
        self.notes.constant(out, torch.tensor(at_zero, dtype=torch.float64, device=out.device), roles.ACTIVATION)
        return out

    def _multiply(self, func: Any, input: Any, other: Any, **kwargs: Any) -> torch.Tensor:
        gate = carries(input) and carries(other) and (input in self._activated or other in self._activated)
        if gate and input in self._activated:
            input = input.detach()
        elif gate:
            other = other.detach()
        out: torch.Tensor = func(input, other, **kwargs)
        if gate:
            self.notes.computed(out, holds="the activated side of each gate")
        return out

    def _add(self, func: Any, input: Any, other: Any, **kwargs: Any) -> torch.Tensor:
        return self._sum(func, input, other, kwargs, times=kwargs.get("alpha", 1))

    def _subtract(self, func: Any, input: Any, other: Any, **kwargs: Any) -> torch.Tensor:
        return self._sum(func, input, other, kwargs, times=-kwargs.get("alpha", 1))

    def _sum(self, func: Any, input: Any, other: Any, kwargs: dict[str, Any], *, times: float) -> torch.Tensor:
        one, two = carries(input), carries(other)  # before the sum, which may be in place
        out: torch.Tensor = func(input, other, **kwargs)
        if one or two:
            self.notes.computed(out)
        if one and not two:
            self.notes.constant(out, other, None, times=times)
        elif two and not one:
            self.notes.constant(out, input, None)
        return out

    def _filled(self, func: Any, input: torch.Tensor, mask: torch.Tensor, value: Any) -> torch.Tensor:
        out: torch.Tensor = func(input, mask, value)
        if carries(out):
            self.notes.constant(out, mask * value, None)
        return out


def _alone(module: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return an activation as a function, without the hooks that others have on it: they are to see no other input."""
    held = next(module.parameters(), None)
    return lambda points: module.forward(points if held is None else points.to(held.dtype))


def _rules() -> dict[Any, Callable[..., torch.Tensor]]:
    """Return what runs in place of each function of torch that is not linear, or that adds something."""
    by_name: tuple[tuple[Callable[..., torch.Tensor], str], ...] = (
        (FrozenNetwork._embedding, "embedding"),
        (FrozenNetwork._linear, "linear"),
        (FrozenNetwork._convolution, "conv1d"),
        (FrozenNetwork._layer_norm, "layer_norm"),
        (FrozenNetwork._attention, "scaled_dot_product_attention"),
        (FrozenNetwork._softmax, "softmax"),
        (
            FrozenNetwork._elementwise,
            "gelu relu relu6 leaky_relu silu mish softplus elu hardtanh hardswish tanh sigmoid",
        ),
        (FrozenNetwork._multiply, "mul multiply mul_ __mul__ __rmul__ __imul__"),
        (FrozenNetwork._add, "add add_ __add__ __radd__ __iadd__"),
        (FrozenNetwork._subtract, "sub sub_ __sub__ __isub__"),
        (FrozenNetwork._filled, "masked_fill masked_fill_"),
    )
    return {
        getattr(home, name): rule
        for rule, names in by_name
        for name in names.split()
        for home in (functional, torch, torch.Tensor)
        if hasattr(home, name)
    }


_RULES = _rules()


@contextmanager
def frozen(loaded: Loaded, rows: int, *, direct: bool = False) -> Iterator[FrozenNetwork]:
    """Let the model's forward be that of the frozen network for the block, over a batch of so many rows.

    Gradients are to be on. Parameters take none meanwhile; afterwards they do as before.
    """
    taking = [each for each in loaded.model.parameters() if each.requires_grad]
    network = FrozenNetwork(loaded, rows, direct=direct)
    try:
        for parameter in taking:
            parameter.requires_grad_(False)
        with network.attached(), network:
            yield network
    finally:
        for parameter in taking:
            parameter.requires_grad_(True)
