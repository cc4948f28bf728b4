"""The values of a step as the page holds them: the ends of a matrix, of the first sentences and heads."""

from base64 import b64encode
from typing import Any

import numpy as np

from ...traces.record import Trace
from ...traces.values import Values
from ..sizes import SHOWN_ENDS, SHOWN_SENTENCES

_STACK = 12
"""Of an axis before the matrix (the heads) as many are held, where the trace holds them."""


def tensors_data(trace: Trace) -> dict[str, dict[str, Any]]:
    """Return what is held of each output that has values, by step and place: ``kept`` indices of each axis, and the
    numbers at them as base64 of little-endian float32.
    """
    return {
        f"{step.id}.{place}": _cut(tensor.values)
        for step in trace.steps
        for place, tensor in enumerate(step.outputs)
        if tensor.values is not None and len(tensor.values) > 0
    }


def _cut(values: Values) -> dict[str, Any]:
    axes = len(values.shape)
    kept = [list(axis) for axis in values.kept] if values.kept is not None else [list(range(n)) for n in values.shape]
    numbers = np.asarray(values.flat).reshape([len(axis) for axis in kept])
    for axis, indices in enumerate(kept):
        places = _places(axis, len(indices), axes)
        kept[axis] = [indices[place] for place in places]
        numbers = numbers.take(places, axis=axis)
    with np.errstate(over="ignore"):
        coded = numbers.astype("<f4")
    return {"kept": kept, "data": b64encode(coded.tobytes()).decode()}


def _places(axis: int, size: int, axes: int) -> list[int]:
    if axis < axes - 2:
        return list(range(min(size, SHOWN_SENTENCES if axis == 0 else _STACK)))
    if size <= 2 * SHOWN_ENDS:
        return list(range(size))
    return [*range(SHOWN_ENDS), *range(size - SHOWN_ENDS, size)]
