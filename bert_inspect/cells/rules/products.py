"""Sums of products: linear layers, matrix products, convolutions along the tokens."""

import math
from collections.abc import Sequence

import numpy as np

from ..arguments import arguments
from ..arithmetic import Arithmetic, Column, Group, Reference, Terms, Untold, along, axis_name, constant, entry, without
from ..operand import Call, Index, Operand


def linear(call: Call, index: Index) -> Arithmetic:
    """``y = x W^T + b``, of a module or of the function: out[..., o] = sum over i of x[..., i] W[o, i], + b[o]."""
    received, weight, bias = _linear_operands(call)
    row, place = index[:-1], index[-1]
    first, second = along(received, (*row, 0), -1), along(weight, (place, 0), -1)
    terms = Terms()
    terms.groups.append(
        Group(values=first.values * second.values, columns=(first, second), axis=axis_name(received, -1))
    )
    references = [without(received, (*row, 0), -1), without(weight, (place, 0), -1)]
    words, symbols = f"sum over {weight.shape[-1]} of {{0}} x {{1}}", "y_o = sum_i x_i W_oi"
    if bias is not None:
        terms.add("bias", bias.at((place,)), entry(bias, (place,)))
        references.append(Reference(operand=bias, index=(place,)))
        words, symbols = words + " + {2}", symbols + " + b_o"
    return _summed(terms, words, symbols, references)


def _linear_operands(call: Call) -> tuple[Operand, Operand, Operand | None]:
    if call.parameters:
        return call.operands[0], call.parameters["weight"], call.parameters.get("bias")
    received, weight, bias = (call.argument(at, name) for at, name in enumerate(("input", "weight", "bias")))
    if not isinstance(received, Operand) or not isinstance(weight, Operand):
        raise Untold("what this linear step received is not known", "name another step")
    return received, weight, bias if isinstance(bias, Operand) else None


def matmul(call: Call, index: Index) -> Arithmetic:
    """``a @ b``: out[..., i, j] = sum over k of a[..., i, k] b[..., k, j]; axes before those are broadcast."""
    first, second = call.operands[:2]
    left, right = _places(first, second, index)
    terms = Terms()
    terms.groups.append(_dot(first, left, second, right))
    count = first.shape[-1]
    references = [without(first, left, -1), without(second, right, -2 if len(second.shape) > 1 else -1)]
    return _summed(terms, f"sum over {count} of {{0}} x {{1}}", "y_ij = sum_k a_ik b_kj", references)


def _places(first: Operand, second: Operand, index: Index) -> tuple[list[int], list[int]]:
    """Return the indices of the row and the column that are multiplied, with 0 along the axis that is summed over."""
    matrices = (len(first.shape) > 1) + (len(second.shape) > 1)
    before, own = index[: len(index) - matrices], list(index[len(index) - matrices :])
    left = [own.pop(0), 0] if len(first.shape) > 1 else [0]
    right = [0, own.pop(0)] if len(second.shape) > 1 else [0]
    return [*_batch(first, before), *left], [*_batch(second, before), *right]


def _batch(operand: Operand, before: Sequence[int]) -> Index:
    sizes = operand.shape[:-2]
    own = before[len(before) - len(sizes) :] if sizes else ()
    return tuple(0 if size == 1 else place for place, size in zip(own, sizes, strict=True))


def _dot(first: Operand, left: Sequence[int], second: Operand, right: Sequence[int]) -> Group:
    one, other = along(first, left, -1), along(second, right, -2 if len(second.shape) > 1 else -1)
    return Group(values=one.values * other.values, columns=(one, other), axis=axis_name(first, -1))


def add_matmul(call: Call, index: Index) -> Arithmetic:
    """``beta input + alpha (a @ b)``."""
    added, first, second = call.operands[:3]
    beta, alpha = float(call.options.get("beta", 1)), float(call.options.get("alpha", 1))
    left, right = _places(first, second, index)
    product = _dot(first, left, second, right)
    if alpha != 1.0:
        scaled = Column(values=np.full(len(product.values), alpha), name="alpha")
        product = Group(values=product.values * alpha, columns=(*product.columns, scaled), axis=product.axis)
    terms = Terms([product])
    place = added.fitting(index)
    columns = (entry(added, place), *((constant(beta, "beta"),) if beta != 1.0 else ()))
    terms.add("added", beta * added.at(place), *columns)
    references = [without(first, left, -1), without(second, right, -2), Reference(operand=added, index=place)]
    count = first.shape[-1]
    return _summed(terms, f"sum over {count} of {{0}} x {{1}} + {{2}}", "y_ij = sum_k a_ik b_kj + c_ij", references)


def convolution(call: Call, index: Index) -> Arithmetic:
    """``Conv1d``: out[n, o, t] = sum over channels c and k of x[n, c, t stride + k dilation - padding] W[o, c, k],
    + b[o]; places outside of x count as 0.
    """
    built, named = arguments(call.options["built with"])
    received, weight, bias = call.operands[0], call.parameters["weight"], call.parameters.get("bias")
    if len(received.shape) != 3 or named.get("padding_mode", "zeros") != "zeros" or built[2:]:
        raise Untold("the arithmetic of this convolution is not known", "name another step")
    stride, dilation = _one(named.get("stride", 1)), _one(named.get("dilation", 1))
    padding, groups = _one(named.get("padding", 0)), int(named.get("groups", 1))
    row, channel, place = index
    inside = weight.shape[1]
    start = channel // (weight.shape[0] // groups) * inside
    terms = Terms()
    for step in range(weight.shape[2]):
        at = place * stride + step * dilation - padding
        if 0 <= at < received.shape[2]:
            terms.groups.append(_channel_terms(received, weight, (row, channel, step, at, start)))
    words = f"sum over {inside} channels and {weight.shape[2]} places of {{0}} x {{1}}"
    references = [without(received, (row, 0, 0), 1, 2), without(weight, (channel, 0, 0), 1, 2)]
    if bias is not None:
        terms.add("bias", bias.at((channel,)), entry(bias, (channel,)))
        references.append(Reference(operand=bias, index=(channel,)))
        words += " + {2}"
    return _summed(terms, words, "y_ot = sum_c sum_k x_c(t+k) W_ock + b_o", references)


def _channel_terms(received: Operand, weight: Operand, place: tuple[int, int, int, int, int]) -> Group:
    row, channel, step, at, start = place
    stop = start + weight.shape[1]
    values = Column(
        values=received.read((row, slice(start, stop), at)),
        operand=received,
        index=lambda number: (row, start + number, at),
    )
    weights = Column(
        values=weight.read((channel, slice(None), step)),
        operand=weight,
        index=lambda number: (channel, number, step),
    )
    return Group(values=values.values * weights.values, columns=(values, weights), axis="channel")


def _one(value: object) -> int:
    if isinstance(value, tuple) and len(value) == 1:
        value = value[0]
    if not isinstance(value, int):
        raise Untold("the arithmetic of this convolution is not known", "name another step")
    return value


def _summed(terms: Terms, words: str, symbols: str, references: Sequence[Reference]) -> Arithmetic:
    total, count = terms.total, sum(len(group.values) for group in terms.groups)
    return Arithmetic(
        words=words,
        symbols=symbols,
        result=total,
        size=terms.size * (2.0 + math.sqrt(count)),
        groups=terms.groups,
        references=references,
        total=total,
    )
