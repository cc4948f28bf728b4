"""Attention in the terminal: where each head looks, and heatmaps of the layers and heads that were asked for."""

from collections.abc import Iterator, Sequence
from statistics import fmean

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...analysis.attention import Array, LayerAttention, summaries
from ...analysis.patterns import in_words, pattern
from ...safetext import safe_text
from ...traces.record import Input, Trace
from ...traces.sentences import names_of_special
from ...traces.token_text import token_texts
from ..header import header
from ..result import outcome
from ..words import BAD, DIM, KNOWN, LAYER, NAME, number, plural
from .heatmap import Heatmap
from .signs import SIGNS

CAUTION = "Attention shows where a head looks, not why the model answers as it does."


def attention_page(
    trace: Trace,
    layers: Sequence[LayerAttention],
    *,
    head: int | None,
    mean: bool,
    overview: bool,
    padding: bool = False,
) -> Group:
    """Return what `attention` shows.

    Args:
        trace: the run.
        layers: the layers to show.
        head: the one head to show; all if None.
        mean: show the mean over the heads instead of each.
        overview: show of all layers where their heads look, and of the last one the mean.
        padding: show padding tokens too.
    """
    parts: list[RenderableType] = [header(trace), certificate(layers), Text(CAUTION, style=DIM), Text()]
    for row in range(len(trace.input.texts)):
        parts.append(Text.assemble((f"sentence {row + 1}  ", NAME), safe_text(trace.input.texts[row])))
        parts.append(Text())
        if overview:
            parts += [_targets(trace, layers, row), Text(_legend(trace.input), style=DIM), Text()]
        for layer in layers[-1:] if overview else layers:
            if not overview:
                parts += [_heads(trace, layer, row, only=head), Text()]
            parts += _maps(trace, layer, row, head=head, mean=mean or overview, padding=padding)
    return Group(*parts)


def attention_summary(
    trace: Trace, layers: Sequence[LayerAttention], *, head: int | None, mean: bool, overview: bool
) -> Group:
    """Return what is left on the screen once the pager with `attention_page` is closed: the predictions, and where the
    heads look in the first sentence.
    """
    parts: list[RenderableType] = [outcome(trace)]
    rows = len(trace.input.texts)
    parts.append(Text.assemble((f"attention in sentence 1{f' of {rows}' if rows > 1 else ''}", NAME)))
    if overview:
        parts += [_targets(trace, layers, 0), Text(_legend(trace.input), style=DIM)]
    else:
        pictures = [(layer, title, matrix) for layer in layers for title, matrix in _pictures(layer, 0, head, mean)]
        for _, title, matrix in pictures[:_SUMMED_UP]:
            told = safe_text(in_words(pattern(matrix, trace, 0), token_texts(trace.input, 0)))
            parts.append(Text.assemble((f"{title}: ", LAYER), told))
        if len(pictures) > _SUMMED_UP:
            parts.append(Text(f"... {plural(len(pictures) - _SUMMED_UP, 'more head')}", style=DIM))
    return Group(*parts)


_SUMMED_UP = 12
"""How many heads the summary tells of."""


def certificate(layers: Sequence[LayerAttention]) -> Text:
    """Return where the probabilities come from, and how good those are that were rebuilt."""
    rebuilt = [layer.rebuilt for layer in layers if layer.rebuilt is not None]
    if not rebuilt:
        text = Text("probabilities as the model computed them", style=DIM)
    else:
        worst = max(rebuilt, key=lambda each: each.difference)
        text = Text.assemble(
            ("rebuilt", KNOWN),
            f" from the recorded queries, keys and mask: probabilities x values differ from the "
            f"fused output by at most {number(worst.difference)} (its rounding alone: {number(worst.rounding)})",
        )
    blind = sorted({place for layer in layers for place in layer.blind})
    if blind:
        sentences = sorted({row + 1 for row, _ in blind})
        where = ", ".join(map(str, sentences[:8])) + (" ..." if len(sentences) > 8 else "")
        text.append(
            f"\n{plural(len(blind), 'query token')} {'sees' if len(blind) == 1 else 'see'} nothing (sentence {where}): "
            "what stands there says nothing",
            BAD,
        )
    return text


def _legend(batch: Input) -> str:
    first, last = map(safe_text, names_of_special(batch))
    return (
        "where more than half of a head's attention goes:\n"
        f"C {first}  S {last}  = the token itself  < the one before  > the one after\n"
        "W the same word elsewhere  T one other token  P padding\n"
        "E almost evenly to all tokens  · none of these"
    )


def _targets(trace: Trace, layers: Sequence[LayerAttention], row: int) -> Table:
    """Return a row a layer and a sign a head, and the mean entropy of the layer's heads."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM, padding=(0, 1, 0, 0))
    table.add_column("layer", justify="right", style=LAYER)
    for head in range(layers[0].probabilities.shape[1]):
        table.add_column(str(head), justify="right")
    table.add_column("entropy, bits", justify="right")
    for layer in layers:
        signs = [_target(trace, layer.probabilities[row, head], row) for head in range(layer.probabilities.shape[1])]
        entropy = fmean(head.entropy for head in summaries(layer, trace, row))
        table.add_row(str(layer.layer), *(Text(sign, NAME if sign != "·" else DIM) for sign in signs), number(entropy))
    return table


def _target(trace: Trace, matrix: Array, row: int) -> str:
    found = pattern(matrix, trace, row)
    if found is None or found.place is None:
        return "E" if found is not None and found.spread else "·"
    return SIGNS[found.place]


def _heads(trace: Trace, layer: LayerAttention, row: int, *, only: int | None) -> Table:
    """Return a row a head, or the row of the only one: its entropy, and its shares on [CLS], [SEP] and padding."""
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM, title_justify="left", title_style=LAYER
    )
    table.title = f"layer {layer.layer}"
    first, last = map(safe_text, names_of_special(trace.input))
    for title in ("head", "entropy, bits", f"on {first}", f"on {last}", "on padding"):
        table.add_column(title, justify="right")
    for head, summary in enumerate(summaries(layer, trace, row)):
        if only not in (None, head):
            continue
        shares = (summary.classification, summary.separators, summary.padding)
        table.add_row(str(head), number(summary.entropy), *(f"{100 * share:.0f} %" for share in shares))
    return table


def _pictures(layer: LayerAttention, row: int, head: int | None, mean: bool) -> list[tuple[str, Array]]:
    """Return the matrices of a layer in a sentence that are asked for, each with its title."""
    heads = layer.probabilities.shape[1]
    if mean:
        return [(f"layer {layer.layer}, mean of {heads} heads", layer.probabilities[row].mean(axis=0))]
    wanted = range(heads) if head is None else (head,)
    return [(f"layer {layer.layer}, head {each}", layer.probabilities[row, each]) for each in wanted]


def _maps(
    trace: Trace, layer: LayerAttention, row: int, *, head: int | None, mean: bool, padding: bool
) -> Iterator[RenderableType]:
    batch = trace.input
    tokens = token_texts(batch, row)
    hidden = [not visible for visible in batch.attention_mask[row]]
    for title, matrix in _pictures(layer, row, head, mean):
        yield Text.assemble((title, LAYER), ("   rows: query tokens; columns: key tokens; numbers: percent", DIM))
        if not mean:
            yield Text(safe_text(in_words(pattern(matrix, trace, row), tokens)))
        yield Heatmap(matrix=matrix.tolist(), queries=tokens, keys=tokens, hidden=hidden, padding=padding)
        yield Text()
