"""What pictures of effects share: a map of numbers, rows with bars."""

from collections.abc import Sequence

from ...analysis.effects.record import AnswerEffects, Effect, Effects
from ..explain.digits import decimals
from ..explain.rows import Row
from ..explain.sum_rows import Block
from ..explain.svg.drawing import TEXT, WIDTH, Drawing
from ..explain.svg.grid import CELL, LEFT, GridCell, draw_grid
from ..explain.svg.rows import draw_rows
from ..font import shortened, text_width
from ..outcome.meaning import fine_percent
from . import said
from .chosen import shown
from .maps import TOKENS, EffectMap, MapRow
from .view import View

_TOKEN = 150.0
"""The most room for a token beside a map, with its place."""
_WIDEST = 330.0
"""The same for the name of a row, and what stands behind it in brackets."""


def width_of(drawn: Sequence[EffectMap]) -> float:
    """Return how wide a picture has to be for its maps."""
    return max([WIDTH, *(_left(each) + each.columns * CELL for each in drawn)])


def draw_map(drawing: Drawing, drawn: EffectMap) -> None:
    """Draw a map, and what has to be known to read it."""
    left = _left(drawn)
    columns = [(str(at), left + at * CELL) for at in range(drawn.columns)]
    rows = [
        (
            _name(drawn, row),
            [GridCell(x=left + at * CELL, name=drawn.column(at), number=each) for at, each in enumerate(row.numbers)],
        )
        for row in drawn.rows
    ]
    corner = "head" if drawn.of == "head" else "hidden_states"
    unit = draw_grid(drawing, columns, rows, corner=corner, signs=drawn.signs)
    drawing.y += 16
    legend = TOKENS if drawn.of == "token" else ""
    drawing.paragraph("; ".join(filter(None, (legend, "·: too small to write", unit))), "quiet")
    drawing.y += 11


def draw_effects(
    drawing: Drawing, found: Effects, answer: AnswerEffects, effects: Sequence[Effect], view: View
) -> None:
    """Draw the effects that are shown, each with what is left of the probability, and what the answer flips to."""
    head, effects = shown(found, effects, every=view.all)
    rows = []
    for effect in effects:
        name, told = said.name(found, answer, effect), []
        if effect.probability is not None:
            told.append(fine_percent(effect.probability))
        if other := said.other_answer(found, effect):
            told.append(f"flips to {other}")
        place = effect.tokens[0] if effect.tokens else None
        name += f" ({', '.join(told)})" if told else ""
        rows.append(Row(name=name, share=float(effect.effect), place=place))
    beside = "the probability then" if any(effect.probability is not None for effect in effects) else ""
    draw_named(drawing, "; in brackets ".join(filter(None, (head or "effects", beside))), rows)


def draw_named(drawing: Drawing, head: str, rows: Sequence[Row]) -> None:
    """Draw rows under a title."""
    draw_rows(drawing, [Block(title=head, rows=rows)], decimals(row.share for row in rows), widest=_WIDEST)


def _left(drawn: EffectMap) -> float:
    """Return where the first column of a map begins."""
    if drawn.of == "head":
        return LEFT
    names = (_name(drawn, row) for row in drawn.rows)
    return 12 + max(text_width(text, TEXT) for text in ("hidden_states", *names))


def _name(drawn: EffectMap, row: MapRow) -> str:
    """Return how a row is called: a layer, or a token in its place."""
    if drawn.of == "head":
        return row.name
    lead, mark = f"{row.place}  ", " *" if row.marked else ""
    return lead + shortened(row.name, TEXT, _TOKEN - text_width(lead + mark, TEXT)) + mark
