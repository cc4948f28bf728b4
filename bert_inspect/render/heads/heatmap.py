"""A matrix of probabilities as a heatmap in the terminal: numbers where they fit, shades where not, and in colour as
much of it as the terminal has.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from rich.cells import cell_len, set_cell_size
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

from ...safetext import safe_text
from ..words import BAD, DIM, PLAIN, plural

# From slate to the blue of the project's pictures. Both are of middling lightness: they stand out from a black screen
# and from a white one, and the strong one more, for it is more saturated.
_WEAK, _STRONG = (84, 100, 122), (47, 129, 247)
_BLUES = (243, 67, 68, 33)
"""The same way in the palette of 256 colours."""
_STEPS = 16
_FILLED = 0.1
"""Up to this probability a cell has no background."""
_SHADES = (" ░▒▓█", " .:*#")
_BOUNDS = (0.02, 0.1, 0.25, 0.5)
"""Probabilities at which the next shade begins."""
_LEAST = 0.005
_LABEL = 14
_NUMBER = 4
_WIDEST = 8

_SIXTEEN = (
    (0.5, Style(color="bright_white", bgcolor="blue", bold=True)),
    (0.25, Style(color="black", bgcolor="cyan")),
    (_FILLED, Style(bold=True)),
)
"""With sixteen colours, which each terminal sets to its own: pairs that are far apart in every scheme."""


@dataclass(frozen=True, kw_only=True)
class Heatmap:
    """Rows are query tokens, columns key tokens; ``matrix[q][k]`` is in 0 to 1, NaN where nothing is visible.

    ``hidden`` says of each token whether it is padding, which is left out unless ``padding``.
    """

    matrix: Sequence[Sequence[float]]
    queries: Sequence[str]
    keys: Sequence[str]
    hidden: Sequence[bool]
    padding: bool = False

    @property
    def left_out(self) -> int:
        """How many tokens are not shown because they are padding."""
        return 0 if self.padding else sum(self.hidden)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(_LABEL + _NUMBER, options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        picture = _Picture(self, options, console.color_system)
        for line in picture.lines():
            yield from line
            yield Segment.line()


class _Picture:
    """A heatmap at one width, in the colours of one terminal."""

    def __init__(self, of: Heatmap, options: ConsoleOptions, colors: str | None) -> None:
        self._map = of
        self._places = [place for place, hidden in enumerate(of.hidden) if of.padding or not hidden]
        self._most = options.max_width
        self._shades = _SHADES[not options.encoding.startswith("utf")]
        self._colors = colors
        room = self._most - _LABEL
        keys = [of.keys[place] for place in self._places]
        longest = min(_WIDEST, max(map(cell_len, map(safe_text, keys)), default=0) + 1)
        numbers = len(keys) * _NUMBER <= room
        self._flat = numbers and len(keys) * max(longest, _NUMBER) <= room
        self._cell = max(longest, _NUMBER) if self._flat else _NUMBER if numbers else 1
        self._shown = self._places[: max(1, room // self._cell)]

    def lines(self) -> Iterator[list[Segment]]:
        yield from self._flat_header() if self._flat else self._upright_header()
        yield from map(self._row, self._places)
        if more := len(self._places) - len(self._shown):
            yield [self._remark(f"... {plural(more, 'more key')} to the right")]
        if self._map.left_out:
            yield [self._remark(f"{plural(self._map.left_out, 'padding token')} hidden")]

    def _remark(self, text: str) -> Segment:
        return Segment(set_cell_size(text, min(len(text), self._most)), DIM)

    def _flat_header(self) -> Iterator[list[Segment]]:
        cells = [Segment(_right(self._map.keys[place], self._cell), self._token_style(place)) for place in self._shown]
        yield [Segment(" " * _LABEL), *cells]

    def _upright_header(self) -> Iterator[list[Segment]]:
        """Write the key tokens from top to bottom, so that each stands above its own narrow column."""
        keys = [list(set_cell_size(safe_text(self._map.keys[place]), _WIDEST).rstrip()) for place in self._shown]
        for line in range(max(map(len, keys), default=0)):
            above = [key[line] if line < len(key) else " " for key in keys]
            cells = [
                Segment(" " * (self._cell - max(1, cell_len(sign))) + sign, self._token_style(place))
                for place, sign in zip(self._shown, above, strict=True)
            ]
            yield [Segment(" " * _LABEL), *cells]

    def _row(self, row: int) -> list[Segment]:
        label = Segment(_right(self._map.queries[row], _LABEL - 1) + " ", self._token_style(row))
        numbers = [self._map.matrix[row][place] for place in self._shown]
        if any(map(math.isnan, numbers)):
            return [label, Segment("nothing is visible to it", BAD)]
        return [label, *map(self._number, numbers)]

    def _number(self, number: float) -> Segment:
        if self._cell == 1:
            return Segment(self._shades[sum(number >= bound for bound in _BOUNDS)], _ink(number, self._colors))
        text = f"{number:.0%}".removesuffix("%") if number >= _LEAST else "·" if self._shades == _SHADES[0] else "."
        return Segment(text.rjust(self._cell - 1) + " ", DIM if number < _LEAST else filling(number, self._colors))

    def _token_style(self, place: int) -> Style:
        return DIM if self._map.hidden[place] else PLAIN


def filling(number: float, colors: str | None) -> Style:
    """Return the style of a number on its background, as far as the terminal has colours."""
    if colors in ("truecolor", "256"):
        return PLAIN if number < _FILLED else _fillings(colors)[_step(number)]
    if colors is None:
        return PLAIN
    return next((style for bound, style in _SIXTEEN if number >= bound), PLAIN)


def _ink(number: float, colors: str | None) -> Style:
    """Return the style of a shade, which is a foreground on the terminal's own background."""
    if colors in ("truecolor", "256") and number >= _BOUNDS[0]:
        return Style(color=_fillings(colors)[_step(number)].bgcolor)
    return PLAIN


def _step(number: float) -> int:
    share = math.sqrt(max(0.0, number - _FILLED) / (1 - _FILLED))  # 20 % is still to be told from 10 %
    return min(_STEPS - 1, int(share * _STEPS))


@cache
def _fillings(colors: str) -> list[Style]:
    if colors == "256":
        backgrounds = [Color.from_ansi(_BLUES[step * len(_BLUES) // _STEPS]) for step in range(_STEPS)]
    else:
        shares = [step / (_STEPS - 1) for step in range(_STEPS)]
        backgrounds = [
            Color.from_rgb(*(low + (high - low) * share for low, high in zip(_WEAK, _STRONG, strict=True)))
            for share in shares
        ]
    return [Style(color=legible_on(background, colors), bgcolor=background) for background in backgrounds]


def legible_on(background: Color, colors: str) -> Color:
    """Return black or white, whichever is further from a background: the contrast is 4.5 at least (WCAG 2.2)."""
    luminance = _luminance(background)
    black = (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05)
    if colors == "256":
        return Color.from_ansi(16 if black else 231)
    return Color.from_rgb(0, 0, 0) if black else Color.from_rgb(255, 255, 255)


def _luminance(color: Color) -> float:
    """Return the relative luminance as WCAG 2.2 defines it."""
    parts = [part / 255 for part in color.get_truecolor()]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _right(text: str, width: int) -> str:
    safe = safe_text(text)
    if cell_len(safe) > width - 1:
        safe = set_cell_size(safe, width - 1)
    return " " * (width - 1 - cell_len(safe)) + safe + " "
