"""The non-linear functions of a transformer with their non-linear factor held at its value in this run.

Each returns what the function itself returns, to the bit; only its derivative is another: that of the linear map that
is left when the factor is held. So a backward pass through them is that of the frozen network.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

Function = Callable[..., torch.Tensor]


class FrozenNorm(torch.autograd.Function):
    """A layer norm whose deviations are held: ``weight * (x - mean(x)) / s + bias`` with ``s`` as it was."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        norm: Function,
        shape: Sequence[int],
        weight: torch.Tensor | None,
        bias: torch.Tensor | None,
        eps: float,
    ) -> torch.Tensor:
        ctx.axes, ctx.weight = tuple(range(-len(shape), 0)), weight
        if x.dtype in (torch.float32, torch.float64):
            out, _, ctx.inverse = torch.native_layer_norm(x, shape, weight, bias, eps)
            return out
        # In half precision the deviation that torch hands out is rounded too.
        ctx.inverse = (x.float().var(dim=ctx.axes, unbiased=False, keepdim=True) + eps).rsqrt()
        return norm(x, shape, weight, bias, eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        carried = gradient if ctx.weight is None else gradient * ctx.weight
        carried = (carried - carried.mean(dim=ctx.axes, keepdim=True)) * ctx.inverse
        return carried.to(gradient.dtype), None, None, None, None, None


class FrozenActivation(torch.autograd.Function):
    """An activation as a multiple of its input: ``f(x) = f(0) + ratio * x`` with the ratio as it was."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, returned: torch.Tensor, ratio: torch.Tensor) -> torch.Tensor:
        ctx.ratio = ratio
        return returned.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        return (gradient * ctx.ratio).to(gradient.dtype), None, None


class FrozenAttention(torch.autograd.Function):
    """Fused attention with its probabilities held: a weighted sum of values."""

    @staticmethod
    def forward(
        ctx: Any,
        value: torch.Tensor,
        attend: Function,
        query: torch.Tensor,
        key: torch.Tensor,
        options: Mapping[str, Any],
    ) -> torch.Tensor:
        ctx.attend, ctx.options = attend, options
        ctx.save_for_backward(query, key, value)
        return attend(query, key, value, **options)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        query, key, value = ctx.saved_tensors
        with torch.enable_grad():
            held = value.detach().requires_grad_()
            context = ctx.attend(query.detach(), key.detach(), held, **ctx.options)
        (carried,) = torch.autograd.grad(context, held, gradients[0])
        return carried, None, None, None, None


def frozen_activation(x: torch.Tensor, returned: torch.Tensor, activation: Function) -> tuple[torch.Tensor, float]:
    """Return an activation's output with its ratio to the input held, and ``f(0)``, which no input has a part in.

    The ratio is what the run computed, with the rounding of its own: of the GELU by the error function it is the normal
    distribution's share below the input (Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016). Where the input is
    0 it is the slope there, by central differences: tanh(x) / x is 1, gelu(x) / x is 0.5.
    """
    with torch.no_grad():
        exact = torch.float64 if x.dtype is torch.float64 else torch.float32
        points = torch.tensor([0.0, 1e-4, -1e-4], dtype=torch.float64, device=x.device)
        at_zero, above, below = (float(value) for value in activation(points))
        slope = (above - below) / 2e-4
        if not at_zero and (above == 0.0 or below == 0.0):  # relu has no slope at 0: its input has no part there
            slope = 0.0
        wide = x.to(exact)
        ratio = torch.where(wide == 0, slope, (returned.to(exact) - at_zero) / torch.where(wide == 0, 1.0, wide))
    frozen: torch.Tensor = FrozenActivation.apply(x, returned, ratio)  # type: ignore[no-untyped-call]
    return frozen, at_zero
