"""The cells of a map of numbers in the terminal: digits where they fit, signs where not; in colour as well."""

from dataclasses import dataclass
from typing import Final

from rich.style import Style
from rich.text import Text

from ...traces.values import Number
from .digits import short, strengths
from .scale import filling, signs

CELLS: Final = (7, 5, 3)
"""The columns of a cell: with three digits, with two, with signs alone."""


@dataclass(frozen=True, kw_only=True)
class MapCells:
    """How the shares of a map are written: all with as many digits, coloured beside the largest; without ``signs`` none
    is negative.
    """

    size: int
    largest: float
    factor: float
    colors: str | None
    style: Style
    nearly_zero: str
    signs: bool = True

    def text(self, share: Number, width: int) -> Text:
        """Return a share in a cell of so many columns."""
        strength = strengths([share], largest=self.largest)[0]
        if self.size == CELLS[-1]:
            told = signs(strength)[:2] or "·"
        else:
            told = short(float(share) * self.factor, self.size - 1)
            told = told if self.signs else told.removeprefix("+")
        told = self.nearly_zero if told == "·" else told
        return Text(told.rjust(width), self.style + filling(strength, self.colors))
