"""Sums: of tensors entry by entry (a residual sum, a mask), along an axis, and means."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...traces.ops import SUBTRACT, op_of
from ..arithmetic import Arithmetic, Column, Group, Reference, Terms, Untold, axis_name, constant, entry
from ..operand import Call, Index, Operand

_SIGNS = {"rsub": (-1.0, 1.0)}


def add(call: Call, index: Index) -> Arithmetic:
    """``a + b``, ``a - b``, ``b - a``; with ``alpha`` the second is multiplied first."""
    parts = [call.argument(0, "input"), call.argument(1, "other")]
    subtracts = op_of(call.type).family == SUBTRACT
    signs = list(_SIGNS.get(call.type, (1.0, -1.0 if subtracts else 1.0)))
    signs[1] *= float(call.options.get("alpha", 1))
    terms, references, words = Terms(), list[Reference](), list[str]()
    for part, sign in zip(parts, signs, strict=True):
        column, shown = _part(part, index, references)
        columns = (column,) if sign == 1.0 else (column, constant(sign))
        terms.add(shown if not isinstance(part, Operand) else part.name, float(column.values[0]) * sign, *columns)
        words.append(f"{'- ' if sign < 0 else '+ '}{shown}")
    text = " ".join(words).removeprefix("+ ")
    symbols = "y = b - a" if call.type == "rsub" else "y = a - b" if subtracts else "y = a + b"
    return Arithmetic(
        words=text,
        symbols=symbols,
        result=terms.total,
        size=terms.size * 2,
        groups=terms.groups,
        references=references,
        total=terms.total,
        counts=call.counts,
    )


def _part(part: Any, index: Index, references: list[Reference]) -> tuple[Column, str]:
    """Return an operand's entry, or a plain number, as a factor, and how a formula's words refer to it."""
    if isinstance(part, Operand):
        place = part.fitting(index)
        references.append(Reference(operand=part, index=place))
        return entry(part, place), f"{{{len(references) - 1}}}"
    return constant(number_of(part), ""), f"{number_of(part):g}"


def number_of(value: Any) -> float:
    """Return an argument as a number.

    Raises:
        Untold: it is none.
    """
    if isinstance(value, bool | int | float):
        return float(value)
    raise Untold("what this step received besides tensors is not known", "name another step")


def summed(call: Call, index: Index) -> Arithmetic:
    """``sum`` and ``mean`` along axes, or over all numbers."""
    operand = call.operands[0]
    axes = _axes(call, len(operand.shape))
    keeps = bool(call.argument(2, "keepdim", default=False))
    kept = iter(index)
    place: list[int | None] = []
    for axis in range(len(operand.shape)):
        if axis in axes:
            place.append(None)
            if keeps:
                next(kept)
        else:
            place.append(next(kept))
    return _over(call, operand, place, mean=call.type == "mean")


def _axes(call: Call, count: int) -> list[int]:
    given = call.argument(1, "dim", call.options.get("axis"))
    if given is None:
        return list(range(count))
    return [axis % count for axis in (given if isinstance(given, tuple | list) else [given])]


def _over(call: Call, operand: Operand, place: Sequence[int | None], *, mean: bool) -> Arithmetic:
    values = operand.read([slice(None) if at is None else at for at in place])
    sizes = [size for size, at in zip(operand.shape, place, strict=True) if at is None]
    free = [axis for axis, at in enumerate(place) if at is None]

    def index_of(number: int) -> Index:
        found = iter(int(at) for at in np.unravel_index(number, sizes)) if sizes else iter(())
        return tuple(next(found) if at is None else at for at in place)

    count, column = len(values), Column(values=values, operand=operand, index=index_of)
    axis = axis_name(operand, free[0]) if len(free) == 1 else None
    names = () if axis is not None else tuple(str(list(index_of(number))) for number in range(min(count, 100_000)))
    columns: tuple[Column, ...] = (column,)
    terms = values
    if mean:
        terms = values / count
        columns = (column, Column(values=np.full(count, 1 / count), name=f"1/{count}"))
    with np.errstate(all="ignore"):
        total, size = float(terms.sum()), float(np.abs(terms).sum())
    return Arithmetic(
        words=f"{'mean' if mean else 'sum'} over {count} of {{0}}",
        symbols="y = (1/n) sum_i x_i" if mean else "y = sum_i x_i",
        result=total,
        size=size * (2 + math.sqrt(count)),
        groups=[Group(values=terms, columns=columns, axis=axis, names=names)],
        references=[Reference(operand=operand, index=place)],
        total=total,
        counts=call.counts,
    )


def counted(call: Call, index: Index) -> Arithmetic:
    """``cumsum``: the sum of everything up to a place along an axis."""
    operand = call.operands[0]
    axis = int(call.argument(1, "dim", 0)) % len(operand.shape)
    before, after = index[:axis], index[axis + 1 :]
    values = operand.read((*before, slice(0, index[axis] + 1), *after))
    column = Column(values=values, operand=operand, index=lambda number: (*before, number, *after))
    total = float(values.sum())
    return Arithmetic(
        words=f"sum of the first {len(values)} of {{0}}",
        symbols="y_t = sum_(i <= t) x_i",
        result=total,
        size=float(np.abs(values).sum()) * (2 + math.sqrt(len(values))),
        groups=[Group(values=values, columns=(column,), axis=axis_name(operand, axis))],
        references=[Reference(operand=operand, index=(*before, None, *after))],
        total=total,
        counts=call.counts,
    )
