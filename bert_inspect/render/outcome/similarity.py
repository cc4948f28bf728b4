"""No head: hidden states alone. Where the checkpoint names a pooling, the similarity of every two sentences."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.style import Style
from rich.text import Text

from ...traces.output import Output, Pooled
from ...traces.record import Trace
from ...traces.values import Number
from ...traces.vocabulary import known_as
from ..heads.heatmap import filling
from ..words import DIM, NAME, number, sentence, shape
from .frame import SENTENCES, more_sentences, note_on_weights, table, texts_of
from .meaning import Answer, means_something, only_pooler_drawn

_CELL = 6
_PAIRS = 5
"""How many of the most similar pairs are listed."""
MOST = 32
"""Of how many sentences the matrix is shown at most."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two sentences, by their rows, with the cosine of their vectors."""

    a: int
    b: int
    cosine: float


def closest(pooled: Pooled, *, most: int = _PAIRS) -> list[Pair]:
    """Return the most similar pairs of sentences, the most similar first; a cosine that is no number is none."""
    count = len(pooled.cosine)
    found = [
        Pair(a=a, b=b, cosine=float(pooled.cosine[a][b]))
        for a in range(count)
        for b in range(a + 1, count)
        if math.isfinite(float(pooled.cosine[a][b]))
    ]
    return sorted(found, key=lambda pair: (-pair.cosine, pair.a, pair.b))[:most]


def answers(trace: Trace, output: Output) -> list[Answer]:
    """Return no answer: a model without a head gives none. Of several sentences the most similar two."""
    best = closest(output.pooled, most=1) if output.pooled is not None else []
    meant = means_something(trace.model)
    if best:
        name = f"sentences {best[0].a + 1} and {best[0].b + 1}" + (" are the most similar:" if meant else "")
        return [Answer(name=name, score=f"cosine {number(best[0].cosine)}", means_something=meant)]
    return []


def hidden_states(trace: Trace) -> str:
    """Return what a model without a head gives, with the shapes."""
    held = {tensor.name: tensor.shape for step in trace.steps[:1] if not step.path for tensor in step.outputs}
    batch = trace.input
    size = [len(batch.tokens), len(batch.tokens[0]) if batch.tokens else 0, trace.model.sizes.hidden or 0]
    told = f"no head: hidden states only, {shape(held.get(known_as.LAST_HIDDEN_STATE, size))}"
    pooler = held.get(known_as.POOLER_OUTPUT)
    if pooler is None:
        return told
    drawn = " (randomly initialized: meaningless)" if only_pooler_drawn(trace.model) else ""
    return f"{told}, and the pooler's output, {shape(pooler)}{drawn}"


def shown(trace: Trace, output: Output) -> RenderableType:
    """Return the sentences, the matrix of their similarity and the most similar pairs; or what there is without one."""
    parts: list[RenderableType] = [Text(hidden_states(trace), style=DIM)]
    if output.pooled is not None:
        parts += [_how(trace, output.pooled), Text(), *_similarity(trace, output.pooled)]
    return Group(*parts, *note_on_weights(trace))


def how(trace: Trace, pooled: Pooled) -> str:
    """Return of what the cosines are."""
    one = len(trace.input.texts) < 2
    more = "; give several sentences to compare them" if one else "; cosine of every two sentences"
    return f"sentence vectors: {sentence(pooled.kind, most=60)} pooling over the real tokens{more}"


def _how(trace: Trace, pooled: Pooled) -> Text:
    return Text(how(trace, pooled), style=DIM)


def _similarity(trace: Trace, pooled: Pooled) -> Iterator[RenderableType]:
    if len(pooled.cosine) < 2:
        return
    meant = means_something(trace.model)
    yield _Matrix(trace, pooled.cosine, meant=meant)
    yield from more_sentences(trace, SENTENCES)
    yield Text()
    made = table(meant=meant)
    for title in ("most similar", "cosine"):
        made.add_column(title, justify="left" if title == "most similar" else "right", no_wrap=True)
    for rank, pair in enumerate(closest(pooled)):
        style = NAME if rank == 0 and meant else ""
        made.add_row(Text(f"{pair.a + 1} and {pair.b + 1}", style=style), Text(number(pair.cosine), style=style))
    yield made


def written(cosine: Number) -> str:
    """Return a cosine as it stands in the matrix."""
    value = float(cosine)
    return f"{value:.2f}" if math.isfinite(value) else number(cosine)


class _Matrix:
    """The numbered sentences, each with its row of the matrix as far as there is room; the shade grows with the
    cosine.
    """

    def __init__(self, trace: Trace, cosine: Sequence[Sequence[Number]], *, meant: bool) -> None:
        self._trace, self._cosine, self._meant = trace, cosine, meant

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(30, options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = min(len(self._cosine), SENTENCES)
        label = len(str(len(self._cosine))) + 1
        room = options.max_width
        texts = [
            "  with  ".join(sentence(text, most=200) for text in texts_of(self._trace, row)) for row in range(rows)
        ]
        columns = min(len(self._cosine), MOST, max(2, (room - label - 12) // _CELL))
        beside = room - label - 2 - columns * _CELL
        sign = "~" if options.ascii_only else "…"
        head = Text(" " * (label + 1), style=DIM)
        head.append("".join(str(column + 1).rjust(_CELL - 1) + " " for column in range(columns)))
        if len(self._cosine) > columns:
            head.append(f" {len(self._cosine) - columns} more {sign}"[: max(0, beside)])
        yield head
        for row in range(rows):
            line = Text(str(row + 1).rjust(label - 1) + "  ", style=DIM)
            for column in range(columns):
                value = float(self._cosine[row][column])
                line.append(
                    written(value).rjust(_CELL - 1) + " ", self._style(value, row == column, console.color_system)
                )
            text = Text(" " + texts[row], style="not dim" if self._meant else "")
            text.truncate(max(0, beside), overflow="crop")
            if text.plain != " " + texts[row] and text.plain:
                text.truncate(max(0, beside - 1), overflow="crop")
                text.append(sign)
            line.append_text(text)
            yield line

    def _style(self, value: float, itself: bool, colors: str | None) -> Style:
        if itself or not self._meant or not math.isfinite(value):
            return DIM
        return Style(dim=False) + filling(value * abs(value), colors)  # sentences are rarely unlike: a steeper scale
