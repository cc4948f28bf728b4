"""The sum over components as SVG: a map of layers by heads with the feed-forward beside it, then the largest rows."""

from ....analysis.explain.explanation import Answer, Explanation
from ..by_component import MAP_LEGEND, blocks_of_components, layer_biases, neuron_lines
from ..digits import decimals
from ..rows import component_rows
from ..view import View
from .by_token import draw_sum
from .drawing import WIDTH, Drawing
from .grid import CELL, LEFT, GridCell, draw_grid
from .rows import draw_rows

_GAP = 12.0


def map_width(explanation: Explanation) -> float:
    """Return how wide a picture has to be for its map."""
    heads = [len(row) for one in explanation.answers if one.components is not None for row in one.components.heads]
    return max(WIDTH, LEFT + (max(heads, default=0) + 2) * CELL + 2 * _GAP)


def draw_components(drawing: Drawing, explanation: Explanation, answer: Answer, view: View) -> None:
    """Draw one answer: its map, its largest components, its sum."""
    _map(drawing, answer)
    rows = component_rows(answer, each=view.split or view.all)
    digits = decimals(row.share for row in rows)
    draw_rows(drawing, blocks_of_components(answer, view), digits)
    if answer.components is not None:
        for line in neuron_lines(answer.components, digits):
            drawing.paragraph(line, "quiet")
    drawing.y += 8
    draw_sum(drawing, answer, digits)


def _map(drawing: Drawing, answer: Answer) -> None:
    found = answer.components
    if found is None or not found.heads:
        return
    biases = layer_biases(answer, len(found.heads))
    count = max(map(len, found.heads))
    edges = [LEFT + head * CELL for head in range(count)]
    edges += [LEFT + count * CELL + _GAP, LEFT + (count + 1) * CELL + 2 * _GAP]
    names = [*map(str, range(count)), "ff", "biases"]
    rows = []
    for layer, heads in enumerate(found.heads):
        shares = [*heads, found.feed_forward[layer], biases[layer]]
        where = [*edges[: len(heads)], *edges[-2:]]
        titles = [*(f"head {head}" for head in range(len(heads))), "feed-forward", "biases"]
        rows.append(
            (
                f"layer {layer}",
                [GridCell(x=x, name=t, number=share) for x, t, share in zip(where, titles, shares, strict=True)],
            )
        )
    unit = draw_grid(drawing, list(zip(names, edges, strict=True)), rows)
    drawing.y += 16
    drawing.text("; ".join(filter(None, (MAP_LEGEND, unit))), 0, drawing.y, "quiet")
    drawing.y += 28
