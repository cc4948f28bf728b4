"""The range of each step in the terminal: how large its numbers get, and what int8 would lose of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.style import Style
from rich.text import Text

from ...profiles.findings.ranges import Range
from ...profiles.histogram import bins
from ...traces.values import Number
from ..outcome.meaning import percent
from ..words import BAD, PLAIN, WARN, number
from . import said
from .blocks import blocks
from .ranked_table import Column, RankedTable

_BINS = 16
HIGH = 0.1
"""A rounding error above this part of the standard deviation is marked."""
LEGEND = (
    "int8 error: what rounding to int8 adds (one scale, largest magnitude / 127), relative to the standard deviation; "
    "to 0: the share of numbers that it makes 0"
)


def loss(found: Range) -> str:
    """Return the rounding error of int8 relative to the deviation, in percent; a dash where that says nothing."""
    return "-" if found.int8 is None else percent(found.int8.error)


def zeroed(found: Range) -> str:
    """Return which share of the numbers int8 would make 0."""
    return "-" if found.int8 is None else said.share(found.int8.zeroed) or "0"


def warns(found: Range) -> bool:
    """Whether int8 would lose much."""
    return found.int8 is not None and found.int8.error > HIGH


@dataclass(frozen=True, kw_only=True)
class RangeRows:
    """Ranges as a Rich renderable, a row each."""

    found: Sequence[Range]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        found = self.found
        columns = [
            Column(title="min", texts=[_of(one, "min") for one in found], rank=0),
            Column(title="1 %", texts=[number(one.low) for one in found], rank=3),
            Column(title="median", texts=[number(one.median) for one in found], rank=5),
            Column(title="99 %", texts=[number(one.high) for one in found], rank=3),
            Column(title="max", texts=[_of(one, "max") for one in found], rank=0),
            Column(title="mean", texts=[_of(one, "mean") for one in found], rank=4),
            Column(title="std", texts=[_of(one, "std") for one in found], rank=2),
            Column(title="zeros", texts=[said.share(one.zeros) for one in found], rank=6),
            Column(title="int8 error", texts=[*map(loss, found)], rank=0, styles=[*map(_style, found)]),
            Column(title="to 0", texts=[*map(zeroed, found)], rank=1),
            Column(
                title="histogram",
                texts=[_drawn(one, ascii_only=options.ascii_only) for one in found],
                rank=7,
                left=True,
            ),
        ]
        below = {row: Text(f"  {one.not_finite}", style=BAD) for row, one in enumerate(found) if one.not_finite}
        yield RankedTable(names=[said.name(one.held) for one in found], columns=columns, below=below)


def _of(found: Range, name: str) -> str:
    value: Number | None = getattr(found.held.numbers, name)
    return "-" if value is None else number(value)


def _style(one: Range) -> Style:
    return WARN if warns(one) else PLAIN


def _drawn(one: Range, *, ascii_only: bool) -> str:
    numbers = one.held.numbers
    return "" if numbers is None else blocks(bins(numbers, _BINS).tolist(), ascii_only=ascii_only)
