"""The values of a step as the page holds them: the ends of a matrix, of the first sentences and of many heads."""

from base64 import b64encode
from typing import Any

import numpy as np

from ...traces.record import Trace
from ...traces.values import Values
from ..sizes import SHOWN_ENDS, SHOWN_SENTENCES, SHOWN_STACK

NUMBERS = 2_000_000
"""The most numbers that a page holds, if more than one head of each step is held: some ten megabytes of text."""


def heads_that_fit(trace: Trace, *, numbers: int = NUMBERS) -> int:
    """Return of how many heads the page holds values, of each step the same; at least 1."""
    held = [tensor.values for step in trace.steps for tensor in step.outputs if tensor.values is not None]
    for stack in range(SHOWN_STACK, 1, -1):
        if sum(_size(values, stack) for values in held) <= numbers:
            return stack
    return 1


def tensors_data(trace: Trace, stack: int) -> dict[str, dict[str, Any] | str]:
    """Return what is held of each output that has values, by step and place: ``kept`` indices of each axis, and the
    numbers at them as base64 of little-endian float32. Of an axis before the matrix, such as the heads, ``stack`` are
    held. An output with the same numbers as an earlier one has that one's key in their place.
    """
    found: dict[str, dict[str, Any] | str] = {}
    first: dict[tuple[str, str], str] = {}
    for step in trace.steps:
        for place, tensor in enumerate(step.outputs):
            if tensor.values is None or not len(tensor.values):
                continue
            key, cut = f"{step.id}.{place}", _cut(tensor.values, stack)
            same = first.setdefault((str(cut["kept"]), cut["data"]), key)
            found[key] = cut if same == key else same
    return found


def _cut(values: Values, stack: int) -> dict[str, Any]:
    kept = _kept(values)
    numbers = np.asarray(values.flat).reshape([len(axis) for axis in kept])
    for axis, indices in enumerate(kept):
        places = _places(axis, len(indices), len(kept), stack)
        kept[axis] = [indices[place] for place in places]
        numbers = numbers.take(places, axis=axis)
    with np.errstate(over="ignore"):
        coded = numbers.astype("<f4")
    return {"kept": kept, "data": b64encode(coded.tobytes()).decode()}


def _size(values: Values, stack: int) -> int:
    kept = _kept(values)
    return int(np.prod([len(_places(axis, len(held), len(kept), stack)) for axis, held in enumerate(kept)]))


def _kept(values: Values) -> list[list[int]]:
    return [list(axis) for axis in values.kept] if values.kept is not None else [list(range(n)) for n in values.shape]


def _places(axis: int, size: int, axes: int, stack: int) -> list[int]:
    if axis < axes - 2:
        return list(range(min(size, SHOWN_SENTENCES if axis == 0 else stack)))
    if size <= 2 * SHOWN_ENDS:
        return list(range(size))
    return [*range(SHOWN_ENDS), *range(size - SHOWN_ENDS, size)]
