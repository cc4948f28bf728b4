"""What each edit does in the terminal, and what of them stays on the screen after a pager."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from ...analysis.effects.record import AnswerEffects, Effects
from ...traces.values import Number
from ..explain import said as number_said
from ..header import model_rows
from ..outcome.frame import SENTENCES
from ..outcome.meaning import means_something
from ..words import BAD, DIM, NAME, plural, sentence
from . import said
from .chosen import Shown, shown
from .effect_rows import EffectRows
from .head_map import HeadMap
from .maps import head_map, importance_map
from .mean_rows import MeanRows
from .view import View

_TITLE = 160
_SUMMED_UP = 8
"""How many sentences the summary tells of."""


def ablate_page(found: Effects, view: View) -> Group:
    """Return what `ablate` shows: the model, what was done, and for each sentence what that does to the answer."""
    parts: list[RenderableType] = [model_rows(found.model, found.input), Text()]
    if warning := said.noise(found.model):
        parts.append(Text(warning, style=BAD))
    parts += [Text(note, style=DIM) for note in said.notes(found)]
    if found.means:
        parts += [Text(), *_means(found, view)]
    answers = found.answers if view.all else found.answers[:SENTENCES]
    for answer in answers:
        parts += [Text(), *_heading(found, answer), Text(), *_answer(found, answer, view)]
    return Group(*parts, *_more(found, len(answers)))


def ablate_summary(found: Effects) -> Group:
    """Return what is left on the screen once the pager with `ablate_page` is closed."""
    parts: list[RenderableType] = []
    if found.means:
        parts += [Text(said.averaged(found), style=DIM), *_means(found, View()), Text()]
    answers = found.answers[:_SUMMED_UP]
    for answer in answers:
        parts += [*_heading(found, answer), *_rows(found, answer, View()), Text()]
    return Group(*parts[:-1], *_more(found, len(answers)))


def _heading(found: Effects, answer: AnswerEffects) -> list[Text]:
    several = len(found.answers) > 1
    lead = (f"sentence {answer.sentence + 1}  " if several else "", DIM)
    return [
        Text.assemble(lead, sentence(number_said.title(found, answer), most=_TITLE)),
        Text(number_said.heading(found, answer), style=NAME),
    ]


def _answer(found: Effects, answer: AnswerEffects, view: View) -> Iterator[RenderableType]:
    yield from _maps(found, answer.effects, answer.importance)
    yield from _rows(found, answer, view)


def _means(found: Effects, view: View) -> Iterator[RenderableType]:
    yield from _maps(found, found.means, found.importance)
    title, means = shown(found, found.means, every=view.all)
    if title:
        yield Text(title, style=DIM)
    yield MeanRows(found=found, means=means)


def _maps(found: Effects, effects: Sequence[Shown], importance: Sequence[Sequence[Number]]) -> Iterator[RenderableType]:
    """Yield the map of the effects of heads, and that of their importance; nothing of other parts."""
    if found.each != "head":
        return
    meant = means_something(found.model)
    yield HeadMap(drawn=head_map(effects), meant=meant)
    yield Text()
    if importance:
        yield Text(said.IMPORTANCE, style=DIM)
        yield HeadMap(drawn=importance_map(effects, importance), meant=meant)
        yield Text()


def _rows(found: Effects, answer: AnswerEffects, view: View) -> Iterator[RenderableType]:
    title, effects = shown(found, answer.effects, every=view.all)
    if title:
        yield Text(title, style=DIM)
    yield EffectRows(found=found, answer=answer, effects=effects)
    if told := said.conclusion(found, answer):
        yield Text()
        yield Text(told)


def _more(found: Effects, shown_: int) -> list[Text]:
    rest = len(found.answers) - shown_
    return [Text(), Text(f"... {plural(rest, 'more sentence')}", style=DIM)] if rest > 0 else []
