"""The tree: one line a step, in columns that fit the width at hand.

Lines are built as Rich segments directly: they are styled and measured, but never parsed as markup, and a tree of a
thousand lines takes milliseconds.
"""

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.segment import Segment

from ..safetext import safe_text
from ..traces.record import Input, Trace
from ..traces.tree import Node, is_layer, outline
from .cells import (
    STATS,
    Cell,
    Format,
    Row,
    Signs,
    View,
    cut,
    known_cell,
    length,
    main_output,
    name_cell,
    segments,
    shape_cell,
    statistic,
    stats_cells,
    what_cell,
)
from .matrix import matrix
from .words import BAD, DIM, LAYER, PLAIN, count, not_finite, short_count

__all__ = ["Tree", "View"]

_SLACK = 12
"""How much of the arguments may be cut before the names in transformers lose their column."""


class Tree:
    """The steps of a trace as a Rich renderable."""

    def __init__(self, trace: Trace, view: View) -> None:
        self._trace = trace
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        view = self._view
        form = Format(view, options.max_width, options.ascii_only)
        roots = outline(self._trace.steps, depth=view.depth, fold=view.fold)
        rows = [row for root in roots for row in _rows(root, form.signs)]
        layout = _Layout(rows, form)
        newline = Segment.line()
        yield from layout.header()
        yield newline
        for row in rows:
            yield from layout.line(row)
            yield newline
            if (view.stats or view.values) and (told := _unread(row, form)):
                yield from segments(told)
                yield newline
            if view.stats and not form.stats_in_columns:
                yield from layout.stats_line(row)
            if view.values:
                for cell in _values(row, self._trace.input, form):
                    yield from segments(cell)
                    yield newline


def _rows(node: Node, signs: Signs, lead: str = "", below: str = "") -> Iterator[Row]:
    yield Row(node, lead, below + (signs.down if node.children else signs.blank))
    for child in node.children:
        final = child is node.children[-1]
        yield from _rows(
            child,
            signs,
            below + (signs.last if final else signs.branch),
            below + (signs.blank if final else signs.down),
        )


class _Layout:
    """Columns: step, what it is, shape, parameters or statistics, time, name in transformers."""

    def __init__(self, rows: Sequence[Row], form: Format) -> None:
        self._form = form
        self._signs = form.signs
        timed = any(row.node.step.seconds is not None for row in rows)
        numbers = STATS if form.stats_in_columns else ("params",)
        self._titles = ("step", "what", "shape", *numbers, *(["ms"] if timed else []), "in transformers")
        self._numbers = range(3, len(self._titles) - 1)
        cells = [self._cells(row) for row in rows]
        beside = self._excess(self._widest(cells)) > _SLACK
        if beside:
            known = [row.pop() for row in cells]
            cells = [[*row, []] for row in cells]
        self._widths = self._fit(self._widest(cells))
        if beside:
            # No room for a column of its own: the names in transformers go beside those of modules, where they fit.
            for row, cell, names in zip(rows, cells, known, strict=True):
                fits = length(cell[0]) + 2 + length(names) <= self._widths[0]
                if names and fits and row.node.step.kind == "module" and names[0][0] != row.node.step.label:
                    cell[0] = [*cell[0], ("  ", PLAIN), *names]
        self._cache = {id(row): cell for row, cell in zip(rows, cells, strict=True)}

    def _widest(self, cells: Sequence[Sequence[Cell]]) -> list[int]:
        columns = range(len(self._titles))
        widest = [max([length(row[i]) for row in cells], default=0) for i in columns]
        return [max(size, cell_len(self._titles[i])) if size else 0 for i, size in enumerate(widest)]

    def _excess(self, widths: list[int]) -> int:
        return sum(widths) + 2 * (sum(1 for size in widths if size) - 1) - self._form.width

    def _fit(self, widths: list[int]) -> list[int]:
        """Cut what is too wide where it costs least: classes and arguments first, then labels, shapes last. A name
        stands before its label, so it is the last thing to go.
        """
        for column, least in ((1, 10), (0, 36), (1, 6), (2, 12), (0, 10)):
            taken = min(max(0, self._excess(widths)), max(0, widths[column] - least))
            widths = [*widths[:column], widths[column] - taken, *widths[column + 1 :]]
        return widths

    def _cells(self, row: Row) -> list[Cell]:
        form, node, step = self._form, row.node, row.node.step
        cells: list[Cell] = [name_cell(row, form), what_cell(node, form), shape_cell(step, form)]
        if form.stats_in_columns:
            cells += stats_cells(step)
        else:
            amount = step.total_parameters
            written = "" if not amount else count(amount) if form.full_counts else short_count(amount)
            cells.append([(written, DIM)])
        if "ms" in self._titles:
            cells.append([("" if step.seconds is None else f"{step.seconds * 1000:.2f}", DIM)])
        return [*cells, known_cell(node)]

    def header(self) -> Iterator[Segment]:
        """Yield the columns' titles."""
        titles: list[Cell] = [[(title, DIM)] for title in self._titles]
        yield from self._join(titles, fill=None)

    def line(self, row: Row) -> Iterator[Segment]:
        """Yield a step's line, without its end. A layer's line is ruled, to be found among hundreds."""
        yield from self._join(self._cache[id(row)], fill=self._signs.rule if is_layer(row.node.step) else None)

    def _join(self, cells: Sequence[Cell], *, fill: str | None) -> Iterator[Segment]:
        lengths = [length(cell) for cell in cells]
        last = max((i for i, size in enumerate(lengths) if size and self._widths[i]), default=0)
        for i, (cell, size, width) in enumerate(zip(cells, lengths, self._widths, strict=True)):
            if not width or i > last:
                continue
            if i:
                yield Segment("  ")
            if size > width:
                cell = cut(cell, width, self._signs.cut)
                size = length(cell)
            pad = width - size
            if i in self._numbers:  # numbers stand to the right
                yield Segment(" " * pad)
                pad = 0
            yield from segments(cell)
            if pad and i == 0 and fill:
                yield Segment(" " + fill * (pad - 1), LAYER)
            elif pad and i < last:
                yield Segment(" " * pad)

    def stats_line(self, row: Row) -> Iterator[Segment]:
        """Yield the statistics below the step, where the terminal is too narrow for columns."""
        step = row.node.step
        main = main_output(step)
        if main is None or main.stats is None:
            return
        yield Segment(row.below, DIM)
        for name in STATS:
            text, style = statistic(main, name, step.label)
            yield Segment(f"{name} ", DIM)
            yield Segment(text.ljust(10) + " ", style)
        if bad := not_finite(main.stats):
            yield Segment(bad, BAD)
        yield Segment.line()


def _unread(row: Row, form: Format) -> Cell:
    """Say why a step has no numbers, if its trace does."""
    main = main_output(row.node.step)
    if main is None or not main.unread:
        return []
    told = [(row.below + "  ", DIM), (safe_text(f"no numbers: it is {main.unread}"), DIM)]
    return told if length(told) <= form.width else cut(told, form.width, form.signs.cut)


def _values(row: Row, batch: Input, form: Format) -> Iterable[Cell]:
    step = row.node.step
    main = main_output(step)
    if main is None or main.values is None:
        return
    width, view = form.width - cell_len(row.below) - 2, form.view
    lines = matrix(
        main,
        batch,
        label=step.label,
        width=width,
        cut=form.signs.cut,
        focus=view.focus,
        padding=view.padding,
    )
    for line in lines:
        yield [(row.below + "  ", DIM), *line]
