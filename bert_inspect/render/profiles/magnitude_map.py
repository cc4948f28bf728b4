"""Hidden states by dimensions in the terminal: how large each dimension is beside the others of its hidden state."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderableType
from rich.style import Style
from rich.text import Text

from ...profiles.findings.outliers import TIMES
from ..explain.scale import ink
from ..words import DIM, LAYER, PLAIN, plural

Floats = NDArray[np.float64]

BOUNDS = (2.0, 3.0, 4.5, TIMES)
"""So many times the median of its hidden state a dimension is from each shade on."""
_SHADES = (" ░▒▓█", " .:*#")
_LABEL = 8
_WIDEST = 160
_TICK = 16


@dataclass(frozen=True, kw_only=True)
class MagnitudeMap:
    """The root mean square of each dimension of each hidden state (dimensions,), by its number, as a Rich renderable: a
    row a hidden state, each cell the largest of as many dimensions as have to share it.
    """

    states: Mapping[int, Floats]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        size = max(map(len, self.states.values()), default=0)
        room = min(options.max_width - _LABEL, _WIDEST)
        if not size or room < 1:
            return
        each = -(-size // room)
        shades = _SHADES[options.ascii_only]
        yield _line("hidden state", "", PLAIN) if size < _LABEL else _ruler(size, each)
        for number, sizes in self.states.items():
            line = Text(f"{number:>{_LABEL - 2}}  ", LAYER, no_wrap=True, overflow="ignore")
            for times in pooled(beside_median(sizes), each):
                level = int(np.searchsorted(BOUNDS, times, side="right"))
                strength = -1.0 if level == len(BOUNDS) else level / len(BOUNDS)
                line.append(shades[level], ink(strength, console.color_system) if level else PLAIN)
            yield line
        yield Text(_legend(shades, each), style=DIM)


def beside_median(sizes: Floats) -> Floats:
    """Return sizes as multiples of their median; 0 where they are not finite, or the median is 0."""
    known = sizes[np.isfinite(sizes)]
    median = float(np.median(known)) if known.size else 0.0
    if not median:
        return np.zeros_like(sizes)
    return np.nan_to_num(sizes / median, nan=0.0, posinf=0.0)


def pooled(numbers: Floats, each: int) -> list[float]:
    """Return the largest of each run of ``each`` numbers."""
    starts = np.arange(0, len(numbers), each)
    found: list[float] = np.maximum.reduceat(numbers, starts).tolist()
    return found


def _legend(shades: Sequence[str], each: int) -> str:
    told = "  ".join(f"{shade} {bound:g} x" for shade, bound in zip(shades[1:], BOUNDS, strict=True))
    cell = "one dimension" if each == 1 else f"the largest of {plural(each, 'dimension')}"
    return f"rows: hidden states; each cell: {cell}\ntheir root mean square beside the median of the row: from {told}"


def _ruler(size: int, each: int) -> Text:
    cells = -(-size // each)
    marks = [" "] * cells
    for cell in range(0, cells, _TICK):
        name = str(cell * each)
        if cell + len(name) <= cells:
            marks[cell : cell + len(name)] = name
    return _line("", "".join(marks), DIM)


def _line(label: str, text: str, style: Style) -> Text:
    return Text.assemble((f"{label:<{_LABEL}}", DIM), (text, style), no_wrap=True, overflow="ignore")
