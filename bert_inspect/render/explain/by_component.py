"""The number as a sum over components, in the terminal: a map of layers by heads, the largest by name, the sum."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType
from rich.style import Style
from rich.text import Text

from ...analysis.explain.explanation import Answer, Components, Explanation
from ...traces.values import Number
from ..outcome.meaning import means_something
from ..words import DIM, PLAIN, plural
from .by_token import sum_lines
from .digits import cell_unit, decimals, largest_of, signed
from .map_cells import CELLS, MapCells
from .rows import COMPONENTS, component_rows, largest, size_of
from .sum_rows import Block, SumRows
from .view import View

_LABEL, _FEED_FORWARD, _BIASES = 5, 4, 6
"""The columns of the other parts of the map."""


def component_parts(explanation: Explanation, answer: Answer, view: View) -> list[RenderableType]:
    """Return what is shown of one answer: the map, the largest components, the sum."""
    found = answer.components
    if found is None:
        return []
    digits = decimals(row.share for row in component_rows(answer))
    biases, meant = layer_biases(answer, len(found.heads)), means_something(explanation.model)
    title, *neurons = neuron_lines(found, digits) or [""]
    return [
        ComponentMap(components=found, biases=biases, meant=meant),
        Text(),
        SumRows(blocks=blocks_of_components(answer, view), digits=digits, meant=meant),
        *([Text(), Text(title, style=DIM), *map(Text, neurons)] if title else []),
        Text(),
        *sum_lines(answer, digits),
    ]


def blocks_of_components(answer: Answer, view: View) -> list[Block]:
    """Return the largest components, and one row for all others; or every one."""
    rows = component_rows(answer, each=view.split or view.all)
    if view.all:
        return [Block(title="every component", rows=rows)]
    shown = largest(rows, COMPONENTS, ordered=lambda row: -size_of(row))
    top = sum(not row.others for row in shown)
    return [Block(title=f"the {top} largest components" if len(shown) > top else "components", rows=shown)]


MAP_LEGEND = "ff: the feed-forward part; biases: those of the layer; ·: too small to write"


def map_shares(found: Components, biases: Sequence[float]) -> list[Number]:
    """Return every share of the map."""
    return [*(share for row in found.heads for share in row), *found.feed_forward, *biases]


def layer_biases(answer: Answer, layers: int) -> list[float]:
    """Return what the biases of each layer add together."""
    found = [0.0] * layers
    for bias in answer.biases:
        if bias.layer is not None and bias.layer < layers:
            found[bias.layer] += float(bias.share)
    return found


def neuron_lines(found: Components, digits: int) -> list[str]:
    """Return a title and a line a layer on its largest neurons; none where nobody asked for them."""
    told = []
    for layer, neurons in enumerate(found.neurons):
        if neurons:
            names = ", ".join(f"neuron {one.neuron} {signed(one.share, digits)}" for one in neurons)
            told.append(f"layer {layer}  {names}")
    return ["the largest neurons of each feed-forward part; they are a part of its share", *told] if told else []


@dataclass(frozen=True, kw_only=True)
class ComponentMap:
    """Layers by heads as a Rich renderable, beside them the feed-forward parts and the biases: numbers where they fit,
    signs where not, in colour as far as the terminal has colours.
    """

    components: Components
    biases: Sequence[float]
    meant: bool = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        heads, feed_forward = self.components.heads, self.components.feed_forward
        count, colors = max(map(len, heads), default=0), console.color_system
        cell = next((size for size in CELLS if _width(count, size) <= options.max_width), 0)
        if not count or not cell:
            told = f"a map of {plural(len(heads), 'layer')} of {plural(count, 'head')} needs more columns"
            yield Text(told, style=DIM)
            return
        every = map_shares(self.components, self.biases)
        factor, unit = cell_unit(every)
        cells = MapCells(
            size=cell,
            largest=largest_of(every),
            factor=factor,
            colors=colors if self.meant else None,
            style=PLAIN if self.meant else DIM,
            nearly_zero="." if options.ascii_only else "·",
        )
        last = max(cell - 1, _FEED_FORWARD)
        names = "".join(str(head).rjust(cell - 1) + " " for head in range(count))
        yield _line(f"{'head':{_LABEL}}{names} {'ff':>{last}} {'biases':>{_BIASES}}", DIM)
        for layer, shares in enumerate(heads):
            line = _line(f"{layer:>{_LABEL - 1}} ", DIM)
            for share in shares:
                line.append_text(cells.text(share, cell - 1)).append(" ")
            line.append(" ").append_text(cells.text(feed_forward[layer], last)).append(" ")
            yield line.append_text(cells.text(self.biases[layer], _BIASES))
        unit = "" if cell == CELLS[-1] else unit
        legend = "; ".join(filter(None, ("rows: layers", MAP_LEGEND, unit)))
        yield Text(legend.replace("·", cells.nearly_zero), style=DIM)


def _width(heads: int, cell: int) -> int:
    return _LABEL + heads * cell + 1 + max(cell - 1, _FEED_FORWARD) + 1 + _BIASES


def _line(text: str, style: Style) -> Text:
    return Text.assemble((text, style), no_wrap=True, overflow="ignore")
