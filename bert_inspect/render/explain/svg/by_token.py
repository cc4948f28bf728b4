"""The sum over tokens as SVG: the texts with each token on the colour of its share, then the rows."""

from collections.abc import Iterator, Sequence

from ....analysis.explain.explanation import Answer, Explanation
from ...font import cut, text_width
from .. import said
from ..by_token import blocks_of, title_of, totals_in_words
from ..digits import decimals
from ..rows import bias_rows, token_groups
from ..texts import Line, Piece, lines
from ..view import View
from .drawing import TEXT, Drawing
from .rows import draw_rows

_SIZE, _HEIGHT = 16.0, 30.0
STRONGEST = 0.62
"""How opaque the colour of the largest share is: the text on it stays legible."""


def draw_tokens(drawing: Drawing, explanation: Explanation, answer: Answer, view: View) -> None:
    """Draw one answer: its texts, their legend, its rows, its sum."""
    groups = token_groups(explanation.input, answer, words=view.words)
    told = lines(explanation.input, groups)
    for line, group in zip(told, groups, strict=True):
        if title := title_of(explanation, groups, group):
            drawing.paragraph(title, "quiet")
        _text(drawing, line)
    _legend(drawing, *said.for_and_against(explanation, answer))
    biases = bias_rows(answer, each=view.split or view.all)
    rows = [row for group in groups for row in group.rows]
    digits = decimals(row.share for row in [*rows, *biases])
    draw_rows(drawing, blocks_of(explanation, answer, view), digits, split=view.split)
    drawing.y += 8
    drawing.paragraph(totals_in_words(rows, biases, digits), "quiet")
    draw_sum(drawing, answer, digits)


def draw_sum(drawing: Drawing, answer: Answer, digits: int) -> None:
    """Write what the rows add up to."""
    for line, good in said.sums(answer, digits):
        drawing.paragraph(line, "strong" if good and line.startswith("sum") else "quiet" if good else "strong bad")


def _legend(drawing: Drawing, for_: str, against: str) -> None:
    x = 0.0
    drawing.y += 6
    for text, style in ((for_, "for"), (against, "against")):
        drawing.box(x, drawing.y - 10, 12, 12, style=style)
        drawing.text(text, x + 18, drawing.y, "quiet")
        x += 18 + text_width(text, TEXT) + 18
    drawing.y += 26


def _text(drawing: Drawing, line: Line) -> None:
    drawing.y += 6
    x = 0.0
    for chunk in _chunks(line.pieces):
        room = sum(text_width(piece.text, _SIZE) for piece in chunk)
        if x and x + room > drawing.width:
            x = 0.0
            drawing.y += _HEIGHT
        for piece in chunk:
            for text in _fitting(piece.text, drawing.width):
                width = text_width(text, _SIZE)
                if x and x + width > drawing.width:
                    x = 0.0
                    drawing.y += _HEIGHT
                if text.strip() or x:
                    _piece(drawing, piece, text, x, width)
                    x += width
    drawing.y += _HEIGHT


def _piece(drawing: Drawing, piece: Piece, text: str, x: float, width: float) -> None:
    if not piece.tells:
        drawing.text(text, x, drawing.y, "big quiet" if piece.kind == "cut" else "big")
        return
    drawing.told(f"{text} {piece.share:+.4f}")
    if piece.strength:
        opacity = STRONGEST * abs(piece.strength)
        drawing.box(x, drawing.y - 16, width, 22, style="for" if piece.strength > 0 else "against", opacity=opacity)
    drawing.text(text, x, drawing.y, "big quiet" if piece.kind == "inserted" else "big", length=width)
    drawing.end()


def _chunks(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """Yield pieces that stand together in a line: no space is between them."""
    chunk: list[Piece] = []
    for place, piece in enumerate(pieces):
        before = pieces[place - 1] if place else None
        apart = before is not None and "inserted" in (piece.kind, before.kind)
        if apart and not (before is not None and before.text.endswith(" ")) and not piece.text.startswith(" "):
            yield chunk
            yield [Piece(text=" ")]
            chunk = []
        if piece.kind in ("plain", "cut"):
            yield chunk
            yield [piece]
            chunk = []
        else:
            chunk.append(piece)
    yield chunk


def _fitting(text: str, width: float) -> Iterator[str]:
    while text_width(text, _SIZE) > width:
        kept = cut(text, _SIZE, width)
        yield kept
        text = text[len(kept) :]
    yield text
