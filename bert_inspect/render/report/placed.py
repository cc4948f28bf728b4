"""Where a run lies in a corpus, as a section of the page: its answers, its ranges, its dimensions, its heads."""

import math
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from ...profiles.moved.moves import HeadMove
from ...profiles.placement.dimensions import FarDimension
from ...profiles.placement.placement import Placement
from ...profiles.placement.steps import StepPlace
from ...profiles.record import Numbers
from ...traces.record import Input
from ...traces.vocabulary.places import PLACES
from ..outcome.meaning import fine_percent, percent, token_name
from ..profiles import said as profile_said
from ..words import number
from . import placed_said as said

_FIRST = 8
_WIDE = 120.0


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """A tensor as the page shows it."""

    name: str
    verdict: str
    picture: Markup
    here: str
    corpus: str
    large: str


@dataclass(frozen=True, kw_only=True)
class DimensionRow:
    """A dimension as the page shows it; ``where`` is its token's place, ``states`` where it goes beyond the corpus."""

    dimension: int
    state: int
    token: str
    where: str
    value: str
    beyond: bool
    corpus: str
    mean: str
    deviations: str
    states: str


@dataclass(frozen=True, kw_only=True)
class HeadRow:
    """A head as the page shows it."""

    name: str
    place: str
    here: str
    corpus: str
    entropy: str
    entropy_corpus: str


@dataclass(frozen=True, kw_only=True)
class PlacedTold:
    """What the section is filled with: everything in it is text, and safe to show."""

    lead: str
    warnings: list[str]
    selected: str
    answers: list[str]
    steps: str
    rows: list[StepRow]
    groups: list[tuple[str, list[StepRow]]]
    count: int
    dimensions: str
    far: list[DimensionRow]
    heads: list[HeadRow]
    no_heads: bool
    tail: str = said.TAIL
    about_heads: str = said.HEADS
    without_heads: str = said.NO_HEADS


def placed_of(found: Placement, batch: Input) -> PlacedTold:
    """Return what the page shows of where a run over these sentences lies."""
    standing_out = sorted((step for step in found.steps if step.verdict != "usual"), key=_rank)
    return PlacedTold(
        lead=said.lead(found),
        warnings=[*said.warnings(found)],
        selected=profile_said.selection(found.corpus),
        answers=said.answers(found),
        steps=said.steps(found),
        rows=[*map(_step, standing_out[:_FIRST])],
        groups=[(group, [*map(_step, several)]) for group, several in groupby(found.steps, key=_group)],
        count=len(found.steps),
        dimensions=said.dimensions(found),
        far=[_dimension(one, found, batch) for one in found.dimensions],
        heads=[*map(_head, found.heads[:_FIRST])],
        no_heads=not found.corpus.heads,
    )


def _rank(step: StepPlace) -> tuple[int, float]:
    order = ("not finite", "beyond", "large", "usual").index(step.verdict)
    size = step.excess if step.verdict == "beyond" else step.tail.times if step.tail is not None else 0.0
    return order, -size


def _group(step: StepPlace) -> str:
    held = step.held.step
    return held.part or "model" if held.layer is None else f"layer {held.layer}"


def _step(one: StepPlace) -> StepRow:
    tail = one.tail
    return StepRow(
        name=profile_said.name(one.held),
        verdict=said.verdict(one),
        picture=_range(one),
        here=_ends(one.here),
        corpus=_ends(one.corpus),
        large="-" if tail is None else f"{_share(tail.share)} / {_share(tail.corpus)}",
    )


def _share(found: float) -> str:
    return fine_percent(found) if found else "0"


def _ends(numbers: Numbers) -> str:
    if numbers.min is None or numbers.max is None:
        return "-"
    return _span(float(numbers.min), float(numbers.max))


def _span(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}" if low != high else number(low)


def _range(one: StepPlace) -> Markup:
    """Return the range of the corpus as a bar, and that of the run as a line on it; what goes beyond is marked."""
    here, corpus = one.here, one.corpus
    if here.min is None or here.max is None or corpus.min is None or corpus.max is None:
        return Markup("")
    low, high, least, most = (float(each) for each in (here.min, here.max, corpus.min, corpus.max))
    start, end = min(low, least), max(high, most)
    scale = _WIDE / (end - start) if end > start else 0.0
    if not math.isfinite(scale):
        return Markup("")

    def bar(kind: str, first: float, last: float, top: int, tall: int) -> str:
        x, wide = ((first - start) * scale, max((last - first) * scale, 1.5)) if scale else (0.0, _WIDE)
        return f'<rect class="{kind}" x="{min(x, _WIDE - 1.5):.4g}" y="{top}" width="{wide:.4g}" height="{tall}"/>'

    parts = [bar("track", least, most, 0, 12), bar("here", low, high, 4, 4)]
    if one.below:
        parts.append(bar("out", low, least, 4, 4))
    if one.above:
        parts.append(bar("out", most, high, 4, 4))
    return Markup(
        f'<svg class="within" viewBox="0 0 {_WIDE:.0f} 12" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )


def _dimension(one: FarDimension, found: Placement, batch: Input) -> DimensionRow:
    row, place = found.places[one.token]
    return DimensionRow(
        dimension=one.dimension,
        state=one.hidden_state,
        token=token_name(batch, row, place),
        where=f"sentence {row + 1}, token {place}" if len(batch.texts) > 1 else f"token {place}",
        value=number(one.value),
        beyond=one.beyond,
        corpus=_span(one.low, one.high),
        mean=number(one.mean),
        deviations="-" if math.isnan(one.deviations) else f"{one.deviations:+,.1f}",
        states=profile_said.numbers(one.states) or "-",
    )


def _head(move: HeadMove) -> HeadRow:
    return HeadRow(
        name=f"layer {move.a.layer}, head {move.a.head}",
        place=PLACES[move.place],
        here=percent(move.b.shares[move.place]),
        corpus=percent(move.a.shares[move.place]),
        entropy=number(move.b.entropy),
        entropy_corpus=number(move.a.entropy),
    )
