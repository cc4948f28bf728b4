"""What the head answers from each hidden state as SVG: a row a layer with its number and a bar."""

from ....analysis.explain.explanation import Answer, Explanation
from ...font import shortened, text_width
from ..by_layer import layer_columns, layer_notes
from .drawing import ROW, TEXT, Drawing
from .rows import draw_bar, scale

_ANSWER = 180.0


def draw_layers(drawing: Drawing, explanation: Explanation, answer: Answer) -> None:
    """Draw one answer: a row for each hidden state, and what has to be known to read them."""
    places, values, shares, answers = layer_columns(explanation, answer)
    place, value, share, name = (
        max((text_width(text, TEXT) for text in column), default=0) for column in (places, values, shares, answers)
    )
    name = min(name, _ANSWER)
    numbers = place + 16 + value
    right = drawing.width - (share + 16 if share else 0) - (name + 16 if name else 0)
    bare = [float(row.value) for row in answer.layers]
    zero, unit = scale(bare, numbers + 16, right)
    drawing.y += 4
    top = drawing.y + 6
    for at in range(len(places)):
        style = "quiet" if at == 0 else "strong" if at == len(places) - 1 else ""
        drawing.text(places[at], 0, drawing.y, "quiet")
        drawing.text(values[at], numbers, drawing.y, f"{style} end")
        drawing.text(shares[at], right + 16 + share, drawing.y, f"{style} end")
        drawing.text(shortened(answers[at], TEXT, name), right + 16 + share + 16, drawing.y, style)
        if at:
            told = " ".join(filter(None, (places[at], values[at], shares[at], answers[at])))
            drawing.words.append(told)
            draw_bar(drawing, bare[at - 1], zero, unit, what=told)
        drawing.y += ROW
    drawing.line([(zero, top), (zero, drawing.y - 15)], "zero")
    drawing.y += 8
    for note in layer_notes(answer):
        drawing.paragraph(note, "quiet")
