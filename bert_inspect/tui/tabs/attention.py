"""A head's attention as a matrix and in words, and what the other heads of its layer do."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from ...errors import UsageError
from ...render.heads.heatmap import Heatmap
from ...render.words import DIM, LAYER, NAME
from ...safetext import safe_text
from ...traces.record import Trace
from ...traces.token_text import token_texts
from ..picture import Picture
from .controls import controls
from .slices import HEADS, SENTENCES, Chosen, Lead

if TYPE_CHECKING:
    from ...analysis.attention import LayerAttention


class AttentionTab(Vertical):
    """One head of one layer in one sentence."""

    leads: Sequence[Lead] = ()

    def compose(self) -> ComposeResult:
        """Lay it out: what is chosen, the picture."""
        yield Static(id="head", markup=False)
        yield Picture(id="attention-text")

    def clear(self) -> None:
        """Show nothing."""
        self.leads = ()
        self.query_one("#head", Static).update(Text(), layout=False)

    def show(self, trace: Trace, layers: "Sequence[LayerAttention]", layer: int | None, chosen: Chosen) -> None:
        """Show a layer's attention, the first layer's where the step that is chosen is in none.

        Raises:
            UsageError: the layer's attention is not held.
        """
        found = next((each for each in layers if layer is None or each.layer == layer), None)
        if found is None:
            held = ", ".join(str(each.layer) for each in layers)
            raise UsageError(f"there is no attention of layer {layer} in this trace", f"there is that of layers {held}")
        rows, heads = found.probabilities.shape[:2]
        self.leads = [_lead(SENTENCES, rows, chosen), _lead(HEADS, heads, chosen)]
        sentence, head = (lead.at for lead in self.leads)
        names = [f"sentence {sentence + 1} of {rows}", f"head {head} of {heads}"]
        line = Text(no_wrap=True, overflow="ellipsis").append(f"layer {found.layer}   ", LAYER)
        line.append_text(controls(list(zip(self.leads, names, strict=True))))
        self.query_one("#head", Static).update(line, layout=False)
        parts = list(_parts(trace, found, sentence, head, padding=chosen.padding))
        self.query_one(Picture).show(Group(*parts))


def _lead(axis: str, size: int, chosen: Chosen) -> Lead:
    return Lead(axis=axis, size=size, at=max(0, min(chosen.places.get(axis, 0), size - 1)))


def _parts(trace: Trace, layer: "LayerAttention", row: int, head: int, *, padding: bool) -> Iterator[RenderableType]:
    from ...analysis.patterns import in_words, pattern  # with numpy, which the program opens without
    from ...render.heads.page import CAUTION, certificate

    tokens = token_texts(trace.input, row)
    hidden = [not seen for seen in trace.input.attention_mask[row]]
    matrix = layer.probabilities[row, head]
    yield Text(safe_text(in_words(pattern(matrix, trace, row), tokens)), NAME)
    yield Text("rows: query tokens; columns: key tokens; numbers: percent", DIM)
    yield Text()
    yield Heatmap(matrix=matrix.tolist(), queries=tokens, keys=tokens, hidden=hidden, padding=padding)
    yield Text()
    yield Text(f"the heads of layer {layer.layer}", LAYER)
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style=DIM)
    table.add_column()
    for place in range(layer.probabilities.shape[1]):
        said = safe_text(in_words(pattern(layer.probabilities[row, place], trace, row), tokens))
        table.add_row(str(place), Text(said, NAME if place == head else ""))
    yield table
    yield Text()
    yield certificate([layer])
    yield Text(CAUTION, DIM)
