"""What moved between two profiles, in the terminal: the answer first, then the steps, heads, dimensions, units."""

import math
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...profiles.findings.ranges import Range
from ...profiles.moved.moves import HeadMove, Moves
from ...profiles.moved.shift import Shift
from ...profiles.record import Answers
from ...safetext import safe_text
from ...traces.vocabulary.places import PLACES
from ..outcome.meaning import means_something, named, percent
from ..words import BAD, DIM, GOOD, NAME, number, plural
from . import said
from .range_rows import loss
from .ranked_table import Column, RankedTable
from .view import View

_STEPS, _HEADS = 12, 10
_LEAST = 0.005
"""From this change of its share on a head is told to have moved."""
LEGEND = (
    "distance: the share of the numbers that would have to move for the histograms to be alike (total variation); "
    "mean: how far it moved, in standard deviations of A; std: how many times that of A"
)
CHANCE = (
    "by chance: the distance on average of two samples of one distribution, were their numbers independent; "
    "other sentences alone move at least that much"
)


def diff_page(found: Moves, view: View) -> Group:
    """Return what `profile diff` shows."""
    parts: list[RenderableType] = [answer(found)]
    for what, one, other in found.differs:
        parts.append(Text.assemble((f"{what}: ", DIM), safe_text(one), (" / ", DIM), safe_text(other)))
    for name, profile in (("A", found.a), ("B", found.b)):
        if noise := said.noise(profile):
            parts.append(Text(f"{name}: {noise}", style=BAD))
    if found.same or empty(found):
        return Group(*parts)
    parts += [Text(), *_steps(found, view)]
    if not view.narrowed:
        parts += [Text(), *_heads(found), Text(), *_dimensions(found), *_units(found), *_answers(found)]
    return Group(*parts)


def answer(found: Moves) -> Text:
    """Return whether anything moved, and what moved most."""
    if found.same:
        return Text("the same: every number of the two profiles", style=GOOD)
    if none := empty(found):
        return Text(f"nothing to compare: there is no sentence in {' and '.join(none)}", style=BAD)
    most = next((one for one in found.steps if one.distance > one.chance), None)
    if most is None:
        return Text(f"they differ, but no histogram {'does' if found.paired else 'more than by chance'}", style=BAD)
    told = f"what moved most: {said.name(most.a.held)}, {percent(most.distance)} of its numbers"
    return Text(told, style=BAD)


def empty(found: Moves) -> list[str]:
    """Return which of the two hold no sentence, as a shard beyond the end of its corpus does."""
    return [name for name, profile in (("A", found.a), ("B", found.b)) if not profile.input.sentences]


def _steps(found: Moves, view: View) -> Iterator[RenderableType]:
    steps = [one for one in found.steps if view.wants(one.a.held)]
    shown = steps if view.all or view.narrowed else steps[:_STEPS]
    yield Text("steps", style=NAME)
    yield RankedTable(names=[said.name(one.a.held) for one in shown], columns=[*_columns(shown, paired=found.paired)])
    if len(shown) < len(steps):
        yield Text(f"... {plural(len(steps) - len(shown), 'more step')}: --all shows them", style=DIM)
    yield Text(LEGEND, style=DIM)
    if not found.paired:
        yield Text(CHANCE, style=DIM)


def _columns(found: Sequence[Shift], *, paired: bool) -> Iterator[Column]:
    yield Column(title="distance", texts=[percent(one.distance) for one in found], rank=0)
    if not paired:
        yield Column(title="by chance", texts=[percent(one.chance) for one in found], rank=0)
    yield Column(title="mean", texts=[_moved(one.mean) for one in found], rank=1)
    yield Column(title="std", texts=["-" if math.isnan(one.std) else f"x {one.std:.2f}" for one in found], rank=1)
    yield Column(title="largest A", texts=[_largest(one.a) for one in found], rank=3)
    yield Column(title="B", texts=[_largest(one.b) for one in found], rank=3)
    yield Column(title="int8 error A", texts=[loss(one.a) for one in found], rank=2)
    yield Column(title="B", texts=[loss(one.b) for one in found], rank=2)


def _moved(deviations: float) -> str:
    text = "-" if math.isnan(deviations) else f"{deviations:+.2f}"
    return "0.00" if text.strip("+-") == "0.00" else text


def _largest(one: Range) -> str:
    numbers = one.held.numbers
    if numbers is None or numbers.min is None or numbers.max is None:
        return "-"
    low, high = float(numbers.min), float(numbers.max)
    return number(low if abs(low) > abs(high) else high)


def _heads(found: Moves) -> Iterator[RenderableType]:
    moved = [one for one in found.heads if abs(one.change) >= _LEAST]
    yield Text("heads", style=NAME)
    unknown = sum(math.isnan(one.change) for one in found.heads)
    if unknown:
        yield Text(f"of {plural(unknown, 'head')} it is not known, as attention is NaN", style=BAD)
    if not moved and unknown:
        return
    if not moved:
        least = "no head's attention on any place moved by more than half a percent"
        yield Text(least if found.heads else "no attention probabilities are in these profiles", style=DIM)
        return
    table = _table()
    for title in ("head", "looks at", "A", "B", "entropy, bits A", "B"):
        table.add_column(title, justify="right" if title[0] in "Ae" or title == "B" else "left")
    for one in moved[:_HEADS]:
        table.add_row(*map(Text, _head(one)))
    yield table
    if len(moved) > _HEADS:
        yield Text(f"... {plural(len(moved) - _HEADS, 'more head')}", style=DIM)


def _head(one: HeadMove) -> list[str]:
    shares = (percent(each.shares[one.place]) for each in (one.a, one.b))
    entropies = (number(each.entropy) for each in (one.a, one.b))
    return [f"layer {one.a.layer}, head {one.a.head}", PLACES[one.place], *shares, *entropies]


def _dimensions(found: Moves) -> Iterator[RenderableType]:
    yield Text("outlier dimensions", style=NAME)
    for one in found.gained:
        text = said.outlier(one, found.hidden_states)
        yield Text.assemble((f"dimension {one.dimension} became one: ", NAME), text)
    for one in found.lost:
        text = said.outlier(one, found.hidden_states)
        yield Text.assemble((f"dimension {one.dimension} is none any more: ", NAME), text)
    if not found.gained and not found.lost:
        yield Text("the same ones in both, or none", style=DIM)


def _units(found: Moves) -> Iterator[RenderableType]:
    yield Text()
    yield Text("dead units (or nearly)", style=NAME)
    for layer in found.units:
        told = [
            f"{plural(len(units), 'unit')} {what}: {said.some(units)}"
            for what, units in (("died", layer.gained), ("revived", layer.lost))
            if units
        ]
        yield Text(f"layer {layer.layer}: {'; '.join(told)}")
    if not found.units:
        yield Text("the same ones in both, or none", style=DIM)


def _answers(found: Moves) -> Iterator[RenderableType]:
    one, other = found.a.answers, found.b.answers
    if one is None or other is None or not any(one.counts) or not any(other.counts):
        return
    yield Text()
    yield Text("answers", style=NAME)
    if not (means_something(found.a.model) and means_something(found.b.model)):
        yield Text("none: the weights that make them are random", style=DIM)
    elif (one.of, one.classes) != (other.of, other.classes):
        yield Text("the two choose between other classes", style=DIM)
    else:
        yield _classes(one, other)


def _classes(one: Answers, other: Answers) -> Table:
    table = _table()
    table.add_column("answer")
    for title in ("A", "B"):
        table.add_column(title, justify="right")
    mine, theirs = ([count / sum(each.counts) for count in each.counts] for each in (one, other))
    order = sorted(range(len(mine)), key=lambda place: -abs(theirs[place] - mine[place]))
    for place in order[:_STEPS]:
        name = named(one.classes[place], place, meant=True)
        table.add_row(Text(name, NAME), percent(mine[place]), percent(theirs[place]))
    if one.labelled and other.labelled:
        table.add_row("right", percent(one.right / one.labelled), percent(other.right / other.labelled))
    if one.calibration_error is not None and other.calibration_error is not None:
        table.add_row("calibration error", percent(one.calibration_error), percent(other.calibration_error))
    return table


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=DIM, padding=(0, 2, 0, 0))
