"""Patches in the terminal: both answers, a map of tokens by layers or of heads, and the largest effects."""

from collections.abc import Iterator

from msgspec import structs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...analysis.effects.record import AnswerEffects, Effect, Effects
from ...traces.token_text import shown_token
from ...traces.values import Number
from ..explain import said as number_said
from ..explain.digits import decimals, plain
from ..header import model_rows
from ..outcome.meaning import means_something
from ..words import BAD, DIM, NAME, sentence
from . import patch_said
from .chosen import shown
from .effect_rows import EffectRows
from .head_map import HeadMap
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
    numbers = [float(number or 0.0) for number in (answer.clean, answer.corrupt)]
    digits = decimals(numbers)
    meant = means_something(found.model)
    rows = Table.grid(padding=(0, 2))
    for _ in range(4):
        rows.add_column()
    rows.columns[3].justify = "right"
    rows.add_row("", "", Text("answer" if answer.clean_answer and meant else ""), Text(patch_said.number(found)))
    rows.columns[0].style = DIM
    for row, (name, told) in enumerate((("clean", answer.clean_answer), ("corrupt", answer.corrupt_answer))):
        one = structs.replace(answer, sentence=row)
        rows.add_row(
            name,
            Text(sentence(number_said.title(found, one), most=_TITLE), overflow="fold"),
            Text(patch_said.answer(found, told), style=NAME),
            Text(plain(numbers[row], digits)),
        )
    return rows


def _map(found: Effects, answer: AnswerEffects) -> Iterator[RenderableType]:
    """Yield the map of hidden states, or of heads; nothing of whole blocks."""
    meant = means_something(found.model)
    if found.each == "layer-token":
        tokens = list(dict.fromkeys(effect.tokens[0] for effect in answer.effects))
        rows = [[_share(effect) for effect in answer.effects if effect.tokens == [place]] for place in tokens]
        names = [patch_said.token(found, answer, place) for place in tokens]
        other = 1 - answer.sentence
        differ = [
            shown_token(found.input, answer.sentence, place) != shown_token(found.input, other, place)
            for place in tokens
        ]
        yield TokenMap(rows=rows, names=names, places=tokens, marked=differ, meant=meant)
        yield Text()
    elif found.each == "head":
        layers = list(dict.fromkeys(effect.layer or 0 for effect in answer.effects))
        rows = [[_share(effect) for effect in answer.effects if effect.layer == layer] for layer in layers]
        yield HeadMap(rows=rows, layers=layers, meant=meant)
        yield Text()


def _rows(found: Effects, answer: AnswerEffects, view: View) -> Iterator[RenderableType]:
    """Yield the largest effects, each with a bar of how much it carries over."""
    as_shares = [structs.replace(effect, effect=_share(effect)) for effect in answer.effects]
    title, effects = shown(found, as_shares, every=view.all)
    if title:
        yield Text(title, style=DIM)
    yield EffectRows(found=found, answer=answer, effects=effects)
    if told := patch_said.conclusion(found, answer):
        yield Text()
        yield Text(told)


def _share(effect: Effect) -> Number:
    assert effect.normalised is not None, "every patch has one"
    return effect.normalised
