"""A dataflow as SVG: self-contained, legible on light and on dark, with its title and its content in words."""

from html import escape

from ...dataflow import Dataflow
from ...layout import Measures, TooLarge, arrange
from ...safetext import safe_document, safe_text
from ..font import wrapped
from .bodies import LINE, TYPE, Looks
from .shapes import frame, leaf, title, written
from .style import STYLE
from .wires import number as n
from .wires import wires
from .words import description

__all__ = ["TooLarge", "svg"]

_MARGIN = 24.0
_LEAST = 320.0
"""The least width, for the caption's sake."""


def svg(flow: Dataflow, *, upwards: bool = True, caption: str = "") -> str:
    """Return the picture; ``caption`` stands below it and says of which run it is.

    Raises:
        TooLarge: there is more in it than can be laid out in seconds.
    """
    looks = Looks(flow)
    drawing = arrange(flow, Measures(looks.body, looks.title), upwards=upwards)
    width = max(drawing.width, _LEAST)
    said = list(wrapped(caption, TYPE, width))
    below = LINE * len(said) + 14 if said else 0.0
    left, whole, high = (width - drawing.width) / 2, width + 2 * _MARGIN, drawing.height + below + 2 * _MARGIN
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" class="dataflow" role="img" aria-labelledby="flow-title flow-text"'
        f' width="{whole:.0f}" height="{high:.0f}" viewBox="0 0 {whole:.0f} {high:.0f}">',
        f'<title id="flow-title">{escape(safe_text(f"Dataflow of {flow.title}"))}</title>',
        f'<desc id="flow-text">{escape(description(flow))}</desc>',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{whole:.0f}" height="{high:.0f}" rx="10"/>',
        f'<g transform="translate({n(_MARGIN + left)} {n(_MARGIN)})">',
        *(part for box in drawing.boxes if box.node.children for part in frame(box)),
        *wires(drawing),
        *(part for box in drawing.boxes for part in (title(box) if box.node.children else leaf(box, looks))),
        "</g>",
        f'<g transform="translate({n(_MARGIN)} {n(_MARGIN + drawing.height + 14)})">',
        *(written(line, 0, LINE * (place + 1) - 4, "type quiet") for place, line in enumerate(said)),
        "</g>",
        "</svg>",
        "",
    ]
    return safe_document("\n".join(lines))
