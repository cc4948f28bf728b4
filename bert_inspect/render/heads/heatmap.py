"""A matrix of probabilities as a heatmap in the terminal: numbers where they fit, shades where not, colour besides."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

from ...safetext import safe_text
from ..words import BAD, DIM, PLAIN, plural

_LIGHT, _DARK = (222, 235, 247), (8, 69, 148)
_STYLES = 16
_SHADES = (" ░▒▓█", " .:*#")
_BOUNDS = (0.02, 0.1, 0.25, 0.5)
"""Probabilities at which the next shade begins."""
_LABEL = 14
_NUMBER = 4
_WIDEST = 8


@dataclass(frozen=True, kw_only=True)
class Heatmap:
    """Rows are query tokens, columns key tokens; ``matrix[q][k]`` is in 0 to 1, NaN where nothing is visible."""

    matrix: Sequence[Sequence[float]]
    queries: Sequence[str]
    keys: Sequence[str]
    hidden: Sequence[bool]

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(_LABEL + _NUMBER, options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unicode = options.encoding.startswith("utf")
        room = options.max_width - _LABEL
        longest = min(_WIDEST, max(map(cell_len, map(safe_text, self.keys)), default=0) + 1)
        numbers = len(self.keys) * _NUMBER <= room
        flat = numbers and len(self.keys) * max(longest, _NUMBER) <= room
        cell = max(longest, _NUMBER) if flat else _NUMBER if numbers else 1
        shown = min(len(self.keys), max(1, room // cell))
        lines = [
            *(self._flat_header(shown, cell) if flat else self._upright_header(shown, cell)),
            *(self._row(row, shown, cell, _SHADES[not unicode]) for row in range(len(self.queries))),
        ]
        if shown < len(self.keys):
            rest = f"... {plural(len(self.keys) - shown, 'more key')} to the right"
            lines.append([Segment(set_cell_size(rest, min(len(rest), options.max_width)), DIM)])
        for line in lines:
            yield from line
            yield Segment.line()

    def _flat_header(self, shown: int, cell: int) -> Iterator[list[Segment]]:
        cells = [Segment(_right(key, cell), self._token_style(place)) for place, key in enumerate(self.keys[:shown])]
        yield [Segment(" " * _LABEL), *cells]

    def _upright_header(self, shown: int, cell: int) -> Iterator[list[Segment]]:
        """Write the key tokens from top to bottom, so that each stands above its own narrow column."""
        keys = [list(set_cell_size(safe_text(key), _WIDEST).rstrip()) for key in self.keys[:shown]]
        for line in range(max(map(len, keys), default=0)):
            above = [key[line] if line < len(key) else " " for key in keys]
            cells = [
                Segment(" " * (cell - max(1, cell_len(sign))) + sign, self._token_style(place))
                for place, sign in enumerate(above)
            ]
            yield [Segment(" " * _LABEL), *cells]

    def _row(self, row: int, shown: int, cell: int, shades: str) -> list[Segment]:
        label = Segment(_right(self.queries[row], _LABEL - 1) + " ", self._token_style(row))
        numbers = self.matrix[row][:shown]
        if any(map(math.isnan, numbers)):
            return [label, Segment("nothing is visible to it", BAD)]
        return [label, *(Segment(*_cell(number, cell, shades)) for number in numbers)]

    def _token_style(self, place: int) -> Style:
        return DIM if self.hidden[place] else PLAIN


def _cell(number: float, width: int, shades: str) -> tuple[str, Style]:
    style = _styles[min(_STYLES - 1, int(number * _STYLES))] if number >= 0.005 else DIM
    if width == 1:
        return shades[sum(number >= bound for bound in _BOUNDS)], style
    text = f"{number:.0%}".removesuffix("%") if number >= 0.005 else "·" if shades == _SHADES[0] else "."
    return text.rjust(width - 1) + " ", style


def _style(share: float) -> Style:
    red, green, blue = (round(low + (high - low) * share) for low, high in zip(_LIGHT, _DARK, strict=True))
    text = Color.from_rgb(255, 255, 255) if share > 0.45 else Color.from_rgb(0, 0, 0)
    return Style(color=text, bgcolor=Color.from_rgb(red, green, blue))


_styles = [_style(step / (_STYLES - 1)) for step in range(_STYLES)]


def _right(text: str, width: int) -> str:
    safe = safe_text(text)
    if cell_len(safe) > width - 1:
        safe = set_cell_size(safe, width - 1)
    return " " * (width - 1 - cell_len(safe)) + safe + " "
