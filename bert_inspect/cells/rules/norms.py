"""Layer norm (Ba, Kiros and Hinton, 2016): mean 0 and variance 1 over the last axes, then a weight and a bias each."""

import math
from typing import Any

import numpy as np

from ..arguments import arguments
from ..arithmetic import Arithmetic, Quantity, Reference, Terms, Untold, constant, entry
from ..operand import Call, Index, Operand


def layer_norm(call: Call, index: Index) -> Arithmetic:
    """``(x - mean) / root of (variance + eps) x weight + bias``, of a module or of the function."""
    operand = call.operands[0]
    weight, bias, eps, axes = _settings(call)
    place = index[len(index) - axes :]
    row = operand.read((*index[: len(index) - axes], *(slice(None) for _ in range(axes))))
    with np.errstate(all="ignore"):
        mean, variance = float(row.mean()), float(row.var())
        deviation = math.sqrt(variance + eps) if variance + eps >= 0 else math.nan
        number = operand.at(index)
        normed = (number - mean) / deviation if deviation else math.nan
    scale = 1.0 if weight is None else weight.at(place)
    terms, references, words = Terms(), [Reference(operand=operand, index=index)], "({0} - mean) / deviation"
    columns = [constant(normed, "(x - mean) / deviation")]
    if weight is not None:
        columns.append(entry(weight, place))
        references.append(Reference(operand=weight, index=place))
        words += f" x {{{len(references) - 1}}}"
    terms.add("normalised", normed * scale, *columns)
    if bias is not None:
        terms.add("bias", bias.at(place), entry(bias, place))
        references.append(Reference(operand=bias, index=place))
        words += f" + {{{len(references) - 1}}}"
    sizes = (abs(number) + abs(mean) + float(np.abs(row).mean())) / deviation if deviation else 0.0
    spread = (mean * mean + variance) / (variance + eps) if variance + eps > 0 else 1.0
    size = abs(scale) * (sizes * 4 + abs(normed) * (4 + math.sqrt(len(row))) * (1 + spread)) + terms.size * 2
    return Arithmetic(
        words=words,
        symbols="y_i = (x_i - m) / root of (v + eps) w_i + b_i, m the mean, v the variance",
        result=terms.total,
        size=size if math.isfinite(size) else 0.0,
        groups=terms.groups,
        references=references,
        quantities=[
            Quantity(name="x", value=number),
            Quantity(name=f"mean over {len(row)}", value=mean),
            Quantity(name=f"deviation (eps {eps:g})", value=deviation),
        ],
        total=terms.total,
    )


def _settings(call: Call) -> tuple[Operand | None, Operand | None, float, int]:
    if "built with" in call.options:
        given, named = arguments(call.options["built with"])
        shape: Any = given[0] if given else ()
        return call.parameters.get("weight"), call.parameters.get("bias"), _eps(named.get("eps")), len(shape)
    shape, weight, bias, eps = (
        call.argument(at, name) for at, name in enumerate(("normalized_shape", "weight", "bias", "eps"), start=1)
    )
    if not isinstance(shape, tuple | list):
        raise Untold("over how many axes this norm goes is not known", "name another step")
    held = [value if isinstance(value, Operand) else None for value in (weight, bias)]
    return held[0], held[1], _eps(1e-5 if eps is None else eps), len(shape)


def _eps(value: Any) -> float:
    if not isinstance(value, int | float):
        raise Untold("the eps of this norm is not known", "name another step")
    return float(value)
