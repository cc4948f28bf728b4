"""The effect of each head in the terminal: a map of layers by heads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.style import Style
from rich.text import Text

from ...traces.values import Number
from ..explain.digits import cell_unit, largest_of
from ..explain.map_cells import CELLS, MapCells
from ..words import DIM, PLAIN, plural

_LABEL = 5
_LEGEND = "rows: layers, columns: heads"


@dataclass(frozen=True, kw_only=True)
class HeadMap:
    """A number for each head as a Rich renderable: digits where they fit, signs where not, in colour as far as the
    terminal has colours.

    Attributes:
        rows: the number of each head, a row a layer.
        layers: which layer each row is.
        signs: whether numbers may be negative.
        meant: whether the numbers mean anything; they are greyed where not.
    """

    rows: Sequence[Sequence[Number]]
    layers: Sequence[int]
    signs: bool = True
    meant: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        count = max(map(len, self.rows), default=0)
        cell = next((size for size in CELLS if _LABEL + count * size <= options.max_width), 0)
        if not count or not cell:
            told = f"a map of {plural(len(self.rows), 'layer')} of {plural(count, 'head')} needs more columns"
            yield Text(told, style=DIM)
            return
        every = [number for row in self.rows for number in row]
        factor, unit = cell_unit(every)
        cells = MapCells(
            size=cell,
            largest=largest_of(every),
            factor=factor,
            colors=console.color_system if self.meant else None,
            style=PLAIN if self.meant else DIM,
            signs=self.signs,
            nearly_zero="." if options.ascii_only else "·",
        )
        names = "".join(str(head).rjust(cell - 1) + " " for head in range(count))
        yield _line(f"{'head':{_LABEL}}{names}", DIM)
        for layer, numbers in zip(self.layers, self.rows, strict=True):
            line = _line(f"{layer:>{_LABEL - 1}} ", DIM)
            for number in numbers:
                line.append_text(cells.text(number, cell - 1)).append(" ")
            yield line
        small = f"{cells.nearly_zero}: too small to write"
        told = "+ and -: how large beside the largest" if cell == CELLS[-1] else unit
        yield Text("; ".join(filter(None, (_LEGEND, small, told))), style=DIM)


def _line(text: str, style: Style) -> Text:
    return Text.assemble((text, style), no_wrap=True, overflow="ignore")
