"""The part of a tensor that a station shows: one matrix of it, with names along both sides, of real tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cells.names import label_of
from ..traces.sentences import real_places
from ..traces.token_text import shown_token
from ..traces.values import masked_below
from ..traces.vocabulary.axes import FOLDED, TOKEN_AXES, one_of
from .followed import Followed
from .station import Tensor
from .tour import Tour

MOST_ROWS, MOST_COLUMNS = 24, 24


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A matrix out of a tensor.

    Attributes:
        label: what the tensor is.
        step: the step that returned it, ``place`` which of its outputs it is.
        shape: its sizes, and ``axes`` their names (None: not known).
        where: which sentence and which head it is of, empty where there is one.
        rows: what the rows are called, and ``columns`` the columns: those that are shown.
        row_axis: what a row is, empty of a vector; ``column_axis`` what a column is.
        numbers: the numbers (rows, columns); None where they were not kept.
        more_rows: how many rows are not shown, ``more_columns`` how many columns.
        hidden_below: what is below this number hides a token, None where nothing does.
        marked: the row and the column of the number whose arithmetic is told.
    """

    label: str
    step: int
    shape: tuple[int, ...]
    axes: tuple[str, ...] | None
    where: str
    place: int = 0
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    row_axis: str = ""
    column_axis: str = ""
    numbers: tuple[tuple[float, ...], ...] | None = None
    more_rows: int = 0
    more_columns: int = 0
    hidden_below: float | None = None
    marked: tuple[int, int] | None = None

    @property
    def whole_numbers(self) -> bool:
        """Whether all numbers are whole ones: ids, positions, buckets."""
        return self.numbers is not None and all(float(each).is_integer() for row in self.numbers for each in row)


def excerpt(tour: Tour, tensor: Tensor, followed: Followed, *, index: Sequence[int] | None = None) -> Excerpt:
    """Return what is shown of a tensor; ``index`` is the number of it that is told, which is among what is shown."""
    step = tour.trace.steps[tensor.step]
    output = step.outputs[tensor.place]
    axes = output.axes
    plain = Excerpt(
        label=label_of(step, tensor.place),
        step=step.id,
        shape=tuple(output.shape),
        axes=None if axes is None else tuple(axes),
        where="",
        place=tensor.place,
    )
    whole = tour.values(step, tensor.place)
    if whole is None or axes is None or 0 in output.shape or not output.shape:
        if whole is not None and not output.shape:
            return _replaced(plain, columns=("",), rows=("",), numbers=((float(whole),),))
        return plain
    lead = [
        index[at] if index is not None else followed.place(tour, axis, size) or 0
        for at, (axis, size) in enumerate(zip(axes[:-2], output.shape[:-2], strict=True))
    ]
    if index is None and axes[0] == "batch" and len(output.shape) > 2:
        lead[0] = tour.row if output.shape[0] > tour.row else 0
    matrix = whole[tuple(lead)] if lead else whole
    if matrix.ndim == 1:
        matrix, row_axis = matrix[None, :], ""
    else:
        row_axis = axes[-2]
    column_axis = axes[-1]
    rows = _places(tour, row_axis, matrix.shape[0], MOST_ROWS, None if index is None or not row_axis else index[-2])
    if row_axis == "batch":
        rows = ([tour.row] if tour.row < matrix.shape[0] else [0]), 0
    hidden_below = masked_below(plain.label, output.dtype)
    also = None if index is None else index[-1]
    # What is hidden is shown where hiding is what a tensor is about.
    columns = _places(tour, column_axis, matrix.shape[1], MOST_COLUMNS, also, padding=hidden_below is not None)
    shown = matrix[np.ix_(rows[0], columns[0])]
    return _replaced(
        plain,
        where=_where(tour, axes, output.shape, lead, row_axis),
        rows=tuple(_name(tour, row_axis, at) for at in rows[0]),
        columns=tuple(_name(tour, column_axis, at) for at in columns[0]),
        row_axis="" if row_axis == "batch" else one_of(row_axis),
        column_axis=one_of(column_axis),
        numbers=tuple(tuple(float(each) for each in row) for row in shown),
        more_rows=rows[1],
        more_columns=columns[1],
        hidden_below=hidden_below,
        marked=None if index is None else (rows[0].index(index[-2]) if row_axis else 0, columns[0].index(index[-1])),
    )


def _replaced(excerpt: Excerpt, **changes: Any) -> Excerpt:
    return Excerpt(**{**vars(excerpt), **changes})


def _places(
    tour: Tour, axis: str, size: int, most: int, also: int | None, *, padding: bool = False
) -> tuple[list[int], int]:
    """Return which places of an axis are shown, the real tokens of a token axis (or, with ``padding``, all), and how
    many are left out; ``also`` is shown whatever it is.
    """
    places = list(range(size))
    if (
        not padding
        and axis in TOKEN_AXES
        and tour.row < len(tour.batch.tokens)
        and size == len(tour.batch.attention_mask[tour.row])
    ):
        places = real_places(tour.batch, tour.row) or places
    kept = places[:most]
    if also is not None and also not in kept:
        kept = sorted([*kept[: most - 1], also])
    return kept, len(places) - len([at for at in kept if at in places])


def _name(tour: Tour, axis: str, at: int) -> str:
    if axis in ("", "batch"):
        return ""
    if axis in ("hidden", "embedding", "head_dim", "intermediate", "half head_dim"):
        return str(at)
    if axis in TOKEN_AXES and tour.row < len(tour.batch.tokens) and at < len(tour.batch.tokens[tour.row]):
        padded = not tour.batch.attention_mask[tour.row][at]
        return shown_token(tour.batch, tour.row, at) if padded else tour.names.place(axis, at, tour.row)
    return tour.names.place(axis, at, tour.row) or str(at)


def _where(tour: Tour, axes: Sequence[str], shape: Sequence[int], lead: Sequence[int], row_axis: str) -> str:
    """Return which sentence and which head a matrix is of."""
    parts = []
    for axis, size, at in zip(axes, shape, lead, strict=False):
        if axis == "batch" and size > 1:
            parts.append(f"text {at + 1} of {size}")
        elif axis == FOLDED:
            texts = size // tour.names.heads
            parts += [f"text {at // tour.names.heads + 1} of {texts}"] if texts > 1 else []
            parts.append(f"head {at % tour.names.heads} of {tour.names.heads}")
        elif axis == "heads" and size > 1:
            parts.append(f"head {at} of {size}")
        elif axis in TOKEN_AXES and size > 1:
            parts.append(f"{one_of(axis)} {tour.names.place(axis, at, tour.row)}")
    if row_axis == "batch" and len(tour.batch.texts) > 1 and shape[len(lead)] > 1:
        parts.append(f"text {tour.row + 1} of {shape[len(lead)]}")
    return ", ".join(parts)
