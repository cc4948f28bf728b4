"""A map of numbers as the page shows it: each on the colour of its size beside the largest."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...safetext import safe_text
from ...traces.values import Number
from ..explain.digits import cell_unit, largest_of, short, signed, strengths
from .told import Map, Shaded

_SHADES = 8
_WIDE, _NARROW = 5, 4
"""The characters of a number in a cell, and where there is little room."""


@dataclass(frozen=True, kw_only=True)
class NumberRow:
    """A row of a map: the number of its layer or the place of its token, its name, and its numbers."""

    mark: str
    name: str
    numbers: Sequence[Number]


def map_of(
    rows: Sequence[NumberRow],
    columns: Sequence[str],
    *,
    caption: str,
    corner: str,
    cell: Callable[[int], str],
    digits: int,
    tokens: bool = False,
    signs: bool = True,
) -> Map:
    """Return a map.

    Args:
        rows: its numbers.
        columns: what stands above them.
        caption: what the numbers are; their unit is added.
        corner: what the columns are.
        cell: what stands in a column, in full.
        digits: how many decimals a number has where it is told in full.
        tokens: whether the rows are tokens, and no layers.
        signs: whether numbers may be negative.
    """
    every = [number for row in rows for number in row.numbers]
    largest, (factor, unit) = largest_of(every), cell_unit(every)

    def text(number: Number, width: int) -> str:
        told = short(float(number) * factor, width)
        return told if signs and width > _NARROW else told.removeprefix("+")

    return Map(
        caption="; ".join(filter(None, (caption, unit))),
        corner=corner,
        columns=list(columns),
        rows=[
            (
                row.mark,
                row.name,
                [
                    Shaded(
                        text=text(number, _WIDE),
                        narrow=text(number, _NARROW),
                        shade=shade(strengths([number], largest=largest)[0]),
                        said=safe_text(f"{row.name} {cell(at)} {signed(number, digits)}"),
                    )
                    for at, number in enumerate(row.numbers)
                ],
            )
            for row in rows
        ],
        tokens=tokens,
    )


def shade(strength: float) -> str:
    """Return the class of the colour of a share, from -1 to 1 of the largest; empty where it has none."""
    step = math.ceil(abs(strength) * _SHADES - 0.5)
    return "" if step < 1 else f"{'for' if strength > 0 else 'against'}-{step}"
