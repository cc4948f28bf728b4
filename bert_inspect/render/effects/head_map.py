"""The effect of each head in the terminal: a map of layers by heads."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.style import Style
from rich.text import Text

from ..explain.map_cells import CELLS
from ..words import DIM, plural
from .effect_cells import cells_of
from .maps import EffectMap

_LABEL = 5
_LEGEND = "rows: layers, columns: heads"


@dataclass(frozen=True, kw_only=True)
class HeadMap:
    """A number for each head as a Rich renderable: digits where they fit, signs where not, in colour as far as the
    terminal has colours.

    Attributes:
        drawn: the map.
        meant: whether the numbers mean anything; they are greyed where not.
    """

    drawn: EffectMap
    meant: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        rows, count = self.drawn.rows, self.drawn.columns
        cell = next((size for size in CELLS if _LABEL + count * size <= options.max_width), 0)
        if not count or not cell:
            told = f"a map of {plural(len(rows), 'layer')} of {plural(count, 'head')} needs more columns"
            yield Text(told, style=DIM)
            return
        cells, told = cells_of(self.drawn, cell, meant=self.meant, console=console, options=options)
        names = "".join(str(head).rjust(cell - 1) + " " for head in range(count))
        yield _line(f"{'head':{_LABEL}}{names}", DIM)
        for row in rows:
            line = _line(f"{row.place:>{_LABEL - 1}} ", DIM)
            for number in row.numbers:
                line.append_text(cells.text(number, cell - 1)).append(" ")
            yield line
        yield Text(f"{_LEGEND}; {told}", style=DIM)


def _line(text: str, style: Style) -> Text:
    return Text.assemble((text, style), no_wrap=True, overflow="ignore")
