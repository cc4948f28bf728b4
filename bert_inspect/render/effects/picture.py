"""Effects as SVG: what was done, a map of the heads, the rows with bars, what becomes of the answer."""

from collections.abc import Sequence

from ...analysis.effects.record import AnswerEffects, Effect, Effects, Mean
from ...safetext import safe_text
from ...traces.values import Number
from ..explain import said as number_said
from ..explain.digits import decimals, signed
from ..explain.rows import Row
from ..explain.sum_rows import Block
from ..explain.svg.drawing import LINE, WIDTH, Drawing
from ..explain.svg.grid import CELL, LEFT, GridCell, draw_grid
from ..explain.svg.rows import draw_rows
from ..outcome.meaning import fine_percent
from ..words import plural, sentence
from . import said
from .chosen import shown
from .view import View

SENTENCES = 4
"""A picture shows as many sentences at most, and says so."""
_TITLE = 300


def title(found: Effects) -> str:
    """Return what stands above the picture."""
    name = safe_text(found.model.name or found.model.class_)
    return f"What each {said.UNITS[found.each]} does to the answer of {name}"


def effects_svg(found: Effects, view: View, *, titled: bool = True) -> str:
    """Return the picture, light or dark as the page that shows it; ``titled``: with its title and what has to be known
    to read it.
    """
    warning = said.noise(found.model)
    drawing = Drawing(_width(found), noise=bool(warning))
    if titled:
        drawing.y = 20.0
        drawing.text(title(found), 0, drawing.y, "title")
        drawing.y += 26
        if warning:
            drawing.paragraph(warning, "bad")
        for note in said.notes(found):
            drawing.paragraph(note, "quiet")
    if found.means:
        drawing.y += 22
        _map(drawing, found, found.means, found.importance)
        _rows(drawing, *_means(found, view))
    for answer in found.answers[:SENTENCES]:
        drawing.y += 22
        lead = f"{answer.sentence + 1}  " if len(found.answers) > 1 else ""
        drawing.paragraph(lead + number_said.heading(found, answer), "head", size=14)
        drawing.paragraph(sentence(number_said.title(found, answer), most=_TITLE), "quiet")
        drawing.y += 8
        _map(drawing, found, answer.effects, answer.importance)
        _rows(drawing, *_effects(found, answer, view))
        if told := said.conclusion(found, answer):
            drawing.y += 8
            drawing.paragraph(told, "strong")
    rest = len(found.answers) - SENTENCES
    if rest > 0:
        drawing.y += 20
        drawing.paragraph(f"... {plural(rest, 'more sentence')}: not in this picture", "quiet")
    drawing.y -= LINE
    return drawing.svg(title(found), name="effects")


def _width(found: Effects) -> float:
    every = [found.means, *(answer.effects for answer in found.answers)] if found.each == "head" else []
    heads = [effect.number or 0 for effects in every for effect in effects]  # type: ignore[attr-defined]
    return max(WIDTH, LEFT + (max(heads, default=0) + 1) * CELL)


def _map(
    drawing: Drawing,
    found: Effects,
    effects: Sequence[Effect] | Sequence[Mean],
    importance: Sequence[Sequence[Number]],
) -> None:
    if found.each != "head":
        return
    layers = list(dict.fromkeys(effect.layer for effect in effects if effect.layer is not None))
    numbers = [[effect.effect for effect in effects if effect.layer == layer] for layer in layers]
    _grid(drawing, layers, numbers, signs=True)
    if importance:
        drawing.paragraph(said.IMPORTANCE, "quiet")
        drawing.y += 4
        _grid(drawing, layers, importance, signs=False)


def _grid(drawing: Drawing, layers: Sequence[int], numbers: Sequence[Sequence[Number]], *, signs: bool) -> None:
    count = max(map(len, numbers), default=0)
    columns = [(str(head), LEFT + head * CELL) for head in range(count)]
    rows = [
        (
            layer,
            [GridCell(x=LEFT + at * CELL, name=f"head {at}", number=number) for at, number in enumerate(row)],
        )
        for layer, row in zip(layers, numbers, strict=True)
    ]
    unit = draw_grid(drawing, columns, rows, signs=signs)
    drawing.y += 16
    drawing.text("; ".join(filter(None, ("·: too small to write", unit))), 0, drawing.y, "quiet")
    drawing.y += 28


def _effects(found: Effects, answer: AnswerEffects, view: View) -> tuple[str, list[Row]]:
    head, effects = shown(found, answer.effects, every=view.all)
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
    return "; in brackets ".join(filter(None, (head or "effects", beside))), rows


def _means(found: Effects, view: View) -> tuple[str, list[Row]]:
    head, means = shown(found, found.means, every=view.all)
    digits = decimals(mean.effect for mean in means)
    rows = []
    for mean in means:
        told = said.part_name(found.each, mean)
        if mean.low is not None and mean.high is not None:
            told += f" ({signed(mean.low, digits)} to {signed(mean.high, digits)})"
        rows.append(Row(name=told, share=float(mean.effect)))
    return f"{head or 'mean effects'}; in brackets the 95 % interval", rows


def _rows(drawing: Drawing, head: str, rows: Sequence[Row]) -> None:
    draw_rows(drawing, [Block(title=head, rows=rows)], decimals(row.share for row in rows))
