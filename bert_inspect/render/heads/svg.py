"""Attention as SVG: one head enlarged with its tokens, and every head of every layer small; light or dark as the page.

How strong a cell is drawn is the square root of its probability: 1 % is still to be seen beside 100 %.
"""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from ...analysis.attention import Array, HeadSummary, LayerAttention, summaries
from ...analysis.patterns import in_words, pattern
from ...safetext import safe_document, safe_text
from ...traces.record import Trace
from ...traces.sentences import names_of_special
from ...traces.token_text import token_texts
from ..font import FAMILIES, shortened, text_width, wrapped
from ..header import edited
from ..words import plural
from .page import CAUTION, certificate
from .pixels import png

SENTENCES = 4
"""A picture shows as many sentences at most, and says so."""
_CELLS_DRAWN = 48
"""Up to so many tokens each cell is a shape of its own that tells its number; beyond, the matrix is one image."""
_BLUE = (47, 129, 247)
_TILE, _GAP, _UNDER = 60, 12, 26
_LEFT, _MARGIN = 64, 28
_ENLARGED = 760
_POINTS = 60
"""A small picture has at most as many points a side; of more tokens each point is the strongest of a block."""
_LABEL = 14
_TEXT = 12
"""The size of most texts."""

_STYLE = (
    f".attention text{{font-family:{FAMILIES};"
    "font-size:12px;fill:#1f2328}"
    ".attention .page{fill:#ffffff}.attention .empty{fill:#f1f4f8}.attention .cell{fill:#2f81f7}"
    ".attention .quiet{fill:#59636e}.attention .small{font-size:9px;fill:#59636e}.attention .bad{fill:#c62828}"
    ".attention .title{font-size:20px;font-weight:600}.attention .head{font-size:14px;font-weight:600}"
    ".attention .end{text-anchor:end}.attention .mid{text-anchor:middle}.attention image{image-rendering:pixelated}"
    "@media (prefers-color-scheme:dark){.attention text{fill:#e6edf3}.attention .page{fill:#0d1117}"
    ".attention .empty{fill:#161c25}.attention .quiet,.attention .small{fill:#9198a1}.attention .bad{fill:#ff7b72}}"
)


def attention_svg(
    trace: Trace, layers: Sequence[LayerAttention], *, layer: int, head: int | None, padding: bool = False
) -> str:
    """Return the picture.

    Args:
        trace: the run.
        layers: the attention of all layers.
        layer: the layer of which one head is enlarged.
        head: that head; None for the mean of the layer's heads.
        padding: show padding tokens too.
    """
    heads = layers[0].probabilities.shape[1]
    width = max(_LEFT + heads * (_TILE + _GAP), _LEFT + _ENLARGED) + 2 * _MARGIN
    name = safe_text(trace.model.name or trace.model.class_)
    title = f"Attention of {name}"
    drawing = _Drawing()
    drawing.text(title, 0, 20, "title")
    said = f"{certificate(layers).plain}. {CAUTION}"
    counts = f"{plural(len(layers), 'layer')} of {plural(heads, 'head')}"
    told = f"{edited(trace.model)}{counts}. {said[:1].upper()}{said[1:]}"
    drawing.y = 44.0
    for line in wrapped(told, _TEXT, width - 2 * _MARGIN):
        drawing.text(line, 0, drawing.y, "bad" if " nothing (sentence" in line else "quiet")
        drawing.y += 17
    enlarged = next(each for each in layers if each.layer == layer)
    shown = trace.input.texts[:SENTENCES]
    numbers = [[summaries(each, trace, row) for row in range(len(shown))] for each in layers]
    for row in range(len(shown)):
        drawing.y += 34
        _sentence(drawing, trace, row)
        shown_tokens = _shown_tokens(trace, row, padding=padding)
        _enlarged(drawing, trace, enlarged, row, head=head, places=shown_tokens)
        _small(drawing, trace, layers, [each[row] for each in numbers], row, places=shown_tokens)
    if len(trace.input.texts) > len(shown):
        drawing.y += 30
        rest = plural(len(trace.input.texts) - len(shown), "more sentence")
        drawing.text(f"... {rest}: not in this picture", 0, drawing.y, "quiet")
    height = drawing.y + 2 * _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="attention" role="img" aria-labelledby="title text" '
        f'width="{width}" height="{height:.0f}" viewBox="0 0 {width} {height:.0f}">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="text">{escape(_description(trace, layers, numbers, len(shown)))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height:.0f}"/>',
        f'<g transform="translate({_MARGIN} {_MARGIN})">',
        *drawing.parts,
        "</g>",
        "</svg>",
        "",
    ]
    return safe_document("\n".join(lines))


class _Drawing:
    """The elements so far, and how far down they reach."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.y = 0.0

    def text(self, text: str, x: float, y: float, style: str = "", *, upright: bool = False) -> None:
        turned = f' transform="rotate(-90 {_n(x)} {_n(y)})"' if upright else ""
        self.parts.append(f'<text class="{style}" x="{_n(x)}" y="{_n(y)}"{turned}>{escape(text)}</text>')

    def box(self, x: float, y: float, width: float, height: float, *, style: str, opacity: float = 1.0) -> None:
        seen = "" if opacity == 1 else f' fill-opacity="{_n(opacity, 3)}"'
        self.parts.append(
            f'<rect class="{style}" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"{seen}/>'
        )

    def image(self, strengths: NDArray[np.uint8], x: float, y: float, size: float) -> None:
        data = b64encode(png(strengths, _BLUE)).decode()
        self.parts.append(
            f'<image x="{_n(x)}" y="{_n(y)}" width="{_n(size)}" height="{_n(size)}" image-rendering="optimizeSpeed" '
            f'href="data:image/png;base64,{data}"/>'
        )


def _sentence(drawing: _Drawing, trace: Trace, row: int) -> None:
    text = safe_text(trace.input.texts[row])
    if trace.input.pairs is not None:
        text += f"  |  {safe_text(trace.input.pairs[row])}"
    drawing.text(shortened(f"{row + 1}  {text}", 14, _LEFT + _ENLARGED, bold=True), 0, drawing.y, "head")
    drawing.y += 26


def _shown_tokens(trace: Trace, row: int, *, padding: bool) -> list[int]:
    """Return which tokens of a sentence are drawn: all, or the real ones (all too where there are none)."""
    mask = trace.input.attention_mask[row]
    return [place for place, seen in enumerate(mask) if seen or padding or not any(mask)]


def _enlarged(
    drawing: _Drawing, trace: Trace, layer: LayerAttention, row: int, *, head: int | None, places: Sequence[int]
) -> None:
    found = layer.probabilities[row][:, places][:, :, places]
    matrix = found.mean(axis=0) if head is None else found[head]
    which = f"mean of {plural(len(found), 'head')}" if head is None else f"head {head}"
    left_out = len(trace.input.tokens[row]) - len(places)
    rest = f"; {plural(left_out, 'padding token')} hidden" if left_out else ""
    told = f"layer {layer.layer}, {which}: rows are query tokens, columns key tokens{rest}"
    drawing.text(told, 0, drawing.y, "quiet")
    names = token_texts(trace.input, row)
    if head is not None:
        drawing.y += 20
        described = in_words(pattern(layer.probabilities[row, head], trace, row), names, arrow="→")
        drawing.text(_short(safe_text(described), 110), 0, drawing.y)
    tokens = [_short(safe_text(names[place]), _LABEL) for place in places]
    hidden = [not trace.input.attention_mask[row][place] for place in places]
    longest = max(text_width(token, _TEXT) for token in tokens)
    left, top = max(_LEFT + 30, longest + 10), drawing.y + 20 + longest
    side = max(1.5, min(34.0, (_LEFT + _ENLARGED - left) / len(tokens)))
    every = max(1, int(np.ceil(12 / side)))
    for place in range(0, len(tokens), every):
        style = "quiet" if hidden[place] else ""
        drawing.text(tokens[place], left - 8, top + side * (place + 0.5) + 4, f"{style} end")
        drawing.text(tokens[place], left + side * (place + 0.5) + 4, top - 6, style, upright=True)
    blind = {places.index(query) for sentence, query in layer.blind if sentence == row and query in places}
    drawing.box(left, top, side * len(tokens), side * len(tokens), style="empty")
    if len(tokens) <= _CELLS_DRAWN:
        for query, shares in enumerate(matrix):
            _cells(drawing, shares, tokens, query, left=left, top=top + side * query, side=side)
    else:
        drawing.image(_strengths(matrix), left, top, side * len(tokens))
    for query in blind:
        drawing.text("nothing is visible to it", left + 6, top + side * (query + 0.5) + 4, "bad")
    drawing.y = top + side * len(tokens) + 34


def _cells(
    drawing: _Drawing, shares: Array, tokens: Sequence[str], query: int, *, left: float, top: float, side: float
) -> None:
    for key, share in enumerate(shares):
        if not share >= 0.0005:  # NaN too
            continue
        x = left + side * key
        told = f"query '{tokens[query]}' to key '{tokens[key]}': {share:.1%}"
        drawing.parts.append(f"<g><title>{escape(told)}</title>")
        drawing.box(x, top, side - 1, side - 1, style="cell", opacity=float(share) ** 0.5)
        if side >= 22 and share >= 0.005:
            drawing.text(f"{100 * share:.0f}", x + side / 2 - 0.5, top + side / 2 + 3.5, "mid")
        drawing.parts.append("</g>")


def _small(
    drawing: _Drawing,
    trace: Trace,
    layers: Sequence[LayerAttention],
    told: Sequence[Sequence[HeadSummary]],
    row: int,
    *,
    places: Sequence[int],
) -> None:
    heads, special = layers[0].probabilities.shape[1], _special(trace)
    drawing.text(
        f"every head of every layer; below each: entropy in bits, and percent of its attention on {special[0]} (C), "
        f"{special[1]} (S) and padding (P)",
        0,
        drawing.y,
        "quiet",
    )
    drawing.y += 24
    for head in range(heads):
        drawing.text(str(head), _LEFT + head * (_TILE + _GAP) + _TILE / 2, drawing.y, "quiet mid")
    drawing.text("head", _LEFT - 12, drawing.y, "quiet end")
    drawing.y += 10
    for layer, summary in zip(layers, told, strict=True):
        drawing.text(f"layer {layer.layer}", _LEFT - 12, drawing.y + _TILE / 2 + 4, "quiet end")
        for head, of_head in enumerate(summary):
            x = _LEFT + head * (_TILE + _GAP)
            drawing.parts.append(
                f"<g><title>layer {layer.layer}, head {head}: {escape(_in_words(of_head, special))}</title>"
            )
            drawing.box(x, drawing.y, _TILE, _TILE, style="empty")
            drawing.image(
                _strengths(_pooled(layer.probabilities[row, head][np.ix_(places, places)])), x, drawing.y, _TILE
            )
            drawing.text(_bits(of_head), x, drawing.y + _TILE + 10, "small")
            drawing.text(_shares(of_head), x, drawing.y + _TILE + 20, "small")
            drawing.parts.append("</g>")
        drawing.y += _TILE + _UNDER
    drawing.y -= _UNDER - 20


def _strengths(matrix: Array) -> NDArray[np.uint8]:
    strengths: NDArray[np.uint8] = np.rint(255 * np.sqrt(np.nan_to_num(matrix).clip(0, 1))).astype(np.uint8)
    return strengths


def _pooled(matrix: Array) -> Array:
    """Return the matrix with at most `_POINTS` rows and columns: of each block the strongest cell."""
    block = -(-len(matrix) // _POINTS)
    starts = range(0, len(matrix), block)
    pooled: Array = np.maximum.reduceat(np.maximum.reduceat(np.nan_to_num(matrix), starts, axis=0), starts, axis=1)
    return pooled


def _description(
    trace: Trace, layers: Sequence[LayerAttention], numbers: Sequence[Sequence[Sequence[HeadSummary]]], shown: int
) -> str:
    lines = [
        f"sentence {row + 1}, layer {layer.layer}, head {head}: {_in_words(summary, _special(trace))}"
        for row in range(shown)
        for layer, told in zip(layers, numbers, strict=True)
        for head, summary in enumerate(told[row])
    ]
    return f"{certificate(layers).plain}. {CAUTION}\n" + "\n".join(lines)


def _special(trace: Trace) -> tuple[str, str]:
    first, last = names_of_special(trace.input)
    return safe_text(first), safe_text(last)


def _in_words(head: HeadSummary, special: tuple[str, str]) -> str:
    if head.entropy != head.entropy:
        return "nothing is visible"
    first, last = special
    return (
        f"entropy {head.entropy:.2f} bits, {head.classification:.0%} on {first}, {head.separators:.0%} on {last}, "
        f"{head.padding:.0%} on padding"
    )


def _bits(head: HeadSummary) -> str:
    return "" if head.entropy != head.entropy else f"{head.entropy:.2f} bits"


def _shares(head: HeadSummary) -> str:
    if head.entropy != head.entropy:
        return "sees nothing"
    return f"C {100 * head.classification:.0f} S {100 * head.separators:.0f} P {100 * head.padding:.0f}"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _n(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")
