"""Whether an explanation is faithful, in the terminal: what is left of the probability as words are masked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.style import Style
from rich.text import Text

from ...analysis.explain.explanation import Faithfulness
from ..words import DIM, NAME, PLAIN
from . import said

_LEVELS = "▁▂▃▄▅▆▇█"


def check_parts(found: Faithfulness) -> list[RenderableType]:
    """Return the verdict, the curves, and the numbers of the ERASER benchmark."""
    whole = [[float(found.before), *map(float, order.curve)] for order in found.orders]
    parts: list[RenderableType] = [
        Text(said.verdict(found), style=NAME),
        Text(said.counted(found), style=DIM),
        *(Text(), Text(said.curve_title(found)), _Numbers(found, (0.0, *found.masked), whole, drops=True)),
    ]
    for title, numbers, note in said.benchmarks(found):
        parts += [Text(), Text.assemble(f"{title}  ", (note, DIM)), _Numbers(found, found.bins, numbers)]
    return parts


@dataclass(frozen=True)
class _Numbers:
    """A line for each order of the words, a column for each part of them; with ``drops`` the mean drop too."""

    found: Faithfulness
    parts: Sequence[float]
    numbers: Sequence[Sequence[float]]
    drops: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        names = [said.order_name(order) for order in self.found.orders]
        cells = [[said.share_in(value, self.found) for value in row] for row in self.numbers]
        titles = [f"{100 * part:.0f} %" for part in self.parts]
        width = max((len(cell) for row in (titles, *cells) for cell in row), default=0)
        lead, last = max(map(len, names), default=0), len(said.MEAN_DROP) + 2 if self.drops else 0
        room = options.max_width - lead - last
        shown, width = _shown(len(titles), width, room)
        head = " " * lead + "".join(titles[at].rjust(width) for at in shown)
        yield _line(head + (said.MEAN_DROP.rjust(last) if self.drops else ""), style=DIM)
        for order, name, row, numbers in zip(self.found.orders, names, cells, self.numbers, strict=True):
            line = _line(name.ljust(lead), style=NAME if order.order == "explanation" else PLAIN)
            line.append("".join(row[at].rjust(width) for at in shown))
            if self.drops:
                line.append(f"{float(order.aopc):+.3f}".rjust(last))
                if line.cell_len + 2 + len(numbers) <= options.max_width and not options.ascii_only:
                    line.append("  ").append(_sparkline(numbers, self.found), DIM)
            yield line


def _shown(count: int, width: int, room: int) -> tuple[Sequence[int], int]:
    """Return which columns are shown and how wide each is: where there is no room for all, the first and then every
    second one.
    """
    for between in (2, 1):
        if count * (width + between) <= room:
            return range(count), width + between
    return [0, *range(1, count, 2)], width + 1


def _line(text: str, *, style: Style) -> Text:
    return Text.assemble((text, style), no_wrap=True, overflow="ignore")


def _sparkline(values: Sequence[float], found: Faithfulness) -> str:
    low, high = said.range_of(found)
    span = high - low or 1.0
    return "".join(_LEVELS[max(0, min(7, int(8 * (each - low) / span)))] if each == each else " " for each in values)
