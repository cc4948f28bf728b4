"""Numbers that are not computed from others: rows of embeddings, counted places, constants, the attention mask."""

import math
from typing import Any

import numpy as np

from ...traces.ops import LOCAL_MASK, op_of
from ..arguments import Named
from ..arithmetic import Arithmetic, Quantity, Reference, Terms, Untold, constant, entry
from ..operand import Call, Index, Operand
from .sums import number_of

_LOWEST = {"float64": -1.7976931348623157e308, "float32": -3.4028234663852886e38}
_LOWEST |= {"bfloat16": -3.3895313892515355e38, "float16": -65504.0}


def row(call: Call, index: Index) -> Arithmetic:
    """``Embedding``: the row of the table that an id names."""
    ids = call.operands[0]
    table = call.parameters.get("weight") or call.operands[1]
    place = int(ids.at(index[:-1]))
    at = (place, index[-1])
    return Arithmetic(
        words=f"row {place} of {{0}}, as {{1}} says",
        symbols="y = W[id]",
        result=table.at(at),
        references=[Reference(operand=table, index=at), Reference(operand=ids, index=index[:-1])],
        groups=Terms().add(f"row {place}", table.at(at), entry(table, at)).groups,
        counts=True,
    )


def counted_places(call: Call, index: Index) -> Arithmetic:
    """``arange``: start, start + step, and so on."""
    numbers = [number_of(value) for value in call.given if isinstance(value, int | float)]
    named = [call.options.get(name) for name in ("start", "end", "step")]
    start, step = 0.0, 1.0
    if len(numbers) > 1:
        start = numbers[0]
        step = numbers[2] if len(numbers) > 2 else 1.0
    start = start if named[0] is None else number_of(named[0])
    step = step if named[2] is None else number_of(named[2])
    result = start + index[0] * step
    return Arithmetic(
        words=f"place {index[0]}, counted from {start:g}" + (f" in steps of {step:g}" if step != 1 else ""),
        symbols="y_i = start + i step",
        result=result,
        size=abs(result),
        groups=Terms().add("counted", result, constant(result)).groups,
        counts=call.counts,
    )


def fixed(call: Call, index: Index) -> Arithmetic:
    """``tensor``, ``full_like``, ``zeros_like``, ``ones_like``: a number that the code gives."""
    if call.type.startswith(("zeros", "ones")):
        result = float(call.type.startswith("ones"))
    elif call.type.startswith("full"):
        result = number_of(call.argument(1, "fill_value"))
    else:
        given: Any = call.argument(0, "data")
        for place in index:
            if not isinstance(given, list | tuple):
                break
            given = given[place]
        result = number_of(given)
    return Arithmetic(
        words="a number that the code gives",
        symbols="y = c",
        result=result,
        size=abs(result),
        groups=Terms().add("number", result, constant(result)).groups,
        counts=call.counts,
    )


def mask(call: Call, index: Index) -> Arithmetic:
    """The attention mask: whether a query may look at a key, as a truth value or as what is added to its score, 0 or
    the lowest number. A local mask hides what is farther away than it reaches; how far shows in the mask itself.
    """
    operand = call.operands[0]
    row, key = index[0], index[-1]
    seen = bool(operand.at((min(row, operand.shape[0] - 1), key) if len(operand.shape) == 2 else (key,)))
    quantities, near = list[Quantity](), True
    words = f"{'visible' if seen else 'hidden'}, as {{0}} is {int(seen)}"
    if op_of(call.type).family == LOCAL_MASK:
        reach, apart = _reach(call), abs(index[-2] - key)
        near = apart <= reach
        quantities = [Quantity(name="places apart", value=apart), Quantity(name="reach of the mask", value=reach)]
        words += f"; {apart} places apart, the mask reaches {reach}"
    elif "causal" in call.type:
        near = key <= index[-2]
        words += f"; a key {'after' if not near else 'not after'} its query"
    visible = seen and near
    result = float(visible) if call.dtype == "bool" else 0.0 if visible else _lowest(call.dtype)
    return Arithmetic(
        words=words,
        symbols="y = 0 where the key may be seen, else the lowest number"
        if call.dtype != "bool"
        else "y = 1 where the key may be seen, else 0",
        result=result,
        groups=Terms().add("mask", result, entry(operand, _place(operand, row, key))).groups,
        references=[Reference(operand=operand, index=_place(operand, row, key))],
        quantities=quantities,
        counts=True,
    )


def _place(operand: Operand, row: int, key: int) -> Index:
    return (min(row, operand.shape[0] - 1), key) if len(operand.shape) == 2 else (key,)


def _lowest(dtype: str) -> float:
    return _LOWEST.get(dtype, -math.inf)


def _reach(call: Call) -> int:
    """Return how far apart the query and the key are that see each other, at most."""
    whole = np.asarray(call.returned(tuple(slice(None) for _ in call.shape)), dtype=np.float64)
    shown = whole != 0 if call.dtype == "bool" else whole == 0
    queries, keys = np.nonzero(shown.reshape(-1, *call.shape[-2:]).any(axis=0))
    return int(np.abs(queries - keys).max()) if len(queries) else 0


def root_of_size(call: Call, index: Index) -> Arithmetic:
    """``scaled_size_sqrt`` of older releases: the root of a head's size times a factor."""
    operand, factor = call.operands[0], number_of(call.argument(1, "scale_factor"))
    width = operand.shape[-1]
    result = math.sqrt(width * factor)
    return Arithmetic(
        words=f"root of ({width} numbers of a head x {factor:g})",
        symbols="y = root of (d n)",
        result=result,
        size=result * 4,
        groups=Terms().add("root", result, constant(float(width), "size"), constant(factor, "factor")).groups,
    )


def buckets(call: Call, index: Index) -> Arithmetic:
    """``make_log_bucket_position`` of older releases: near distances have a bucket each, far ones share those of a
    logarithmic scale (He et al., 2021).
    """
    operand, size, most = call.operands[0], int(call.given[1]), int(call.given[2])
    number = operand.at(index)
    middle = size // 2
    distance = middle - 1 if -middle < number < middle else abs(number)
    result = number
    if distance > middle:
        scale = np.log(np.float32(distance / middle)) / np.log(np.float32((most - 1) / middle))
        result = math.copysign(1, number) * (math.ceil(float(np.float32(scale) * (middle - 1))) + middle)
    return Arithmetic(
        words=f"the bucket of {{0}}, of {size}",
        symbols="y = x if |x| <= m, else sign x (ceil(ln(|x|/m) / ln((n-1)/m) (m-1)) + m)",
        result=float(result),
        groups=Terms().add("distance", number, entry(operand, index)).groups,
        references=[Reference(operand=operand, index=index)],
        counts=True,
    )


def picked(call: Call, index: Index) -> Arithmetic:
    """``build_rpos`` of older releases: the relative positions that it was given."""
    operand = call.operands[-1]
    if operand.shape != call.shape or any(isinstance(value, Named) for value in call.given):
        raise Untold("the arithmetic of this step is not known", "name another step")
    from .moved import was

    return was(call, operand, index)
