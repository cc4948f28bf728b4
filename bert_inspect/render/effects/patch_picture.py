"""Patches as SVG: both answers, the two sentences token by token, a map, the rows with bars."""

from ...analysis.effects.record import AnswerEffects, Effects
from ...traces.sentences import real_places
from ..explain.svg.drawing import ROW, TEXT, Drawing
from ..font import shortened, text_width
from ..words import sentence
from . import patch_said
from .maps import as_shares, patch_map
from .picture_parts import draw_effects, draw_map
from .view import View

_TITLE = 300
_SIDE, _GAP, _TOKEN = 60.0, 14.0, 220.0
"""The room for the names of the runs, what lies between two tokens, and the most room for one."""
_TEXT = 420.0
"""The most room for a sentence beside its answer."""


def draw_patches(drawing: Drawing, found: Effects, view: View) -> None:
    """Draw what each patch carries over."""
    for answer in found.answers:
        drawing.y += 22
        _runs(drawing, found, answer)
        _aligned(drawing, found)
        drawn = patch_map(found, answer)
        if drawn is not None:
            draw_map(drawing, drawn)
        draw_effects(drawing, found, answer, as_shares(answer.effects), view)
        if told := patch_said.conclusion(found, answer):
            drawing.y += 8
            drawing.paragraph(told, "strong")


def _runs(drawing: Drawing, found: Effects, answer: AnswerEffects) -> None:
    """Draw a row for each run: its sentence, what the model answers, the number that is watched."""
    rows = patch_said.runs(found, answer)
    texts = [shortened(sentence(text, most=_TITLE), TEXT, _TEXT) for _, text, _, _ in rows]
    given = _SIDE + max(text_width(text, TEXT) for text in texts) + 2 * _GAP
    answered = max(text_width(each, TEXT, bold=True) for _, _, each, _ in rows)
    number = given + answered + (2 * _GAP if answered else 0)
    if answered:
        drawing.text("answer", given, drawing.y, "quiet")
    watched = shortened(patch_said.number(found), TEXT, drawing.width - number)
    drawing.text(watched, number, drawing.y, "quiet")
    end = number + max(text_width(text, TEXT) for text in (watched, *(value for *_, value in rows)))
    drawing.y += ROW
    for (name, _, told, value), text in zip(rows, texts, strict=True):
        drawing.words.append(f"{name}: {text}  {told}  {value}")
        drawing.text(name, 0, drawing.y, "quiet")
        drawing.text(text, _SIDE, drawing.y)
        drawing.text(told, given, drawing.y, "strong")
        drawing.text(value, end, drawing.y, "end")
        drawing.y += ROW


def _aligned(drawing: Drawing, found: Effects) -> None:
    """Draw the tokens of both sentences above each other, those marked that differ."""
    drawing.y += ROW
    x = _SIDE
    _sides(drawing)
    for place in real_places(found.input, 0):
        pair = [shortened(patch_said.token(found, row, place), TEXT, _TOKEN) for row in (0, 1)]
        differs = patch_said.differs(found, place)
        width = max(text_width(text, TEXT, bold=differs) for text in pair)
        if x > _SIDE and x + width > drawing.width:
            x, drawing.y = _SIDE, drawing.y + 2 * ROW + 10
            _sides(drawing)
        if differs:
            drawing.box(x - 4, drawing.y - 14, width + 8, 2 * ROW, style="empty")
        for row, text in enumerate(pair):
            drawing.text(text, x, drawing.y + row * ROW, "strong" if differs else "")
        x += width + _GAP
    drawing.y += 2 * ROW + 16


def _sides(drawing: Drawing) -> None:
    for row, name in enumerate(("clean", "corrupt")):
        drawing.text(name, 0, drawing.y + row * ROW, "quiet")
