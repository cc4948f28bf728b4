"""A dataflow as SVG: self-contained, legible on light and on dark, with its title and its content in words."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from html import escape
from math import inf

from ...dataflow import Dataflow, Node
from ...layout import Box, Drawing, Measures, TooLarge, Wire, arrange
from ...layout.plan import Point
from ...safetext import safe_document, safe_text
from .bodies import LINE, RADIUS, TITLE, TYPE, Looks
from .font import text_width
from .style import STYLE
from .words import description, family, label_of, legend, sign_of, times, type_of

__all__ = ["TooLarge", "svg"]

_CORNER = 7.0
_MARGIN = 24.0
_HEAD = 6.5
_LEAST = 440.0
"""The least width, for the legend's sake."""


def svg(flow: Dataflow, *, upwards: bool = True, caption: str = "") -> str:
    """Return the picture; ``caption`` stands below it and says of which run it is.

    Raises:
        TooLarge: there is more in it than can be laid out in seconds.
    """
    looks = Looks(flow)
    drawing = arrange(flow, Measures(looks.body, looks.title), upwards=upwards)
    width = max(drawing.width, _LEAST)
    below, height = _below(flow, caption, width=width)
    left, whole, high = (width - drawing.width) / 2, width + 2 * _MARGIN, drawing.height + height + 2 * _MARGIN
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" class="dataflow" role="img" aria-labelledby="flow-title flow-text"'
        f' width="{whole:.0f}" height="{high:.0f}" viewBox="0 0 {whole:.0f} {high:.0f}">',
        f'<title id="flow-title">{escape(safe_text(f"Dataflow of {flow.title}"))}</title>',
        f'<desc id="flow-text">{escape(description(flow))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{whole:.0f}" height="{high:.0f}" rx="10"/>',
        f'<g transform="translate({_n(_MARGIN + left)} {_n(_MARGIN)})">',
        *(part for box in drawing.boxes if box.node.children for part in _frame(box)),
        *_wires(drawing),
        *(part for box in drawing.boxes for part in (_title(box) if box.node.children else _leaf(box, looks))),
        "</g>",
        f'<g transform="translate({_n(_MARGIN)} {_n(_MARGIN + drawing.height)})">',
        *below,
        "</g>",
        "</svg>",
        "",
    ]
    return safe_document("\n".join(lines))


def _step(node: Node) -> str:
    """Return the attribute that names the step which a node stands for, nothing where it stands for none."""
    number = node.id.removeprefix("s")
    return f' data-step="{number}"' if number != node.id and number.isdecimal() else ""


def _frame(box: Box) -> Iterator[str]:
    size = f'width="{_n(box.width)}" height="{_n(box.height)}" rx="12"'
    if box.node.links:  # several layers: cards behind the first
        for step in (8, 4):
            yield f'<rect class="card" x="{_n(box.x + step)}" y="{_n(box.y - step)}" {size}/>'
        yield f'<rect class="card" x="{_n(box.x)}" y="{_n(box.y)}" {size}/>'
    yield f'<rect{_step(box.node)} class="frame" x="{_n(box.x)}" y="{_n(box.y)}" {size}/>'


def _title(box: Box) -> Iterator[str]:
    if box.title is None:
        return
    x, y = box.title
    label, type_, many = label_of(box.node), type_of(box.node), times(box.node)
    yield _text(label, x, y + LINE, "title")
    yield _text(type_, x, y + 2 * LINE, "type quiet")
    if many:
        at, wide = x + text_width(label, TITLE) + 8, text_width(many, TYPE) + 12
        yield f'<rect class="badge" x="{_n(at)}" y="{_n(y + 3)}" width="{_n(wide)}" height="16" rx="8"/>'
        yield _text(many, at + wide / 2, y + LINE, "type strong mid times")


def _leaf(box: Box, looks: Looks) -> Iterator[str]:
    look = looks.look(box.node)
    node = box.node
    told = escape(safe_text(f"{node.path}: {node.type}({node.arguments})" if node.type else node.label))
    middle = box.y + box.height / 2
    yield f"<g{_step(node)}><title>{told}</title>"
    if look.body.round:
        yield f'<circle class="shape op" cx="{_n(box.axis)}" cy="{_n(middle)}" r="{_n(RADIUS)}"/>'
        yield _text(sign_of(node), box.axis, middle + 5, "sign mid")
    else:
        round_ = min(box.height / 2, 22) if node.kind in ("input", "output", "parameter") else 7
        size = f'width="{_n(box.width)}" height="{_n(box.height)}" rx="{_n(round_)}"'
        yield f'<rect class="shape {family(node)}" x="{_n(box.x)}" y="{_n(box.y)}" {size}/>'
        top = middle - LINE * len(look.inside) / 2
        for number, (text, style) in enumerate(look.inside):
            yield _text(text, box.x + box.width / 2, top + LINE * number + 11.5, f"{style} mid")
    for number, (text, style) in enumerate(look.beside):
        if box.note is not None:
            quiet = "" if "strong" in style else " quiet"
            yield _text(text, box.note[0], box.note[1] + LINE * number + 13, style + quiet)
    yield "</g>"


def _wires(drawing: Drawing) -> Iterator[str]:
    heads = []
    for wire in drawing.wires:
        points = list(wire.points)
        if wire.target is not None:
            heads.append(_head(points[-2], points[-1]))
            points[-1] = _before(points[-2], points[-1], _HEAD - 1)
        yield f'<path class="wire" d="{_rounded(points)}"/>'
    yield f'<path class="head" d="{"".join(heads)}"/>'
    for x, y in _branches(drawing.wires):
        yield f'<circle class="head" cx="{_n(x)}" cy="{_n(y)}" r="2.6"/>'


def _rounded(points: Sequence[Point]) -> str:
    """Return a path along the points with its corners rounded."""
    path = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        reach = min(_CORNER, _length(before, corner) / 2, _length(corner, after) / 2)
        start, end = _before(before, corner, reach), _before(after, corner, reach)
        path.append(f"L{_n(start[0])} {_n(start[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(end[0])} {_n(end[1])}")
    path.append(f"L{_n(points[-1][0])} {_n(points[-1][1])}")
    return "".join(path)


def _head(from_: Point, tip: Point) -> str:
    """Return the path of an arrow's head."""
    x, y = _before(from_, tip, _HEAD + 1)
    across = (4.0, 0.0) if abs(x - tip[0]) < abs(y - tip[1]) else (0.0, 4.0)
    corners = (tip, (x + across[0], y + across[1]), (x - across[0], y - across[1]))
    return "M" + "L".join(f"{_n(cx)} {_n(cy)}" for cx, cy in corners) + "Z"


def _branches(wires: Sequence[Wire]) -> Iterator[Point]:
    """Yield the points at which a tensor's way parts: there are three directions to go from."""
    by_net: dict[int, list[Wire]] = {}
    for wire in wires:
        by_net.setdefault(id(wire.net), []).append(wire)
    for group in by_net.values():
        lines = _lines(group)
        for point in dict.fromkeys(point for wire in group for point in wire.points):
            if sum(_leads(lines, point, axis, way) for axis in (0, 1) for way in (1, -1)) > 2:
                yield point


_Lines = dict[tuple[int, int], list[tuple[float, float]]]
"""The straight pieces of a tensor's way: by the axis along which they run and where across it, from where to where."""


def _lines(wires: Sequence[Wire]) -> _Lines:
    """Return the pieces of wires, those that touch as one, in order."""
    pieces: _Lines = {}
    for wire in wires:
        for start, end in zip(wire.points, wire.points[1:], strict=False):
            axis = 0 if abs(start[1] - end[1]) < 0.5 else 1
            low, high = sorted((start[axis], end[axis]))
            pieces.setdefault((axis, round(start[1 - axis])), []).append((low, high))
    lines: _Lines = {}
    for key, parts in pieces.items():
        found = lines.setdefault(key, [])
        for low, high in sorted(parts):
            if found and low <= found[-1][1] + 0.5:
                found[-1] = found[-1][0], max(found[-1][1], high)
            else:
                found.append((low, high))
    return lines


def _leads(lines: _Lines, point: Point, axis: int, way: int) -> bool:
    """Whether a piece leads away from a point along an axis, upwards of it (1) or downwards."""
    at, across = point[axis], round(point[1 - axis])
    for beside in (across - 1, across, across + 1):
        found = lines.get((axis, beside), [])
        place = bisect_right(found, (at + 0.5, inf)) - 1
        for low, high in found[max(0, place - 1) : place + 1]:
            if low - 0.5 <= at < high - 0.5 if way > 0 else low + 0.5 < at <= high + 0.5:
                return True
    return False


def _below(flow: Dataflow, caption: str, *, width: float) -> tuple[list[str], float]:
    """Return the legend and the caption, and how high they are."""
    parts: list[str] = []
    x, y = 0.0, 34.0
    for sign, ops in legend(flow.walk()):
        wide = 2 * RADIUS + 6 + text_width(ops, TYPE) + 18
        if x and x + wide > width:
            x, y = 0.0, y + 2 * RADIUS + 6
        parts.append(f'<circle class="shape op" cx="{_n(x + 10)}" cy="{_n(y)}" r="10"/>')
        parts.append(_text(sign, x + 10, y + 4, "type mid"))
        parts.append(_text(ops, x + 26, y + 4, "type quiet"))
        x += wide
    if parts:
        y += 12
    if caption:
        y += LINE + 4 if parts else 0
        parts.append(_text(caption, 0, y, "type quiet"))
    return parts, y + 4 if parts else 0.0


def _text(text: str, x: float, y: float, style: str) -> str:
    return f'<text class="{style}" x="{_n(x)}" y="{_n(y)}">{escape(text)}</text>'


def _before(from_: Point, to: Point, by: float) -> Point:
    """Return the point that lies so much before the end of a straight line."""
    length = _length(from_, to) or 1.0
    return to[0] + (from_[0] - to[0]) * by / length, to[1] + (from_[1] - to[1]) * by / length


def _length(a: Point, b: Point) -> float:
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
