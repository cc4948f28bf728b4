"""What each edit does, as SVG: for each sentence a map of the heads, rows with bars, what becomes of the answer."""

from collections.abc import Sequence

from ...analysis.effects.record import Effects
from ...traces.values import Number
from ..explain import said as number_said
from ..explain.digits import decimals, signed
from ..explain.rows import Row
from ..explain.svg.drawing import Drawing
from ..words import plural, sentence
from . import said
from .chosen import Shown, shown
from .maps import head_map, importance_map
from .picture_parts import draw_effects, draw_map, draw_named
from .view import View

SENTENCES = 4
"""A picture shows as many sentences at most, and says so."""
_TITLE = 300


def draw_ablation(drawing: Drawing, found: Effects, view: View) -> None:
    """Draw the effects on each answer, or the mean effects."""
    if found.means:
        drawing.y += 22
        _map(drawing, found, found.means, found.importance)
        draw_named(drawing, *_means(found, view))
    for answer in found.answers[:SENTENCES]:
        drawing.y += 22
        lead = f"{answer.sentence + 1}  " if len(found.answers) > 1 else ""
        drawing.paragraph(lead + number_said.heading(found, answer), "head", size=14)
        drawing.paragraph(sentence(number_said.title(found, answer), most=_TITLE), "quiet")
        drawing.y += 8
        _map(drawing, found, answer.effects, answer.importance)
        draw_effects(drawing, found, answer, answer.effects, view)
        if told := said.conclusion(found, answer):
            drawing.y += 8
            drawing.paragraph(told, "strong")
    rest = len(found.answers) - SENTENCES
    if rest > 0:
        drawing.y += 20
        drawing.paragraph(f"... {plural(rest, 'more sentence')}: not in this picture", "quiet")


def _map(drawing: Drawing, found: Effects, effects: Sequence[Shown], importance: Sequence[Sequence[Number]]) -> None:
    if found.each != "head":
        return
    draw_map(drawing, head_map(effects))
    if importance:
        drawing.paragraph(said.IMPORTANCE, "quiet")
        drawing.y += 4
        draw_map(drawing, importance_map(effects, importance))


def _means(found: Effects, view: View) -> tuple[str, list[Row]]:
    head, means = shown(found, found.means, every=view.all)
    digits = decimals(mean.effect for mean in means)
    rows = []
    for mean in means:
        told = said.part_name(found.each, mean)
        brackets = [f"flips {mean.flips:,}"]
        if mean.low is not None and mean.high is not None:
            brackets.insert(0, f"{signed(mean.low, digits)} to {signed(mean.high, digits)}")
        told += f" ({'; '.join(brackets)})"
        rows.append(Row(name=told, share=float(mean.effect)))
    interval = "the 95 % interval, and " if any(mean.low is not None for mean in means) else ""
    return f"{head or 'mean effects'}; in brackets {interval}how many answers it flips", rows
