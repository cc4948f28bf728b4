"""A map of layers by heads as SVG: each number in a cell, coloured beside the largest."""

from collections.abc import Sequence
from dataclasses import dataclass

from ....safetext import safe_text
from ....traces.values import Number
from ..digits import cell_unit, largest_of, signed, strengths
from ..digits import short as in_short
from .by_token import STRONGEST
from .drawing import Drawing

CELL, LEFT = 48.0, 60.0
"""How wide a cell is, and what stands to the left of the first one."""
_HIGH = 24.0


@dataclass(frozen=True, kw_only=True)
class GridCell:
    """A cell of a map: where it begins, what it is, and its number."""

    x: float
    name: str
    number: Number


def draw_grid(
    drawing: Drawing,
    columns: Sequence[tuple[str, float]],
    rows: Sequence[tuple[str, Sequence[GridCell]]],
    *,
    corner: str = "head",
    signs: bool = True,
) -> str:
    """Draw a map, each row with its name, and each column with its name and where it begins; ``corner`` says what the
    columns are, and without ``signs`` no number is negative. Return in words what the numbers are, empty where they are
    what they were.
    """
    every = [cell.number for _, cells in rows for cell in cells]
    largest, (factor, unit) = largest_of(every), cell_unit(every)
    edge = min((x for _, x in columns), default=LEFT) - 12
    drawing.text(corner, edge, drawing.y, "quiet end")
    for name, x in columns:
        drawing.text(name, x + CELL / 2, drawing.y, "quiet mid")
    drawing.y += 8
    for row, cells in rows:
        drawing.text(row, edge, drawing.y + _HIGH / 2 + 4, "quiet end")
        for cell in cells:
            _cell(drawing, cell, row, strengths([cell.number], largest=largest)[0], factor, signs=signs)
        drawing.y += _HIGH
    return unit


def _cell(drawing: Drawing, cell: GridCell, row: str, strength: float, factor: float, *, signs: bool) -> None:
    drawing.told(safe_text(f"{row} {cell.name} {signed(cell.number, 4)}"))
    drawing.box(cell.x, drawing.y, CELL - 2, _HIGH - 2, style="empty")
    if strength:
        style = "for" if strength > 0 else "against"
        drawing.box(cell.x, drawing.y, CELL - 2, _HIGH - 2, style=style, opacity=STRONGEST * abs(strength))
    text = in_short(float(cell.number) * factor, 5)
    quiet = "" if abs(strength) > 0.02 else " quiet"
    text = text if signs else text.removeprefix("+")
    drawing.text(text, cell.x + CELL / 2 - 1, drawing.y + _HIGH / 2 + 3, f"mid{quiet}")
    drawing.end()
