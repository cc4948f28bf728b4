"""Bars to both sides of zero, in the terminal: as long as a share is beside the others, to the half of a column."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from ...traces.values import Number
from ..words import DIM
from .scale import ink

_WIDEST = 48
_LEAST = 8
"""With fewer columns there are no bars."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Where zero stands and how many columns a share of 1 takes: one scale for both sides.

    Attributes:
        left: columns to the left of the line.
        right: columns to its right.
        unit: columns of a share of 1.
    """

    left: int
    right: int
    unit: float

    @property
    def width(self) -> int:
        """All its columns, the line among them."""
        return self.left + 1 + self.right


def axis(shares: Iterable[Number], room: int) -> Axis | None:
    """Return the scale on which the bars of shares fit into so many columns, None where there are too few."""
    known = [float(share) for share in shares if math.isfinite(float(share))]
    columns = min(_WIDEST, room - 1)
    if columns < _LEAST or not known:
        return None
    least, most = min(0.0, *known), max(0.0, *known)
    span = (most - least) or 1.0
    left = math.ceil(columns * -least / span) if least < 0 else 0
    right = math.ceil(columns * most / span) if most > 0 else 0
    sides = [side / size for side, size in ((left, -least), (right, most)) if size > 0]
    if left + right > columns:  # both were rounded up
        left, right = (left - 1, right) if left > right else (left, right - 1)
        sides = [side / size for side, size in ((left, -least), (right, most)) if size > 0]
    return Axis(left=left, right=right, unit=min(sides, default=1.0))


def bar(share: float, on: Axis, *, ascii_only: bool, colors: str | None) -> Text:
    """Return a bar as wide as its axis: to the right of the line a share for, to its left one against."""
    halves = round(abs(share) * on.unit * 2) if math.isfinite(share) else 0
    whole, rest = divmod(halves, 2)
    left = right = ""
    if ascii_only:
        left, right = ("", "#" * (whole + rest)) if share > 0 else ("#" * (whole + rest), "")
    elif share > 0:
        right = "█" * whole + "▌" * rest or "▏"
    elif share < 0:
        left = "▐" * rest + "█" * whole or "▕"
    style = ink(share, colors) if math.isfinite(share) else Style()
    text = Text(no_wrap=True)
    text.append(left[-on.left :].rjust(on.left) if on.left else "", style)
    text.append("|" if ascii_only else "│", DIM)
    text.append(right[: on.right].ljust(on.right), style)
    return text
