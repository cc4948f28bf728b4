"""Mean effects in the terminal, a row each: the mean, its interval, a bar, how many answers flip."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ...analysis.effects.record import Effects, Mean
from ..explain.bars import axis, bar
from ..explain.digits import decimals, signed
from ..outcome.meaning import means_something
from ..words import DIM, PLAIN
from . import said

_BETWEEN = "  "


@dataclass(frozen=True, kw_only=True)
class MeanRows:
    """Mean effects as a Rich renderable."""

    found: Effects
    means: Sequence[Mean]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        means, meant = self.means, means_something(self.found.model)
        digits = decimals(mean.effect for mean in means)
        names = ["", *(said.part_name(self.found.each, mean) for mean in means)]
        numbers = ["mean effect", *(signed(mean.effect, digits) for mean in means)]
        intervals = [_interval(mean, digits) for mean in means]
        intervals = ["95 % interval" if any(intervals) else "", *intervals]
        flips = ["flips", *(f"{mean.flips:,} of {mean.sentences:,}" for mean in means)]
        name, number, interval, flip = (max(map(len, column)) for column in (names, numbers, intervals, flips))
        taken = name + number + flip + 3 * len(_BETWEEN) + (interval + len(_BETWEEN) if interval else 0)
        on = axis([mean.effect for mean in means], options.max_width - taken)
        colors = console.color_system if meant else None
        for at in range(len(means) + 1):
            style = PLAIN if at and meant else DIM
            line = Text.assemble((names[at].ljust(name) + _BETWEEN, style), (numbers[at].rjust(number), style))
            line.no_wrap, line.overflow = True, "ignore"
            if interval:
                line.append(_BETWEEN + intervals[at].rjust(interval), DIM)
            if on:
                drawn = Text(" " * on.width)
                if at:
                    drawn = bar(float(means[at - 1].effect), on, ascii_only=options.ascii_only, colors=colors)
                line.append(_BETWEEN).append_text(drawn)
            line.append(_BETWEEN + flips[at].rjust(flip), style)
            yield line


def _interval(mean: Mean, digits: int) -> str:
    """Return from where to where a mean lies, empty where there is one sentence only."""
    if mean.low is None or mean.high is None:
        return ""
    return f"{signed(mean.low, digits)} to {signed(mean.high, digits)}"
