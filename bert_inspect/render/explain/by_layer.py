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


def layer_columns(explanation: Explanation, answer: Answer) -> tuple[list[str], list[str], list[str], list[str]]:
    """Return the columns of the table, each with its title: hidden state, number, probability, answer. One that says
    nothing is empty; the answers of a random head are.
    """
    rows, meant = answer.layers, means_something(explanation.model)
    digits = decimals(row.value for row in rows)
    shares = ["" if row.probability is None else percent(row.probability) for row in rows]
    answers = [safe_text(row.answer, most=LABEL) if meant else "" for row in rows]
    return (
        ["", *(f"hidden_states[{row.layer}]" for row in rows)],
        [said.unit(answer), *(plain(row.value, digits) for row in rows)],
        ["probability" if any(shares) else "", *shares],
        ["answer" if any(answers) else "", *answers],
    )


class LayerRows:
    """What the head answers from each hidden state, as a Rich renderable."""

    def __init__(self, explanation: Explanation, answer: Answer) -> None:
        self._explanation, self._answer = explanation, answer

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        rows = self._answer.layers
        places, values, shares, answers = layer_columns(self._explanation, self._answer)
        place, value, share = (max(map(len, column)) for column in (places, values, shares))
        answer = min(_ANSWER, max(map(cell_len, answers)))
        on = axis([row.value for row in rows], options.max_width - place - value - share - answer - 8)
        for at in range(len(rows) + 1):
            style = DIM if at == 0 else NAME if at == len(rows) else PLAIN
            line = Text.assemble((places[at].ljust(place) + "  ", DIM), (values[at].rjust(value), style))
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
