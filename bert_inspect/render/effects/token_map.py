"""The effect of each hidden state in the terminal: a map of tokens by layers."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ..explain.map_cells import CELLS
from ..explain.sum_rows import fitted
from ..words import DIM, plural
from .effect_cells import cells_of
from .maps import TOKENS, EffectMap

_NAME, _LEAST = 18, 8
"""The most columns of a token's name, and to how many it is cut for more digits beside it."""


@dataclass(frozen=True, kw_only=True)
class TokenMap:
    """A number for each hidden state as a Rich renderable: digits where they fit, signs where not.

    Attributes:
        drawn: the map.
        meant: whether the numbers mean anything; they are greyed where not.
    """

    drawn: EffectMap
    meant: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        rows, count = self.drawn.rows, self.drawn.columns
        longest = min(_NAME, max((cell_len(row.name) for row in rows), default=0))
        place = max((len(str(row.place)) for row in rows), default=1)
        beside = place + len("  * ")
        least = beside + min(longest, _LEAST)
        cell = next((size for size in CELLS if least + count * size <= options.max_width), 0)
        name = min(longest, options.max_width - beside - count * cell)
        label = beside + name
        if not count or not cell:
            told = f"a map of {plural(len(rows), 'token')} by {plural(count, 'layer')} needs more columns"
            yield Text(told, style=DIM)
            return
        cells, told = cells_of(self.drawn, cell, meant=self.meant, console=console, options=options)
        columns = "".join(str(at).rjust(cell - 1) + " " for at in range(count))
        yield Text(" " * label + columns, style=DIM, no_wrap=True, overflow="ignore", end="\n")
        for row in rows:
            line = Text(no_wrap=True, overflow="ignore")
            line.append(f"{row.place:>{place}} ", DIM)
            line.append(f"{fitted(row.name, name)} {'*' if row.marked else ' '} ", cells.style)
            for number in row.numbers:
                line.append_text(cells.text(number, cell - 1)).append(" ")
            yield line
        yield Text(f"{TOKENS}; {told}", style=DIM)
