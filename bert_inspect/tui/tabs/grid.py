"""A matrix of numbers on coloured ground, with the names of its rows and columns, and a cursor."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size, Spacing
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...render.explain.scale import filling as signed
from ...render.heads.heatmap import filling as share
from ...render.words import BAD, DIM, MASKED, NAME, PLAIN, is_masked, number
from .slices import Slice

_NUMBER = 10
_PATCH = 2
"""The columns of a cell without its number."""
_LEAST, _MOST = 3, 13
"""The columns that the rows' names may take."""
_CURSOR = Style(reverse=True, bold=True)


@dataclass(frozen=True, kw_only=True)
class Shades:
    """How the ground of a number is chosen: by a probability itself, else by its share of the largest magnitude.

    Attributes:
        label: the label of the step, which says whether an entry masks.
        dtype: the type of the numbers; only those that are rounded have a ground.
        largest: the largest magnitude.
        probabilities: whether they are probabilities.
    """

    label: str = ""
    dtype: str = ""
    largest: float = 0.0
    probabilities: bool = False

    def masked(self, value: Any) -> bool:
        """Whether an entry only masks a token."""
        return is_masked(value, label=self.label, dtype=self.dtype)

    def style(self, value: Any, colors: str | None) -> Style:
        """Return the style of an entry, as far as the terminal has colours."""
        if self.masked(value):
            return MASKED
        if not isinstance(value, float) or not self.dtype.startswith(("float", "bfloat")):
            return PLAIN
        if not math.isfinite(value):
            return BAD
        if self.probabilities:
            return share(value, colors)
        strength = min(1.0, math.sqrt(abs(value) / self.largest)) if self.largest else 0.0
        return signed(math.copysign(strength, value), colors)


class Grid(ScrollView, can_focus=True):
    """A matrix, of which only what is in sight is drawn; the first line and the first columns stay where they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1, 0)", "Up", show=False),
        Binding("down,j", "move(1, 0)", "Down", show=False),
        Binding("left", "move(0, -1)", "Left", show=False),
        Binding("right", "move(0, 1)", "Right", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "end(0, -1)", "First column", show=False),
        Binding("end", "end(0, 1)", "Last column", show=False),
        Binding("ctrl+home", "end(-1, 0)", "First row", show=False),
        Binding("ctrl+end", "end(1, 0)", "Last row", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another number."""

    row: reactive[int] = reactive(0, init=False)
    column: reactive[int] = reactive(0, init=False)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._slice: Slice | None = None
        self._shades = Shades()
        self._cell = _NUMBER
        self._label = _LEAST

    def show(self, shown: Slice, shades: Shades) -> None:
        """Show a matrix; the cursor stays in its place as far as there is one."""
        self._slice, self._shades = shown, shades
        names = [shown.row_name(row) for row in range(min(len(shown.rows), 64))]
        self._label = 1 + min(_MOST, max([_LEAST, *map(cell_len, names)]))
        self.row = max(0, min(self.row, len(shown.rows) - 1))
        self.column = max(0, min(self.column, len(shown.columns) - 1))
        self._lay_out()

    def densely(self, *, dense: bool) -> None:
        """Leave the numbers out, to see more of the pattern, or write them again."""
        self._cell = _PATCH if dense else _NUMBER
        self._lay_out()

    def point(self, row: int, column: int) -> None:
        """Move the cursor to an entry."""
        if self._slice is not None and not self._slice.empty:
            self.row = max(0, min(row, len(self._slice.rows) - 1))
            self.column = max(0, min(column, len(self._slice.columns) - 1))

    def _lay_out(self) -> None:
        if self._slice is not None:
            width = self._label + self._cell * len(self._slice.columns)
            self.virtual_size = Size(width, 1 + len(self._slice.rows))
            self._follow()
            self.refresh()

    def watch_row(self) -> None:
        """Keep the cursor in sight."""
        self._follow()
        self.post_message(self.Moved())

    def watch_column(self) -> None:
        """Keep the cursor in sight."""
        self._follow()
        self.post_message(self.Moved())

    def _follow(self) -> None:
        if self._slice is None:
            return
        here = Region(self._label + self.column * self._cell, 1 + self.row, self._cell, 1)
        # What stays in its place takes room of what may be in sight.
        self.scroll_to_region(here, spacing=Spacing(1, 0, 0, self._label), animate=False, force=True)
        self.refresh()

    def action_move(self, down: int, right: int) -> None:
        """Move the cursor by so many rows and columns."""
        self.point(self.row + down, self.column + right)

    def action_page(self, by: int) -> None:
        """Move the cursor by as many rows as are in sight."""
        self.point(self.row + by * max(1, self.scrollable_content_region.height - 2), self.column)

    def action_end(self, down: int, right: int) -> None:
        """Move the cursor to the first or last row or column."""
        if self._slice is not None:
            row = self.row if not down else 0 if down < 0 else len(self._slice.rows) - 1
            column = self.column if not right else 0 if right < 0 else len(self._slice.columns) - 1
            self.point(row, column)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the number that is clicked."""
        if event.y >= 1 and event.x >= self._label:
            column = self._first + (event.x - self._label) // self._cell
            self.point(event.y - 1 + self.scroll_offset.y, column)

    @property
    def _first(self) -> int:
        """The first column in sight. Columns are shown whole or not at all: half a number is a wrong one."""
        return -(-self.scroll_offset.x // self._cell)

    def render_line(self, y: int) -> Strip:
        """Return one line of the window: the names of the columns, or a row."""
        width = self.scrollable_content_region.width
        if self._slice is None or self._slice.empty:
            return Strip.blank(width, self.rich_style)
        row = y - 1 + self.scroll_offset.y
        name, cells, room = "", [], width - self._label
        columns = range(self._first, min(len(self._slice.columns), self._first + room // self._cell))
        if y == 0:
            cells = [self._title(column) for column in columns]
        elif row < len(self._slice.rows):
            name = self._slice.row_name(row)
            cells = [self._entry(row, column) for column in columns]
        body = Strip(cells).extend_cell_length(max(0, room), self.rich_style)
        style = NAME if y and row == self.row else DIM
        return Strip.join([Strip([Segment(_right(name, self._label), style)]), body]).apply_style(self.rich_style)

    def _title(self, column: int) -> Segment:
        assert self._slice is not None, "asked for only where there is one"
        style = NAME if column == self.column else DIM
        if self._cell < _NUMBER:
            return Segment(("▾" if column == self.column else "").ljust(self._cell), style)
        return Segment(_right(self._slice.column_title(column, self._cell - 1), self._cell), style)

    def _entry(self, row: int, column: int) -> Segment:
        assert self._slice is not None, "asked for only where there is one"
        value = self._slice.number(row, column)
        here = (row, column) == (self.row, self.column)
        style = _CURSOR if here else self._shades.style(value, self.app.console.color_system)
        if self._cell < _NUMBER:
            return Segment(("◆" if here else "").ljust(self._cell), style)
        text = "masked" if self._shades.masked(value) else number(value)
        return Segment(_right(text, self._cell), style)


def _right(text: str, width: int) -> str:
    """Return a text to the right of its columns, cut visibly if it is too long, with a blank after it."""
    room = width - 1
    if cell_len(text) > room:
        text = set_cell_size(text, room - 1) + "…"
    return " " * (room - cell_len(text)) + text + " "
