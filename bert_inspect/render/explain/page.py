"""An explanation in the terminal, and what of it stays on the screen after a pager."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from ...analysis.explain.explanation import Answer, Explanation
from ...safetext import safe_text
from ..header import model_rows
from ..outcome.frame import SENTENCES
from ..words import BAD, DIM, NAME, plural, sentence
from . import said
from .by_component import component_parts
from .by_layer import layer_parts
from .by_token import coloured_text, sum_lines, token_parts
from .check import check_parts
from .digits import decimals
from .rows import bias_rows, component_rows, largest, size_of, token_groups
from .sum_rows import Block, SumRows
from .view import View

__all__ = ["View", "explanation_page", "explanation_summary"]

_SUMMED_UP = 8
"""How many sentences the summary tells of."""
_TOP = 5
_TITLE = 160


def explanation_page(explanation: Explanation, view: View) -> Group:
    """Return what `explain` shows: the model, what was held, and for each sentence the number as a sum."""
    parts: list[RenderableType] = [model_rows(explanation.model, explanation.input)]
    warning, told = said.noise(explanation.model), notes(explanation)
    parts += [Text()] if warning or told else []
    parts += [Text(warning, style=BAD)] if warning else []
    parts += [Text(note, style=DIM) for note in told]
    return Group(*parts, *_answers(explanation, view))


def explanation_summary(explanation: Explanation, view: View) -> Group:
    """Return what is left on the screen once the pager with `explanation_page` is closed: what is explained, its
    largest shares, the sum.
    """
    parts: list[RenderableType] = []
    shown = explanation.answers[:_SUMMED_UP]
    for answer in shown:
        parts += [*_heading(explanation, answer), *_in_short(explanation, answer, view), Text()]
    return Group(*parts[:-1], *_more(explanation, len(shown)))


def reasons(explanation: Explanation, title: str, view: View) -> Group:
    """Return what `compare` shows of one side: each number as a sum, below a title."""
    parts: list[RenderableType] = [Text(safe_text(title), style=NAME)]
    if warning := said.noise(explanation.model):
        parts.append(Text(warning, style=BAD))
    return Group(*parts, *_answers(explanation, view))


def _answers(explanation: Explanation, view: View) -> Iterator[RenderableType]:
    """Yield each number as a sum, of the first sentences unless all are asked for."""
    shown = explanation.answers if view.all else explanation.answers[:SENTENCES]
    for answer in shown:
        yield from (Text(), *_heading(explanation, answer), Text(), *_answer(explanation, answer, view))
    yield from _more(explanation, len(shown))


def notes(explanation: Explanation) -> list[str]:
    """Return what has to be known to read the numbers."""
    told = [said.held(explanation)]
    if explanation.by == "component":
        told.insert(0, said.DIRECT)
    return list(filter(None, told))


def _heading(explanation: Explanation, answer: Answer) -> list[Text]:
    several = len(explanation.answers) > 1
    lead = (f"sentence {answer.sentence + 1}  " if several else "", DIM)
    told = Text(said.heading(explanation, answer), style=NAME)
    if explanation.by == "token":
        return [Text.assemble(lead, told)]
    return [Text.assemble(lead, sentence(said.title(explanation, answer), most=_TITLE)), told]


def _answer(explanation: Explanation, answer: Answer, view: View) -> Iterator[RenderableType]:
    if explanation.by == "token":
        yield from token_parts(explanation, answer, view)
    elif explanation.by == "component":
        yield from component_parts(explanation, answer, view)
    else:
        yield from layer_parts(explanation, answer)
    if answer.faithfulness is not None:
        yield Text()
        yield from check_parts(answer.faithfulness)


def _in_short(explanation: Explanation, answer: Answer, view: View) -> Iterator[RenderableType]:
    if explanation.by == "layer":
        yield from layer_parts(explanation, answer)[:1]
        return
    if explanation.by == "token":
        yield from coloured_text(explanation, answer, view)
        rows = [row for group in token_groups(explanation.input, answer, words=view.words) for row in group.rows]
        rows += bias_rows(answer)
        names = "largest tokens and biases"
    else:
        rows, names = component_rows(answer), "largest components"
    top = largest(rows, _TOP, ordered=lambda row: -size_of(row))
    digits = decimals(row.share for row in rows)
    yield SumRows(blocks=[Block(title=names, rows=top)], digits=digits)
    yield from sum_lines(answer, digits)
    if answer.faithfulness is not None:
        yield Text(said.verdict(answer.faithfulness))


def _more(explanation: Explanation, shown: int) -> list[Text]:
    rest = len(explanation.answers) - shown
    return [Text(), Text(f"... {plural(rest, 'more sentence')}", style=DIM)] if rest > 0 else []
