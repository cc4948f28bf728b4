"""A table of steps whose columns give way, those that say least first, where the terminal is too narrow for all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType
from rich.style import Style
from rich.text import Text

from ..words import DIM, PLAIN

_BETWEEN = "  "
_LEAST, _MOST = 24, 56
"""The columns that a step's name has at least, where there is room, and at most."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its title, a text for each row, how they are drawn (plain where nothing is said), and its rank. Columns
    of the lowest rank are always shown, those of the highest give way first, all of one rank together.
    """

    title: str
    texts: Sequence[str]
    rank: int
    styles: Sequence[Style] = ()
    left: bool = False

    @property
    def width(self) -> int:
        """How wide it is."""
        return max(map(cell_len, (self.title, *self.texts)))


@dataclass(frozen=True, kw_only=True)
class RankedTable:
    """Rows with their names as a Rich renderable; ``below`` is what stands below some of them."""

    names: Sequence[str]
    columns: Sequence[Column]
    below: Mapping[int, RenderableType] = field(default_factory=dict)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if not self.names:
            return
        longest = min(_MOST, max(map(cell_len, self.names)))
        chosen = self._chosen(options.max_width - min(longest, max(_LEAST, options.max_width // 3)))
        taken = sum(column.width + len(_BETWEEN) for column in chosen)
        name = max(8, min(longest, options.max_width - taken))
        mark = "~" if options.ascii_only else "…"
        yield self._line("", [(column, column.title, DIM) for column in chosen], name, mark)
        for row, text in enumerate(self.names):
            cells = [(column, column.texts[row], column.styles[row] if column.styles else PLAIN) for column in chosen]
            yield self._line(text, cells, name, mark)
            if row in self.below:
                yield self.below[row]

    def _chosen(self, room: int) -> list[Column]:
        """Return the columns that there is room for, in their order."""
        ranks: list[int] = []
        for rank in sorted({column.rank for column in self.columns}):
            wide = sum(column.width + len(_BETWEEN) for column in self.columns if column.rank == rank)
            if wide > room and ranks:
                break
            ranks.append(rank)
            room -= wide
        return [column for column in self.columns if column.rank in ranks]

    def _line(self, text: str, cells: Sequence[tuple[Column, str, Style]], name: int, mark: str) -> Text:
        shown = text if cell_len(text) <= name else set_cell_size(text, name - 1) + mark
        line = Text(set_cell_size(shown, name), no_wrap=True, overflow="ignore")
        for column, cell, style in cells:
            space = " " * (column.width - cell_len(cell))
            line.append(_BETWEEN)
            line.append(cell + space if column.left else space + cell, style)
        return line
