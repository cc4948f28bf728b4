"""The range of each step in the terminal: how large its numbers get, and what int8 would lose of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType
from rich.style import Style
from rich.text import Text

from ...profiles.findings.ranges import Range
from ...profiles.histogram import bins
from ...traces.values import Number
from ..outcome.meaning import percent
from ..words import BAD, DIM, PLAIN, WARN, number
from . import said
from .blocks import blocks

_BINS = 16
_BETWEEN = "  "
_LEAST_NAME, _MOST_NAME = 24, 56
_HIGH = 0.1
"""A rounding error above this part of the standard deviation is marked."""


@dataclass(frozen=True, kw_only=True)
class _Column:
    title: str
    text: Callable[[Range], str]
    rank: int


def _of(found: Range, name: str) -> str:
    value: Number | None = getattr(found.held.numbers, name)
    return "-" if value is None else number(value)


def loss(found: Range) -> str:
    """Return the rounding error of int8 relative to the deviation, in percent; a dash where that says nothing."""
    return "-" if found.int8 is None else percent(found.int8.error)


def zeroed(found: Range) -> str:
    """Return which share of the numbers int8 would make 0."""
    return "-" if found.int8 is None else said.share(found.int8.zeroed) or "0"


_COLUMNS = (
    _Column(title="min", text=lambda one: _of(one, "min"), rank=0),
    _Column(title="1 %", text=lambda one: number(one.low), rank=3),
    _Column(title="median", text=lambda one: number(one.median), rank=6),
    _Column(title="99 %", text=lambda one: number(one.high), rank=3),
    _Column(title="max", text=lambda one: _of(one, "max"), rank=0),
    _Column(title="mean", text=lambda one: _of(one, "mean"), rank=4),
    _Column(title="std", text=lambda one: _of(one, "std"), rank=2),
    _Column(title="zeros", text=lambda one: said.share(one.zeros), rank=7),
    _Column(title="int8 error", text=loss, rank=0),
    _Column(title="to 0", text=zeroed, rank=1),
)
LEGEND = (
    "int8 error: what rounding to int8 adds (one scale, largest magnitude / 127), relative to the standard deviation; "
    "to 0: the share of numbers that it makes 0"
)


@dataclass(frozen=True, kw_only=True)
class RangeRows:
    """Ranges as a Rich renderable, a row each; columns that have no room are left out, those that say least first."""

    found: Sequence[Range]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        if not self.found:
            return
        texts = {column: [column.title, *(column.text(one) for one in self.found)] for column in _COLUMNS}
        widths = {column: max(map(len, rows)) for column, rows in texts.items()}
        name = min(_MOST_NAME, max(len(said.name(one.held)) for one in self.found))
        room = options.max_width - max(_LEAST_NAME, min(name, options.max_width // 3))
        chosen: list[_Column] = []
        for rank in sorted({column.rank for column in _COLUMNS}):
            more = [column for column in _COLUMNS if column.rank == rank]
            wide = sum(widths[column] + len(_BETWEEN) for column in more)
            if wide > room and rank:
                break
            chosen += more
            room -= wide
        drawn = len(chosen) == len(_COLUMNS) and room >= _BINS + len(_BETWEEN)
        taken = sum(widths[each] + len(_BETWEEN) for each in chosen) + (_BINS + len(_BETWEEN)) * drawn
        name = max(8, min(name, options.max_width - taken))
        for at in range(len(self.found) + 1):
            one = self.found[at - 1] if at else None
            style = PLAIN if at else DIM
            line = Text(_fit(said.name(one.held) if one else "", name), style, no_wrap=True, overflow="ignore")
            for column in _COLUMNS:
                if column in chosen:
                    line.append(_BETWEEN + texts[column][at].rjust(widths[column]), _style(column, one, style))
            if drawn:
                line.append(_BETWEEN + (_drawn(one, ascii_only=options.ascii_only) if one else "histogram"), style)
            yield line
            if one and one.not_finite:
                yield Text(f"  {one.not_finite}", style=BAD)


def _style(column: _Column, one: Range | None, style: Style) -> Style:
    if one is None or column.title != "int8 error" or one.int8 is None:
        return style
    return WARN if one.int8.error > _HIGH else style


def _drawn(one: Range, *, ascii_only: bool) -> str:
    numbers = one.held.numbers
    return "" if numbers is None else blocks(bins(numbers, _BINS).tolist(), ascii_only=ascii_only)


def _fit(text: str, width: int) -> str:
    return set_cell_size(text, width) if len(text) <= width else set_cell_size(text[: width - 1], width - 1) + "~"
