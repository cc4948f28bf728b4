"""The first-order rule of each operation: what errors of its inputs become, entry by entry, and what it rounds itself.

An error passes by the derivative of the operation at the recorded values, which is its condition number in absolute
terms (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 1.6). Errors are taken for independent,
so that their squares add up, unless said otherwise (`bert_inspect.diff.noise`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from ..traces.ops import ADD, COPY, DIVIDE, FUSED_ATTENTION, MATMUL, RESHAPE, SCALE, SOFTMAX, TRANSPOSE, op_of
from ..traces.record import Step
from ..traces.vocabulary import labels
from .noise import CONFIDENCE, UNSEEN, centres, is_exact

Array = npt.NDArray[Any]

GAIN = 2.0
"""How much more of an error a matrix may let through than of the tensor itself. A trace does not hold the weights: what
a product does to an error is taken from what it did to the tensor."""

_STEEPEST = 1.13
"""The largest derivative of GELU, at the square root of 2, and of the error function; that of SiLU is 1.10, of ReLU,
tanh, cosine and sine 1."""
_BOUNDED = frozenset(("gelu", "relu", "silu", "tanh", "sigmoid", "erf", "cos", "sin"))
_PROJECTIONS = frozenset(("Linear", "linear", "addmm", "Conv1D"))


@dataclass(frozen=True)
class Tensor:
    """What flows into a step: its numbers in float64, 0 where they are masked or not finite, the standard deviation of
    their errors (of each entry, or one for all), and for an attention mask what it hides.
    """

    values: Array
    error: Array | float
    hidden: Array | None = None


@dataclass(frozen=True, kw_only=True)
class Roundings:
    """What a step rounds, as variances relative to what is rounded: ``sums`` inside it, ``stored`` of its result and
    its parameters, ``accumulated`` of one operation inside; ``unit`` is the unit roundoff of what is stored.
    """

    sums: float
    stored: float
    accumulated: float
    unit: float


Rule = Callable[[Step, Sequence[Tensor], Array, Roundings], Any]


def error_of(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Array | float:
    """Return the standard deviation of the error in what a step returned, of each entry or one for all."""
    with np.errstate(all="ignore"):
        try:
            variance = _rule(step, received, returned)(step, received, returned, own)
        except ValueError:  # shapes that do not fit: the operation is not what its name says
            variance = _any(step, received, returned, own)
        error: Array | float = np.sqrt(variance)
    return error


def _rule(step: Step, received: Sequence[Tensor], returned: Array) -> Rule:
    family, count = op_of(step.type).family, len(received)
    if not count:
        return _source
    one = received[0].values
    if is_exact(step) or family == COPY:
        return _moved
    if family == ADD or step.type == "sub":
        return _sum
    if family in (SCALE, DIVIDE) and count <= 2:
        return _scaled
    if centres(step) and count == 1 and one.shape == returned.shape:
        return _norm
    if (step.type in _BOUNDED or labels.is_activation(step.label)) and count == 1 and one.shape == returned.shape:
        return _activation
    if step.type == "pow" and count == 1 and one.shape == returned.shape:
        return _power
    if family == SOFTMAX and count == 1 and one.shape == returned.shape:
        return _softmax
    if family == MATMUL and count == 2:
        return _product
    if family == FUSED_ATTENTION and count >= 3:
        return _fused
    if step.type in _PROJECTIONS and count == 1 and one.shape[:-1] == returned.shape[:-1] and one.size:
        return _projection
    return _any


def _source(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    return (own.sums + own.stored) * (_mean_square(returned) + returned**2)


def _moved(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    tensor, family = received[0], op_of(step.type).family
    error = tensor.error
    rounded = own.stored * returned**2
    if len(received) > 1:
        return max(np.square(np.max(each.error, initial=0.0)) for each in received) + rounded
    if isinstance(error, float):
        return np.square(error) + rounded
    if family == TRANSPOSE and error.ndim == returned.ndim:
        for order in permutations(range(error.ndim)):
            turned = tensor.values.transpose(order)
            if turned.shape == returned.shape and np.array_equal(turned, returned):
                return error.transpose(order) ** 2 + rounded
    elif error.shape == returned.shape or (family in (RESHAPE, COPY) and error.size == returned.size):
        return error.reshape(returned.shape) ** 2 + rounded
    return np.square(np.max(error, initial=0.0)) + rounded


def _sum(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    came = sum((np.square(each.error) for each in received), start=np.zeros(()))
    return np.broadcast_to(came, returned.shape) + own.stored * returned**2


def _scaled(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    one = received[0]
    rounded = own.stored * returned**2
    if len(received) == 1:
        return np.square(one.error) * _ratio(_mean_square(returned), _mean_square(one.values)) + rounded
    other = received[1]
    if step.type.startswith(("mul", "imul")):
        return np.square(one.error) * other.values**2 + np.square(other.error) * one.values**2 + rounded
    return (np.square(one.error) + np.square(other.error) * returned**2) / other.values**2 + rounded


def _activation(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    one = received[0]
    # It is approximated by a series, in an order of operations that depends on the entry's place.
    evaluated = UNSEEN * own.accumulated * (returned**2 + one.values**2)
    return np.square(_STEEPEST * one.error) + evaluated + own.stored * returned**2


def _power(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    one = received[0]
    exponent = float(found[1]) if (found := re.search(r"(-?[\d.]+)\s*$", step.arguments)) else 2.0
    slope = exponent * np.where(one.values != 0, returned / one.values, 0.0)
    return np.square(slope * one.error) + own.stored * returned**2


def _norm(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    """``y = gain z + bias`` with ``z = (x - mean) / deviation``, whose derivative is

    ``dz_i = (dx_i - mean(dx) - z_i mean(z dx)) / deviation``.

    The gain of a feature is how much more its ``y`` varies over the tokens than its ``z`` does.
    """
    one = received[0]
    x, error = one.values, np.broadcast_to(one.error, one.values.shape)
    eps = float(found[1]) if (found := re.search(r"\beps=([\d.e+-]+)", step.arguments)) else 0.0
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    z = np.where(deviation > 0, centred / np.where(deviation > 0, deviation, 1.0), 0.0)
    tokens = tuple(range(x.ndim - 1))
    varies, varied = z.std(axis=tokens), returned.std(axis=tokens)
    usual = _ratio(_mean_square(returned), _mean_square(z)) ** 0.5
    gain = np.where(varies > _STILL, varied / np.where(varies > _STILL, varies, 1.0), usual)
    shared = error.mean(axis=-1, keepdims=True) ** 2 + (z * (np.abs(z) * error).mean(axis=-1, keepdims=True)) ** 2
    summed = own.sums * (x**2 + (x**2).mean(axis=-1, keepdims=True))
    steep = gain / np.where(deviation > 0, deviation, _STILL)
    return steep**2 * (error**2 + shared / _ALIKE**2 + summed) + own.stored * (returned**2 + gain**2 * z**2)


_STILL = 1e-3
"""A feature that varies less than this over the tokens, in deviations, does not tell its gain."""


def _softmax(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    return _of_softmax(received[0].error, returned, own)


def _of_softmax(error: Array | float, p: Array, own: Roundings) -> Array:
    """``dp_i = p_i (ds_i - sum(p ds))``, at most ``p_i (1 - p_i)`` times the difference of two errors. Scores that move
    far take the probabilities with them: ``p`` and ``1 - p`` may grow by the exponential of that.
    """
    seen = np.where(p > 0, np.broadcast_to(error, p.shape), 0.0)
    most = seen.max(axis=-1, keepdims=True, initial=0.0)
    grown = np.exp(np.minimum(2 * CONFIDENCE * most, 50.0))
    slope = np.minimum(1.0, p * grown) * np.minimum(1.0, (1 - p + own.unit) * grown)
    return np.asarray(2 * slope**2 * most**2 + (own.sums + own.stored) * p**2)


def _product(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    one, other = received
    return _of_product(one, other, returned, own)


def _of_product(one: Tensor, other: Tensor, returned: Array, own: Roundings) -> Array:
    """``d(ab) = da b + a db``. Equal tokens have equal errors, which add up as they are: a part of them may."""
    a, b = np.abs(one.values), np.abs(other.values)
    da, db = np.broadcast_to(one.error, a.shape), np.broadcast_to(other.error, b.shape)
    apart = da**2 @ b**2 + a**2 @ db**2
    alike = da @ b + a @ db
    # A sum rounds what it has come to at each of its terms, also where they cancel in the end.
    return np.asarray(apart + (alike / _ALIKE) ** 2 + own.sums * (a @ b) ** 2 + own.stored * returned**2)


_ALIKE = 3.0
"""Errors that are all alike may reach this part of their standard deviation times `CONFIDENCE`."""


def _fused(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    """Attention as it is computed step by step; the kernel may round in between, or not."""
    query, key, value = received[:3]
    given = re.search(r"\bscale=([\d.e+-]+)", step.arguments)
    scale = float(given[1]) if given else query.values.shape[-1] ** -0.5
    turned = Tensor(key.values.swapaxes(-1, -2), np.broadcast_to(key.error, key.values.shape).swapaxes(-1, -2))
    scores = query.values @ turned.values
    error = np.sqrt(_of_product(query, turned, scores, own)) * scale
    scores = scores * scale
    hidden = received[3].hidden if len(received) > 3 else None
    if hidden is not None:
        scores = np.where(hidden, -np.inf, scores)
    if "is_causal=True" in step.arguments:
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf)
    most = scores.max(axis=-1, keepdims=True)
    powers = np.exp(scores - np.where(np.isfinite(most), most, 0.0))
    p = powers / np.maximum(powers.sum(axis=-1, keepdims=True), 1e-300)
    probabilities = Tensor(p, np.sqrt(_of_softmax(error, p, own)))
    return _of_product(probabilities, value, returned, own)


def _projection(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    """A product with weights that are not recorded: an error of a token is let through as the tensor itself is, in its
    whole and feature by feature (`GAIN`), and is not taken to shrink.
    """
    one = received[0]
    rows = (one.values**2).mean(axis=-1, keepdims=True)
    came = np.broadcast_to(np.square(one.error), one.values.shape).mean(axis=-1, keepdims=True)
    through = max(1.0, _ratio(_mean_square(returned), _mean_square(one.values)))
    features = (returned**2).mean(axis=tuple(range(returned.ndim - 1)))
    relative = np.where(rows > 0, came / np.where(rows > 0, rows, 1.0), 0.0)
    carried = GAIN**2 * (through * came + relative * (returned**2 + features))
    return carried + (own.sums + own.stored) * (through * rows + returned**2)


def _any(step: Step, received: Sequence[Tensor], returned: Array, own: Roundings) -> Any:
    """Whatever it is: the relative error of what it received, of the larger of what it received and returned."""
    sizes = [_mean_square(each.values) for each in received]
    errors = [float(np.mean(np.square(each.error))) for each in received]
    worst = max([_ratio(error, size) for error, size in zip(errors, sizes, strict=True) if error], default=0.0)
    size = max([*sizes, _mean_square(returned)])
    return (GAIN**2 * worst + own.sums + own.stored) * (size + returned**2)


def _mean_square(array: Array) -> float:
    return float(np.mean(array**2)) if array.size else 0.0


def _ratio(of: float, by: float) -> float:
    return of / by if by > 0 else 1.0
