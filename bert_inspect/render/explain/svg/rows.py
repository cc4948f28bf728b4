"""The rows of a sum as SVG: each with its number and a bar to one side of zero."""

import math
from collections.abc import Sequence

from ...font import shortened, text_width
from ..digits import signed
from ..sum_rows import KINDS, Block
from .drawing import ROW, TEXT, Drawing

_BAR = 11.0
_NAME = 210.0
"""The most room for a name."""


def draw_rows(
    drawing: Drawing, blocks: Sequence[Block], digits: int, *, split: bool = False, widest: float = _NAME
) -> None:
    """Draw rows in blocks, each under its title; a name has as much room as the ``widest`` at most."""
    rows = [row for block in blocks for row in block.rows]
    left = 30.0 if any(row.place is not None for row in rows) else 0.0
    name = min(widest, max((text_width(row.name, TEXT) for row in rows), default=0))
    number = max((text_width(signed(row.share, digits), TEXT) for row in rows), default=0)
    kinds = [
        kind for kind in range(len(KINDS)) if split and any(row.kinds and row.kinds[kind] is not None for row in rows)
    ]
    column = max(number, text_width("position", TEXT)) + 14
    begins = left + name + 14
    numbers = begins + len(kinds) * column + number
    zero, unit = scale([row.share for row in rows if not row.others], numbers + 16, drawing.width)
    drawing.y += 4
    if kinds:
        for place, kind in enumerate(kinds):
            drawing.text(KINDS[kind], begins + place * column + number, drawing.y, "quiet end")
        drawing.text("share", numbers, drawing.y, "quiet end")
        drawing.y += ROW
    for block in blocks:
        if block.title:
            drawing.text(shortened(block.title, TEXT, drawing.width), 0, drawing.y, "quiet")
            drawing.y += ROW
        top = drawing.y - 13
        for row in block.rows:
            text = signed(row.share, digits)
            drawing.words.append(f"{row.name} {text}")
            quiet = "quiet" if row.others or row.special else ""
            if row.place is not None:
                drawing.text(str(row.place), left - 10, drawing.y, "quiet end")
            drawing.text(shortened(row.name, TEXT, name), left, drawing.y, quiet)
            for place, kind in enumerate(kinds):
                share = row.kinds[kind] if row.kinds else None
                if share is not None:
                    drawing.text(signed(share, digits), begins + place * column + number, drawing.y, "quiet end")
            drawing.text(text, numbers, drawing.y, f"{quiet} end".strip())
            if not row.others:
                draw_bar(drawing, row.share, zero, unit, what=f"{row.name} {text}")
            drawing.y += ROW
        drawing.line([(zero, top), (zero, drawing.y - 13)], "zero")


def draw_bar(drawing: Drawing, share: float, zero: float, unit: float, *, what: str) -> None:
    """Draw a bar from zero to a share, where the current row is."""
    if not math.isfinite(share) or share == 0:
        return
    length = max(0.6, abs(share) * unit)
    drawing.told(what)
    style, x = ("for", zero) if share > 0 else ("against", zero - length)
    drawing.box(x, drawing.y - _BAR + 1.5, length, _BAR, style=style)
    drawing.end()


def scale(shares: Sequence[float], left: float, right: float) -> tuple[float, float]:
    """Return where zero stands between two edges, and how much room a share of 1 takes."""
    known = [share for share in shares if math.isfinite(share)]
    least, most = min([0.0, *known]), max([0.0, *known])
    unit = (right - left) / ((most - least) or 1.0)
    return left - least * unit, unit
