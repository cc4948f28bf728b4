"""The effect of each hidden state in the terminal: a map of tokens by layers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ...traces.values import Number
from ..explain.digits import cell_unit, largest_of
from ..explain.map_cells import CELLS, MapCells
from ..explain.sum_rows import fitted
from ..words import DIM, PLAIN, plural

_NAME, _LEAST = 18, 8
"""The most columns of a token's name, and to how many it is cut for more digits beside it."""
_LEGEND = "rows: tokens, *: differs between the two sentences; columns: hidden_states, 0 before layer 0"


@dataclass(frozen=True, kw_only=True)
class TokenMap:
    """A number for each hidden state as a Rich renderable: digits where they fit, signs where not.

    Attributes:
        rows: the numbers of each token, from before the first layer to after the last.
        names: the tokens as they are shown.
        places: where they stand.
        marked: which differ between the two sentences.
        meant: whether the numbers mean anything; they are greyed where not.
    """

    rows: Sequence[Sequence[Number]]
    names: Sequence[str]
    places: Sequence[int]
    marked: Sequence[bool]
    meant: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        count = max(map(len, self.rows), default=0)
        longest = min(_NAME, max(map(cell_len, self.names), default=0))
        place = max((len(str(at)) for at in self.places), default=1)
        beside = place + len("  * ")
        least = beside + min(longest, _LEAST)
        cell = next((size for size in CELLS if least + count * size <= options.max_width), 0)
        name = min(longest, options.max_width - beside - count * cell)
        label = beside + name
        if not count or not cell:
            told = f"a map of {plural(len(self.rows), 'token')} by {plural(count, 'layer')} needs more columns"
            yield Text(told, style=DIM)
            return
        every = [number for row in self.rows for number in row]
        factor, unit = cell_unit(every)
        style = PLAIN if self.meant else DIM
        cells = MapCells(
            size=cell,
            largest=largest_of(every),
            factor=factor,
            colors=console.color_system if self.meant else None,
            style=style,
            nearly_zero="." if options.ascii_only else "·",
        )
        columns = "".join(str(at).rjust(cell - 1) + " " for at in range(count))
        yield Text(" " * label + columns, style=DIM, no_wrap=True, overflow="ignore", end="\n")
        for at, token, differs, numbers in zip(self.places, self.names, self.marked, self.rows, strict=True):
            line = Text(no_wrap=True, overflow="ignore")
            line.append(f"{at:>{place}} ", DIM)
            line.append(f"{fitted(token, name)} {'*' if differs else ' '} ", style)
            for number in numbers:
                line.append_text(cells.text(number, cell - 1)).append(" ")
            yield line
        small = f"{cells.nearly_zero}: too small to write"
        told = "+ and -: how large beside the largest" if cell == CELLS[-1] else unit
        yield Text("; ".join(filter(None, (_LEGEND, small, told))), style=DIM)
