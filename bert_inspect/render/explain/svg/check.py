"""Whether an explanation is faithful, as SVG: curves of what is left as words are masked, and the numbers."""

import math

from ....analysis.explain.explanation import Faithfulness
from ...font import text_width
from .. import said
from .drawing import ROW, TEXT, Drawing

_LEFT, _CHART_WIDTH, _CHART_HEIGHT, _LEGEND = 44.0, 520.0, 180.0, 180.0
_NARROW = 330.0
_BETWEEN = 36.0
"""The room that a number below the chart needs."""
_STYLES = {"explanation": "own", "occlusion": "other dashed", "random": "other dotted"}


def draw_check(drawing: Drawing, found: Faithfulness) -> None:
    """Draw the verdict, the curves, comprehensiveness and sufficiency."""
    drawing.paragraph(said.verdict(found), "strong")
    drawing.paragraph(said.counted(found), "quiet")
    drawing.y += 8
    title = said.curve_title(found)
    drawing.paragraph(title[:1].upper() + title[1:], "quiet")
    _chart(drawing, found)
    for title, numbers, note in said.benchmarks(found):
        drawing.paragraph(f"{title}: {note}", "quiet")
        _numbers(drawing, found, numbers)
        drawing.y += 10


def chart_svg(found: Faithfulness, *, name: str) -> str:
    """Return the curves alone, narrow enough for a page; ``name`` tells their elements from others of the page."""
    drawing = Drawing(_NARROW)
    drawing.y = 10
    _chart(drawing, found, width=_NARROW - _LEFT - 20)
    return drawing.svg(said.curve_title(found), name=name)


def _chart(drawing: Drawing, found: Faithfulness, *, width: float = _CHART_WIDTH) -> None:
    low, high = said.range_of(found)
    parts = [0.0, *found.masked]
    top, right = drawing.y + 4, _LEFT + width
    beside = right + _LEGEND <= drawing.width

    def at(part: float, value: float) -> tuple[float, float]:
        share = (value - low) / ((high - low) or 1.0)
        return _LEFT + part * width, top + (1 - max(0.0, min(1.0, share))) * _CHART_HEIGHT

    for step in range(5):
        value = low + (high - low) * step / 4
        _, y = at(0, value)
        drawing.line([(_LEFT, y), (right, y)], "grid")
        drawing.text(said.axis_number(value, found), _LEFT - 8, y + 4, "quiet end")
    every = math.ceil(_BETWEEN / (width / max(len(parts), 1)))
    for part in parts[::every]:
        drawing.text(f"{100 * part:.0f} %", at(part, low)[0], top + _CHART_HEIGHT + 18, "quiet mid")
    drawing.y = top + _CHART_HEIGHT + 44
    for place, order in enumerate(found.orders):
        name, drop, style = said.order_name(order), f"mean drop {float(order.aopc):+.3f}", _STYLES[order.order]
        values = [float(found.before), *map(float, order.curve)]
        drawing.told(f"{name}: {drop}")
        points = [at(part, value) for part, value in zip(parts, values, strict=True) if math.isfinite(value)]
        drawing.line(points, style)
        drawing.end()
        x, y = (right + 24, top + 14 + place * 2 * ROW) if beside else (_LEFT, drawing.y)
        drawing.line([(x, y - 4), (x + 30, y - 4)], style)
        drawing.text(name, x + 38, y, "strong" if order.order == "explanation" else "")
        drawing.text(drop, x + 38 if beside else x + 130, y + (16 if beside else 0), "quiet")
        told = ", ".join(said.share_in(value, found) for value in values)
        drawing.words.append(f"{name}: {told}; {drop}")
        drawing.y += 0 if beside else ROW


def _numbers(drawing: Drawing, found: Faithfulness, numbers: list[list[float]]) -> None:
    left = max((text_width(said.order_name(order), TEXT) for order in found.orders), default=0) + 24
    for place, part in enumerate(found.bins):
        drawing.text(f"{100 * part:.0f} %", left + 60 * place + 36, drawing.y, "quiet end")
    drawing.y += ROW
    for order, values in zip(found.orders, numbers, strict=True):
        style = "strong" if order.order == "explanation" else ""
        drawing.text(said.order_name(order), 0, drawing.y, style)
        for place, value in enumerate(values):
            drawing.text(said.share_in(value, found), left + 60 * place + 36, drawing.y, f"{style} end".strip())
        told = ", ".join(said.share_in(value, found) for value in values)
        drawing.words.append(f"{said.order_name(order)}: {told}")
        drawing.y += ROW
