"""One station of the tour in a terminal."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.style import Style
from rich.table import Table as RichTable
from rich.text import Text

from ...safetext import safe_text
from ...source_view.statement import Statement
from ...stations.excerpt import Excerpt
from ...stations.station import Table
from ...stations.walk import Stop, Walk
from ..cell import cell_of_station
from ..diagram.text import TextDiagram
from ..listing.highlight import highlighted
from ..words import DIM, KNOWN, LAYER, MASKED, NAME, PLAIN
from .flows import component_flow
from .words import Typed, first_followed, followed, left_out, no_numbers, numbers_of, shape_of, typed_commands

_TEXT = 88
"""The columns that sentences take at most: longer lines are hard to read."""
_NAME = 14
"""The columns that the name of a row, and of a column of tokens, may take."""


def whole_tour(walk: Walk, typed: Typed | None = None) -> Group:
    """Return all stations, one after another; the diagram of a component only at its first."""
    drawn: set[object] = set()
    shown = []
    for at, stop in enumerate(walk.stops):
        shown.append(station(walk, at, typed, diagram=stop.station.component not in drawn))
        drawn.add(stop.station.component)
    return Group(*shown)


def listed(walk: Walk, at: int) -> Group:
    """Return the names of all stations, the one where the reader is marked."""
    shown = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False, show_edge=False)
    shown.add_column(justify="right")
    for number, stop in enumerate(walk.stops):
        style = KNOWN + NAME if number == at else PLAIN
        row = (str(number + 1), stop.station.name, stop.station.question)
        shown.add_row(*(Text(cell, style) for cell in row))
    return Group(shown, Text())


def station(walk: Walk, at: int, typed: Typed | None = None, *, diagram: bool = True) -> Group:
    """Return one station; ``typed`` writes its commands, which are left out without it."""
    stop = walk.stops[at]
    parts: list[RenderableType] = [
        _Title(f"{at + 1} of {len(walk.stops)}", stop.station.title),
        Text(stop.station.question, NAME),
        Text(),
    ]
    parts += [_Sentences(" ".join(stop.station.text))]
    for block in _blocks(walk, at, stop, diagram=diagram):
        parts += [Text(), block]
    commands = [Text(f"$ {line}", DIM) for line in typed_commands(stop, typed)]
    return Group(*parts, Text(), *commands, Text())


class _Title:
    """The number and the heading of a station, ruled off from the one before."""

    def __init__(self, number: str, title: str) -> None:
        self._text = Text.assemble((f"{number}  ", DIM), (title, LAYER))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        rule = Rule(self._text, align="left", style=DIM)
        yield from console.render(rule, options.update(width=min(options.max_width, _TEXT)))


def _blocks(walk: Walk, at: int, stop: Stop, *, diagram: bool) -> Iterator[RenderableType]:
    yield from (_table(table) for table in stop.station.tables)
    if stop.code:
        yield Group(*(line for statement in stop.code for line in _statement(statement)))
    component = stop.station.component if diagram else None
    if isinstance(component, str):
        yield TextDiagram(component_flow(walk, stop.station), upwards=False)
    elif component is not None:
        marked = frozenset(f"s{step}" for step in stop.station.steps)
        yield TextDiagram(component_flow(walk, stop.station), upwards=False, marked=marked)
    if at == first_followed(walk):
        yield _Sentences(followed(walk) or no_numbers(walk))
    yield from (_Matrix(excerpt) for excerpt in stop.excerpts)
    if stop.cell is not None:
        yield Group(*cell_of_station(stop.cell))
    elif stop.no_cell:
        yield Text(f"the arithmetic: {safe_text(stop.no_cell)}", DIM)


class _Sentences:
    """Text that is no wider than one can read."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        width = min(options.max_width, _TEXT)
        yield from console.render(Text(safe_text(self._text)), options.update(width=width))


def _table(table: Table) -> Group:
    shown = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=DIM, show_edge=False)
    for place, header in enumerate(table.headers):
        shown.add_column(Text(header), justify="right" if place in table.numbers else "left")
    for row in table.rows:
        shown.add_row(*(Text(safe_text(cell)) for cell in row))
    return Group(shown, *([Text(table.note, DIM)] if table.note else []))


def _statement(statement: Statement) -> Iterator[RenderableType]:
    yield Text(f"{safe_text(statement.file)}:{statement.line}", DIM)
    for line in highlighted(statement.lines):
        yield Padding(line, (0, 0, 0, 2), expand=False)


class _Matrix:
    """A matrix, as many columns of it as fit; the column of the number that is told is always among them."""

    def __init__(self, excerpt: Excerpt) -> None:
        self._excerpt = excerpt

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        held = self._excerpt
        title = Text.assemble((held.label, NAME), f"  {shape_of(held)}", (f"  {safe_text(held.where)}".rstrip(), DIM))
        yield from console.render(title, options)
        for line in self._lines(options.max_width):
            yield from console.render(line, options.update(no_wrap=True, overflow="crop"))

    def _lines(self, width: int) -> Iterator[Text]:
        held = self._excerpt
        if held.numbers is None:
            return
        names = [_short(name) for name in held.rows]
        first = max(map(cell_len, names), default=0)
        written = numbers_of(held)
        columns = [_short(name) for name in held.columns]
        sizes = [max(cell_len(column), *(len(row[at]) for row in written)) for at, column in enumerate(columns)]
        shown = _fitting(sizes, width - first - 6, held.marked)
        above = f"{held.row_axis + ' ' if held.row_axis else ''}↓ {held.column_axis} →".strip()
        gaps = [at for at, after in pairwise(shown) if not self._adjacent(at, after)]
        if any(columns):
            cells = [f"  {_right(columns[at], sizes[at])}{'  …' if at in gaps else ''}" for at in shown]
            yield Text(" " * first + "".join(cells), DIM)
        for number, (name, row) in enumerate(zip(names, written, strict=True)):
            line = Text.assemble((_right(name, first), DIM))
            for at in shown:
                line.append(f"  {row[at].rjust(sizes[at])}", self._style(number, at, row[at]))
                line.append("  …" if at in gaps else "", DIM)
            yield line
        rest = left_out(held, columns=len(columns) - len(shown))
        said = [part for part in (above if any(columns) else "", rest) if part]
        if said:
            yield Text("  ".join(said), DIM)

    def _adjacent(self, at: int, after: int) -> bool:
        """Whether no column was left out between two that are shown."""
        first, second = self._excerpt.columns[at], self._excerpt.columns[after]
        numbered = first.isdecimal() and second.isdecimal()
        return int(second) - int(first) == 1 if numbered else after - at == 1

    def _style(self, row: int, column: int, text: str) -> Style:
        if (row, column) == self._excerpt.marked:
            return KNOWN + NAME
        return MASKED if text == "hidden" else PLAIN


def _fitting(sizes: Sequence[int], room: int, marked: tuple[int, int] | None) -> list[int]:
    """Return which columns fit, the marked one among them."""
    also = [] if marked is None else [marked[1]]
    left, shown = room - sum(sizes[at] + 2 for at in also), list(also)
    for at, size in enumerate(sizes):
        if at in also:
            continue
        left -= size + 2
        if left < 0:
            break
        shown.append(at)
    return sorted(shown)


def _short(name: str) -> str:
    name = safe_text(name)
    return name if cell_len(name) <= _NAME else set_cell_size(name, _NAME - 1) + "…"


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text
