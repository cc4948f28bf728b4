"""Effects as the page shows them: maps, rows with bars, the two sentences of a patch token by token."""

from collections.abc import Sequence
from dataclasses import replace

from ...analysis.effects.record import AnswerEffects, Effect, Effects
from ...traces.sentences import real_places
from ..effects import patch_said, said
from ..effects.chosen import shown
from ..effects.maps import TOKENS, EffectMap, as_shares, head_map, importance_map, patch_map
from ..effects.picture import noise, notes
from ..effects.view import View
from ..explain import said as number_said
from ..explain.digits import decimals, signed
from ..explain.rows import Row
from ..outcome.meaning import fine_percent
from ..words import sentence
from .mapped import NumberRow, map_of
from .told import Bar, Map, Table
from .told_effects import Edited, EffectsTold, Pair, Run
from .why import bars_of

SENTENCES = 32
_SMALL = "·: too small to write"
_CAPTIONS = {
    ("head", True): "effect of each head",
    ("head", False): "importance of each head",
    ("token", True): "effect of each hidden state",
}


def effects_of(found: Effects, view: View, *, most: int = SENTENCES) -> EffectsTold:
    """Return what the page shows of effects: of so many sentences at most, unless all are asked for."""
    answers = found.answers if view.all else found.answers[:most]
    make = _patched if found.command == "patch" else _ablated
    lead, *others = notes(found)
    return EffectsTold(
        noise=noise(found),
        lead=lead,
        notes=others,
        answers=[*([_means(found, view)] if found.means else []), *(make(found, answer, view) for answer in answers)],
        more=len(found.answers) - len(answers),
    )


def _ablated(found: Effects, answer: AnswerEffects, view: View) -> Edited:
    number = f"{answer.sentence + 1}  " if len(found.answers) > 1 else ""
    maps = []
    if found.each == "head":
        maps = [("", _map(head_map(answer.effects)))]
        if answer.importance:
            maps.append((said.IMPORTANCE, _map(importance_map(answer.effects, answer.importance))))
    return Edited(
        heading=number + number_said.heading(found, answer),
        title=sentence(number_said.title(found, answer)),
        maps=maps,
        table=_table(found, answer, answer.effects, view),
        what=_what(found),
        conclusion=said.conclusion(found, answer),
    )


def _patched(found: Effects, answer: AnswerEffects, view: View) -> Edited:
    drawn = patch_map(found, answer)
    tokens = [[patch_said.token(found, row, place) for row in (0, 1)] for place in real_places(found.input, 0)]
    differ = [patch_said.differs(found, place) for place in real_places(found.input, 0)]
    return Edited(
        number=patch_said.number(found),
        runs=[
            Run(name=name, text=sentence(text), answer=told, number=value)
            for name, text, told, value in patch_said.runs(found, answer)
        ],
        pairs=[
            Pair(clean=clean, corrupt=corrupt, differs=other)
            for (clean, corrupt), other in zip(tokens, differ, strict=True)
        ],
        maps=[] if drawn is None else [("", _map(drawn))],
        table=_table(found, answer, as_shares(answer.effects), view),
        what=_what(found),
        conclusion=patch_said.conclusion(found, answer),
    )


def _means(found: Effects, view: View) -> Edited:
    maps = []
    if found.each == "head":
        maps = [("", _map(head_map(found.means)))]
        if found.importance:
            maps.append((said.IMPORTANCE, _map(importance_map(found.means, found.importance))))
    head, means = shown(found, found.means, every=view.all)
    digits = decimals(mean.effect for mean in means)
    bars = bars_of([Row(name=said.part_name(found.each, mean), share=float(mean.effect)) for mean in means], digits)
    intervals = [
        "" if mean.low is None or mean.high is None else f"{signed(mean.low, digits)} to {signed(mean.high, digits)}"
        for mean in means
    ]
    flips = [f"{mean.flips:,} of {mean.sentences:,}" for mean in means]
    titles = ("95 % interval", "flips")
    return Edited(
        maps=maps, table=_with_columns(head, bars, titles, list(zip(intervals, flips, strict=True))), what=_what(found)
    )


def _map(drawn: EffectMap) -> Map:
    digits = decimals(number for row in drawn.rows for number in row.numbers)
    tokens = drawn.of == "token"
    rows = [
        NumberRow(mark=str(row.place), name=f"{row.name} *" if row.marked else row.name, numbers=row.numbers)
        for row in drawn.rows
    ]
    return map_of(
        rows,
        [str(at) for at in range(drawn.columns)],
        caption="; ".join(filter(None, (_CAPTIONS[drawn.of, drawn.signs], TOKENS if tokens else "", _SMALL))),
        corner="hidden_states" if tokens else "head",
        cell=drawn.column,
        digits=digits,
        tokens=tokens,
        signs=drawn.signs,
    )


def _table(found: Effects, answer: AnswerEffects, effects: Sequence[Effect], view: View) -> Table:
    head, effects = shown(found, effects, every=view.all)
    digits = decimals(effect.effect for effect in effects)
    rows = [
        Row(
            name=said.name(found, answer, effect),
            share=float(effect.effect),
            place=effect.tokens[0] if effect.tokens else None,
        )
        for effect in effects
    ]
    shares = ["" if effect.probability is None else fine_percent(effect.probability) for effect in effects]
    flips = [said.other_answer(found, effect) for effect in effects]
    return _with_columns(
        head, bars_of(rows, digits), ("probability", "flips to"), list(zip(shares, flips, strict=True))
    )


def _with_columns(head: str, bars: Sequence[Bar], titles: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    """Return rows with further columns behind their bars; one in which nothing stands is left out."""
    kept = [at for at in range(len(titles)) if any(row[at] for row in cells)]
    return Table(
        title=head,
        columns=(),
        rows=[replace(bar, after=tuple(row[at] for at in kept)) for bar, row in zip(bars, cells, strict=True)],
        after=tuple(titles[at] for at in kept),
    )


def _what(found: Effects) -> str:
    """Return what the rows are."""
    if found.each == "layer-token":
        return "hidden state"
    return {"intermediate": "feed-forward"}.get(found.each, found.each)
