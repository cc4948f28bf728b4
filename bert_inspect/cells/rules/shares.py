"""Softmax and its logarithm: what share each of several numbers gets."""

import math
from typing import Any

import numpy as np

from ..arguments import arguments
from ..arithmetic import Arithmetic, Column, Group, Quantity, Reference, axis_name
from ..operand import Array, Call, Index


def softmax(call: Call, index: Index) -> Arithmetic:
    """``e^x_i / sum over j of e^x_j``, the largest taken off every x first; or the logarithm of that."""
    operand = call.operands[0]
    axis = _axis(call) % len(operand.shape)
    before, after = index[:axis], index[axis + 1 :]
    scores = operand.read((*before, slice(None), *after))

    def index_of(number: int) -> Index:
        return (*before, number, *after)

    raised, largest = powers(scores)
    total = float(raised.sum())
    own = float(raised[index[axis]])
    logarithm = call.type in ("log_softmax", "LogSoftmax")
    distance = float(scores[index[axis]]) - largest
    with np.errstate(all="ignore"):
        share = own / total if total else math.nan
        result = distance - math.log(total) if logarithm and total > 0 else share
    columns = (Column(values=scores, operand=operand, index=index_of),)
    spread = abs(distance) if math.isfinite(distance) else 0.0
    width = 4 + math.sqrt(len(scores)) + 2 * spread
    return Arithmetic(
        words=f"{'the logarithm of ' if logarithm else ''}e^({{0}}) / the sum of e^({{1}}) over {len(scores)}",
        symbols="y_i = ln(e^(x_i - m) / sum_j e^(x_j - m)), m the largest x"
        if logarithm
        else "y_i = e^(x_i - m) / sum_j e^(x_j - m), m the largest x",
        result=result,
        size=(abs(result) + 1.0) * width if logarithm else abs(result) * width,
        groups=[Group(values=raised, columns=columns, axis=axis_name(operand, axis))],
        references=[
            Reference(operand=operand, index=index),
            Reference(operand=operand, index=(*before, None, *after)),
        ],
        quantities=[
            Quantity(name="largest", value=largest),
            Quantity(name="e^(own - largest)", value=own),
        ],
        total=total,
    )


def powers(scores: Array) -> tuple[Array, float]:
    """Return ``e^(score - largest)`` of each score, and the largest."""
    largest = float(scores.max()) if len(scores) else math.nan
    with np.errstate(all="ignore"):
        return np.exp(scores - largest), largest


def _axis(call: Call) -> int:
    given: Any = call.argument(1, "dim")
    if given is None and "built with" in call.options:
        given = arguments(call.options["built with"])[1].get("dim")
    return -1 if given is None else int(given)
