"""Patches in the terminal: both answers, a map of tokens by layers or of heads, and the largest effects."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...analysis.effects.record import AnswerEffects, Effects
from ..header import model_rows
from ..outcome.meaning import means_something
from ..words import BAD, DIM, NAME, sentence
from . import patch_said
from .chosen import shown
from .effect_rows import EffectRows
from .head_map import HeadMap
from .maps import as_shares, patch_map
from .token_map import TokenMap
from .view import View

_TITLE = 120


def patch_page(found: Effects, view: View) -> Group:
    """Return what `patch` shows: the model, both answers, what was put in, and how much of the answer that carries
    over.
    """
    parts: list[RenderableType] = [model_rows(found.model, found.input), Text()]
    if warning := patch_said.noise(found.model):
        parts += [Text(warning, style=BAD), Text()]
    for answer in found.answers:
        parts += [_runs(found, answer), Text(), Text(patch_said.done(found), style=DIM)]
        parts += [Text(patch_said.reading(found), style=DIM), Text(), *_map(found, answer), *_rows(found, answer, view)]
    return Group(*parts)


def patch_summary(found: Effects) -> Group:
    """Return what is left on the screen once the pager with `patch_page` is closed."""
    parts: list[RenderableType] = []
    for answer in found.answers:
        parts += [_runs(found, answer), Text(), *_rows(found, answer, View())]
    return Group(*parts)


def _runs(found: Effects, answer: AnswerEffects) -> Table:
    """Return the two sentences, what the model answers to each, and the number that is watched."""
    rows = Table.grid(padding=(0, 2))
    for _ in range(4):
        rows.add_column()
    rows.columns[3].justify = "right"
    told = patch_said.runs(found, answer)
    answered = any(given for _, _, given, _ in told)
    rows.add_row("", "", Text("answer" if answered else ""), Text(patch_said.number(found)))
    rows.columns[0].style = DIM
    for name, text, given, number in told:
        shown_text = Text(sentence(text, most=_TITLE), overflow="fold")
        rows.add_row(name, shown_text, Text(given, style=NAME), Text(number))
    return rows


def _map(found: Effects, answer: AnswerEffects) -> Iterator[RenderableType]:
    """Yield the map of hidden states, or of heads; nothing of whole blocks."""
    drawn, meant = patch_map(found, answer), means_something(found.model)
    if drawn is not None:
        yield TokenMap(drawn=drawn, meant=meant) if drawn.of == "token" else HeadMap(drawn=drawn, meant=meant)
        yield Text()


def _rows(found: Effects, answer: AnswerEffects, view: View) -> Iterator[RenderableType]:
    """Yield the largest effects, each with a bar of how much it carries over."""
    title, effects = shown(found, as_shares(answer.effects), every=view.all)
    if title:
        yield Text(title, style=DIM)
    yield EffectRows(found=found, answer=answer, effects=effects)
    if told := patch_said.conclusion(found, answer):
        yield Text()
        yield Text(told)
