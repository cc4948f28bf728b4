"""A dataflow as SVG: self-contained, legible on light and on dark, with its title and its content in words."""

from collections.abc import Iterator, Set
from html import escape

from ...dataflow import Dataflow
from ...layout import Drawing, Measures, TooLarge, arrange
from ...safetext import safe_document, safe_text
from ..font import wrapped
from .bodies import LINE, TYPE, Looks
from .parts import GAP, Part, parts_of
from .shapes import frame, leaf, title, written
from .style import STYLE
from .wires import number as n
from .wires import wires
from .words import description

__all__ = ["TooLarge", "svg"]

_MARGIN = 24.0
_LEAST = 320.0
"""The least width, for the caption's sake."""


def svg(
    flow: Dataflow,
    *,
    upwards: bool = True,
    caption: str = "",
    name: str = "flow",
    marked: Set[int] = frozenset(),
) -> str:
    """Return the picture.

    Args:
        flow: the dataflow.
        upwards: what comes in stands at the bottom.
        caption: stands below, and says of which run it is.
        name: begins the ids in the picture; on a page that shows several each needs its own.
        marked: ids of steps that have a strong border, if they have a node of their own.

    Raises:
        TooLarge: there is more in it than can be laid out in seconds.
    """
    parts = parts_of(flow, lambda each: _arranged(each, upwards=upwards))
    heading = 2 * LINE if len(parts) > 1 else 0.0
    inside = sum(part.drawing.width + GAP for part in parts) - GAP
    width, height = max(inside, _LEAST), heading + max(part.drawing.height for part in parts)
    said = list(wrapped(caption, TYPE, width))
    below = LINE * len(said) + 14 if said else 0.0
    whole, high = width + 2 * _MARGIN, height + below + 2 * _MARGIN
    size = f'width="{whole:.0f}" height="{high:.0f}"'
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" class="dataflow" role="img" '
        f'aria-labelledby="{name}-title {name}-text" {size} viewBox="0 0 {whole:.0f} {high:.0f}">',
        f'<title id="{name}-title">{escape(safe_text(f"Dataflow of {flow.title}"))}</title>',
        f'<desc id="{name}-text">{escape(description(flow))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="page" {size} rx="10"/>',
    ]
    left = _MARGIN + (width - inside) / 2
    for number, part in enumerate(parts, 1):
        if heading:
            lines.append(written(f"Part {number}", left, _MARGIN + LINE, "part"))
        lines += [f'<g transform="translate({n(left)} {n(_MARGIN + heading)})">', *_drawn(part, marked), "</g>"]
        left += part.drawing.width + GAP
    lines.append(f'<g transform="translate({n(_MARGIN)} {n(_MARGIN + height + 14)})">')
    lines += [written(line, 0, LINE * (place + 1) - 4, "type quiet") for place, line in enumerate(said)]
    return safe_document("\n".join([*lines, "</g>", "</svg>", ""]))


def _arranged(flow: Dataflow, *, upwards: bool) -> Drawing:
    looks = Looks(flow)
    return arrange(flow, Measures(looks.body, looks.title), upwards=upwards)


def _drawn(part: Part, marked: Set[int]) -> Iterator[str]:
    """Yield the elements of a part: frames, wires, then what must not be covered."""
    looks, boxes = Looks(part.flow), part.drawing.boxes
    for box in boxes:
        if box.node.children:
            yield from frame(box, marked)
    yield from wires(part.drawing)
    for box in boxes:
        yield from title(box) if box.node.children else leaf(box, looks, marked)
