"""What the head answers from each hidden state, in the terminal: a row a layer with its number and a bar."""

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from ...analysis.explain.explanation import Answer, Explanation
from ...safetext import safe_text
from ..outcome.meaning import LABEL, means_something, percent
from ..words import DIM, NAME, PLAIN
from . import said
from .bars import axis, bar
from .digits import decimals, plain
from .sum_rows import fitted

_ANSWER = 24


def layer_parts(explanation: Explanation, answer: Answer) -> list[RenderableType]:
    """Return what is shown of one answer: a row for each hidden state, and what has to be known to read them."""
    told = [Text(note, style=DIM) for note in layer_notes(answer)]
    return [LayerRows(explanation, answer), Text(), *told]


def layer_notes(answer: Answer) -> list[str]:
    """Return what is said of the hidden states: that the last is the output, what the first one cannot know."""
    last = max((row.layer for row in answer.layers), default=0)
    told = [f"The answer from hidden_states[{last}] is the model's output. {said.LAYERS}"]
    return [*told, said.CONSTANT] if answer.constant_at_0 else told


class LayerRows:
    """What the head answers from each hidden state, as a Rich renderable."""

    def __init__(self, explanation: Explanation, answer: Answer) -> None:
        self._answer = answer
        self._meant = means_something(explanation.model)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = self._answer.layers
        digits = decimals(row.value for row in rows)
        places = [f"hidden_states[{row.layer}]" for row in rows]
        values = [said.unit(self._answer), *(plain(row.value, digits) for row in rows)]
        shares = ["probability", *("" if row.probability is None else percent(row.probability) for row in rows)]
        answers = ["answer", *(safe_text(row.answer, most=LABEL) if self._meant else "" for row in rows)]
        shares = shares if any(shares[1:]) else [""] * len(shares)
        answers = answers if any(answers[1:]) else [""] * len(answers)
        place, value, share = (max(map(len, column), default=0) for column in (places, values, shares))
        answer = min(_ANSWER, max(map(cell_len, answers)))
        on = axis([row.value for row in rows], options.max_width - place - value - share - answer - 8)
        for at in range(len(rows) + 1):
            style = DIM if at == 0 else NAME if at == len(rows) else PLAIN
            line = Text.assemble(
                ((places[at - 1] if at else "").ljust(place) + "  ", DIM), (values[at].rjust(value), style)
            )
            line.no_wrap, line.overflow = True, "ignore"
            if on and at:
                drawn = bar(float(rows[at - 1].value), on, ascii_only=options.ascii_only, colors=console.color_system)
                line.append("  ").append_text(drawn)
            elif on:
                line.append(" " * (on.width + 2))
            if share:
                line.append("  " + shares[at].rjust(share), style)
            if answer:
                line.append("  " + fitted(answers[at], answer), style)
            yield line
