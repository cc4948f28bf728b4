"""The sum over components as SVG: a map of layers by heads with the feed-forward beside it, then the largest rows."""

from ....analysis.explain.explanation import Answer, Explanation
from ....safetext import safe_text
from ..by_component import MAP_LEGEND, blocks_of_components, layer_biases, map_shares, neuron_lines
from ..digits import cell_unit, decimals, largest_of, signed, strengths
from ..digits import short as in_short
from ..rows import component_rows
from ..view import View
from .by_token import STRONGEST, draw_sum
from .drawing import WIDTH, Drawing
from .rows import draw_rows

_CELL, _HIGH, _LEFT, _GAP = 48.0, 24.0, 60.0, 12.0


def map_width(explanation: Explanation) -> float:
    """Return how wide a picture has to be for its map."""
    heads = [len(row) for one in explanation.answers if one.components is not None for row in one.components.heads]
    return max(WIDTH, _LEFT + (max(heads, default=0) + 2) * _CELL + 2 * _GAP)


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
    edges = [_LEFT + head * _CELL for head in range(count)]
    edges += [_LEFT + count * _CELL + _GAP, _LEFT + (count + 1) * _CELL + 2 * _GAP]
    names = [*map(str, range(count)), "ff", "biases"]
    every = map_shares(found, biases)
    largest, (factor, unit) = largest_of(every), cell_unit(every)
    drawing.text("head", _LEFT - 12, drawing.y, "quiet end")
    for name, x in zip(names, edges, strict=True):
        drawing.text(name, x + _CELL / 2, drawing.y, "quiet mid")
    drawing.y += 8
    for layer, heads in enumerate(found.heads):
        drawing.text(f"layer {layer}", _LEFT - 12, drawing.y + _HIGH / 2 + 4, "quiet end")
        shares = [*heads, found.feed_forward[layer], biases[layer]]
        where = [*edges[: len(heads)], *edges[-2:]]
        titles = [*(f"head {head}" for head in range(len(heads))), "feed-forward", "biases"]
        for share, x, title in zip(shares, where, titles, strict=True):
            strength = strengths([share], largest=largest)[0]
            drawing.told(safe_text(f"layer {layer} {title} {signed(share, 4)}"))
            drawing.box(x, drawing.y, _CELL - 2, _HIGH - 2, style="empty")
            if strength:
                opacity = STRONGEST * abs(strength)
                style = "for" if strength > 0 else "against"
                drawing.box(x, drawing.y, _CELL - 2, _HIGH - 2, style=style, opacity=opacity)
            quiet = "" if abs(strength) > 0.02 else " quiet"
            drawing.text(
                in_short(float(share) * factor, 5), x + _CELL / 2 - 1, drawing.y + _HIGH / 2 + 3, f"mid{quiet}"
            )
            drawing.end()
        drawing.y += _HIGH
    drawing.y += 16
    drawing.text("; ".join(filter(None, (MAP_LEGEND, unit))), 0, drawing.y, "quiet")
    drawing.y += 28
