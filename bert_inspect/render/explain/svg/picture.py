"""An explanation as SVG: what is explained, the coloured text or the map of components, rows with bars, the sum."""

from ....analysis.explain.explanation import Answer, Explanation
from ....safetext import safe_text
from ...header import edited
from ...words import plural, sentence
from .. import said
from ..page import notes
from ..view import View
from .by_component import draw_components, map_width
from .by_layer import draw_layers
from .by_token import draw_tokens
from .check import draw_check
from .drawing import LINE, Drawing

SENTENCES = 4
"""A picture shows as many sentences at most, and says so."""
_TITLE = 300


def explanation_svg(explanation: Explanation, view: View) -> str:
    """Return the picture, light or dark as the page that shows it."""
    warning = said.noise(explanation.model)
    drawing = Drawing(map_width(explanation), noise=bool(warning))
    name = safe_text(explanation.model.name or explanation.model.class_)
    title = f"Why {name} answers as it does"
    drawing.y = 20.0
    drawing.text(title, 0, drawing.y, "title")
    drawing.y += 26
    if told := edited(explanation.model):
        drawing.paragraph(told.strip(), "bad")
    if warning:
        drawing.paragraph(warning, "bad")
    for note in notes(explanation):
        drawing.paragraph(note, "quiet")
    for answer in explanation.answers[:SENTENCES]:
        drawing.y += 22
        _heading(drawing, explanation, answer)
        _answer(drawing, explanation, answer, view)
        if answer.faithfulness is not None:
            drawing.y += 20
            draw_check(drawing, answer.faithfulness)
    rest = len(explanation.answers) - SENTENCES
    if rest > 0:
        drawing.y += 20
        drawing.paragraph(f"... {plural(rest, 'more sentence')}: not in this picture", "quiet")
    drawing.y -= LINE
    return drawing.svg(title)


def _heading(drawing: Drawing, explanation: Explanation, answer: Answer) -> None:
    lead = f"{answer.sentence + 1}  " if len(explanation.answers) > 1 else ""
    drawing.paragraph(lead + said.heading(explanation, answer), "head", size=14)
    if explanation.by != "token":
        drawing.paragraph(sentence(said.title(explanation, answer), most=_TITLE), "quiet")
    drawing.y += 8


def _answer(drawing: Drawing, explanation: Explanation, answer: Answer, view: View) -> None:
    if explanation.by == "token":
        draw_tokens(drawing, explanation, answer, view)
    elif explanation.by == "component":
        draw_components(drawing, explanation, answer, view)
    else:
        draw_layers(drawing, explanation, answer)
