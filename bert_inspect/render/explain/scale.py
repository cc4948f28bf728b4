"""The colours of shares in the terminal: blue for, orange against; as far as the terminal has colours, else signs.

The two hues are told apart by everyone who confuses red and green, and every text on them is legible.
"""

from functools import cache

from rich.color import Color
from rich.style import Style

from ..heads.heatmap import legible_on
from ..words import DIM, PLAIN

FOR, AGAINST = (47, 129, 247), (219, 100, 10)
_WEAK_FOR, _WEAK_AGAINST = (76, 102, 140), (138, 101, 66)
_PALETTE_FOR, _PALETTE_AGAINST = (67, 68, 33), (94, 130, 166)
"""The same ways in the palette of 256 colours."""
_STEPS = 12
PALE = 0.06
"""A share that is so small beside the largest has no colour."""
_STRONG, _MIDDLE = 0.5, 0.2
_SIXTEEN_FOR = (
    (_STRONG, Style(color="bright_white", bgcolor="blue", bold=True)),
    (_MIDDLE, Style(color="black", bgcolor="cyan")),
    (PALE, Style(underline=True, color="cyan")),
)
_SIXTEEN_AGAINST = (
    (_STRONG, Style(color="bright_white", bgcolor="red", bold=True)),
    (_MIDDLE, Style(color="black", bgcolor="yellow")),
    (PALE, Style(underline=True, color="red")),
)


def filling(strength: float, colors: str | None) -> Style:
    """Return the style of a text on the background of its share, from -1 to 1 of the largest."""
    size = abs(strength)
    if colors is None or size < PALE:
        return PLAIN
    if colors in ("truecolor", "256"):
        return _fillings(colors, strength > 0)[_step(size)]
    return next(style for bound, style in (_SIXTEEN_FOR if strength > 0 else _SIXTEEN_AGAINST) if size >= bound)


def ink(strength: float, colors: str | None) -> Style:
    """Return the style of a bar on the terminal's own background."""
    if colors is None or strength == 0:
        return PLAIN
    if colors == "truecolor":
        return Style(color=Color.from_rgb(*(FOR if strength > 0 else AGAINST)))
    if colors == "256":
        return Style(color=Color.from_ansi((_PALETTE_FOR if strength > 0 else _PALETTE_AGAINST)[-1]))
    return Style(color="cyan" if strength > 0 else "red")


def signs(strength: float) -> str:
    """Return a share as one to three signs, nothing where it is small: what stands for colour where there is none."""
    size = abs(strength)
    count = (size >= _MIDDLE / 2) + (size >= 0.35) + (size >= 0.7)
    return ("+" if strength > 0 else "-") * count


def quiet_where_zero(share: float) -> Style:
    """Return the style of a number: greyed where it is exactly 0."""
    return DIM if share == 0 else PLAIN


def _step(size: float) -> int:
    return min(_STEPS - 1, int((size - PALE) / (1 - PALE) * _STEPS))


@cache
def _fillings(colors: str, positive: bool) -> list[Style]:
    if colors == "256":
        palette = _PALETTE_FOR if positive else _PALETTE_AGAINST
        backgrounds = [Color.from_ansi(palette[step * len(palette) // _STEPS]) for step in range(_STEPS)]
    else:
        weak, strong = (_WEAK_FOR, FOR) if positive else (_WEAK_AGAINST, AGAINST)
        shares = [step / (_STEPS - 1) for step in range(_STEPS)]
        backgrounds = [
            Color.from_rgb(*(low + (high - low) * share for low, high in zip(weak, strong, strict=True)))
            for share in shares
        ]
    return [Style(color=legible_on(background, colors), bgcolor=background) for background in backgrounds]
