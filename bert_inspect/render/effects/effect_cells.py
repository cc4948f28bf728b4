"""The cells of a map of effects in the terminal, and what is told of them below it."""

from rich.console import Console, ConsoleOptions

from ..explain.digits import cell_unit, largest_of
from ..explain.map_cells import CELLS, MapCells
from ..words import DIM, PLAIN
from .maps import EffectMap


def cells_of(
    drawn: EffectMap, size: int, *, meant: bool, console: Console, options: ConsoleOptions
) -> tuple[MapCells, str]:
    """Return what writes the numbers of a map into cells of ``size`` columns, and what its signs and digits mean;
    numbers that are not ``meant`` to say anything are greyed.
    """
    every = [number for row in drawn.rows for number in row.numbers]
    factor, unit = cell_unit(every)
    cells = MapCells(
        size=size,
        largest=largest_of(every),
        factor=factor,
        colors=console.color_system if meant else None,
        style=PLAIN if meant else DIM,
        signs=drawn.signs,
        nearly_zero="." if options.ascii_only else "·",
    )
    small = f"{cells.nearly_zero}: too small to write"
    told = "+ and -: how large beside the largest" if size == CELLS[-1] else unit
    return cells, "; ".join(filter(None, (small, told)))
