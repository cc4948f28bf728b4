"""The cells that a page on a run can open: of every step the largest number of each token, with its arithmetic."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..cells.build import Builder
from ..cells.names import Names
from ..cells.record import Cell, Opened
from ..cells.where import Tensor, Where, place_of
from ..errors import UsageError
from ..loading.loaded import Loaded
from ..traces.edits import Edit
from ..traces.record import Input, Trace
from ..traces.values import VALUES_LIMIT, masked_below
from ..traces.vocabulary.axes import TOKEN_AXES
from .cell import numbers_of_all

MOST = 4_000
"""The most cells of a page: some two megabytes of text, in three seconds."""


def opened_cells(
    loaded: Loaded, batch: Input, ran: Trace, *, ends: int, sentences: int, edits: Sequence[Edit] = ()
) -> Opened:
    """Run the model again and return the cells that can be opened of what every step returned.

    Args:
        loaded: the model.
        batch: the sentences.
        ran: the trace of a whole run of it, whose steps they are of.
        ends: of an axis of a matrix so many of the first and of the last places are shown.
        sentences: of how many sentences numbers are shown.
        edits: what was edited in that run.

    Raises:
        UsageError: the run is too large to be held, or its steps are not the same twice.
    """
    if sum(math.prod(output.shape) for step in ran.steps for output in step.outputs) > VALUES_LIMIT:
        raise UsageError("the run has too many numbers to work each of them out", "bert-inspect cell shows one")
    numbers = numbers_of_all(loaded, batch, ran, edits=edits)
    batch = ran.input  # as it was edited
    trace = numbers.trace
    names = Names(trace)
    builder = Builder(numbers=numbers, names=names, most=5)
    found: dict[tuple[int, int], list[tuple[tuple[int, ...], Cell]]] = {}
    rows = _rows_that_fit(trace, ends, sentences)
    for step in trace.steps:
        for place, output in enumerate(step.outputs):
            if not numbers.has(step, place) or 0 in output.shape:
                continue
            tensor = Tensor(label=step.label, output=output, whole=numbers.output(step, place))
            whole = np.asarray(tensor.whole(tuple(slice(None) for _ in output.shape)), dtype=np.float64)
            for where in dict.fromkeys(_places(tensor, whole, names, batch, ends, sentences, rows)):
                try:
                    cell = builder.cell(step, place, Where(index=where[1], row=where[0]))
                except UsageError:
                    continue  # what is not known of a step is told where somebody asks for it by its name
                found.setdefault((step.id, place), []).append((where[1], cell))
    return found


def _rows_that_fit(trace: Trace, ends: int, sentences: int) -> int:
    """Return of how many rows of each matrix the largest number is opened."""
    steps = sum(len(step.outputs) for step in trace.steps)
    return min(2 * ends, MOST // max(steps * min(sentences, len(trace.input.texts)), 1))


def _places(
    tensor: Tensor, whole: Any, names: Names, batch: Input, ends: int, sentences: int, rows: int
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the places of a tensor that are opened, each with its sentence: of each sentence that of the largest
    number, and of what is shown first of it that of each row.
    """
    shape, axes = whole.shape, tensor.axes
    by_sentence = axes[:1] == ["batch"] and len(shape) > 2
    for row in range(min(sentences, shape[0]) if by_sentence else 1):
        try:
            where = place_of(tensor, names, {}, sentence=row + 1 if by_sentence else None)
        except UsageError:
            continue
        if _is_shown(where.index, shape, ends):
            yield where.row, where.index
        if len(shape) < 2:
            continue
        lead = (row, *(0 for _ in shape[1:-2])) if by_sentence else tuple(0 for _ in shape[:-2])
        matrix = whole[lead]
        columns = _shown(shape[-1], ends, _real(axes[-1], batch, row, shape[-1]))
        for line in _shown(shape[-2], ends, _real(axes[-2], batch, row, shape[-2]))[:rows]:
            largest = _largest(matrix[line][columns], tensor)
            if largest is not None:
                yield (row if by_sentence else line if axes[:1] == ["batch"] else 0), (*lead, line, columns[largest])


def _real(axis: str, batch: Input, row: int, size: int) -> list[int]:
    """Return the places of an axis that are no padding."""
    if axis in TOKEN_AXES and row < len(batch.attention_mask) and size == len(batch.attention_mask[row]):
        return [place for place, seen in enumerate(batch.attention_mask[row]) if seen]
    return list(range(size))


def _shown(size: int, ends: int, places: Sequence[int]) -> list[int]:
    """Return which of some places of an axis are shown."""
    return [place for place in places if _at_an_end(place, size, ends)]


def _at_an_end(place: int, size: int, ends: int) -> bool:
    return size <= 2 * ends or place < ends or place >= size - ends


def _is_shown(index: tuple[int, ...], shape: Sequence[int], ends: int) -> bool:
    return all(_at_an_end(place, size, ends) for place, size in list(zip(index, shape, strict=True))[-2:])


def _largest(numbers: Any, tensor: Tensor) -> int | None:
    """Return where the number farthest from 0 stands; None where all hide something or are not finite."""
    below = masked_below(tensor.label, tensor.output.dtype)
    seen = np.isfinite(numbers) & (numbers > (-np.inf if below is None else below))
    if not seen.any():
        return None
    return int(np.where(seen, np.abs(numbers), -1.0).argmax())
