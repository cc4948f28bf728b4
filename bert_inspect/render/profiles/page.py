"""A profile in the terminal, and what of it stays on the screen after a pager."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...profiles.findings.found import Findings, findings
from ...profiles.findings.ranges import ranges, worst
from ...profiles.record import Profile
from ...profiles.tensors import tensors
from ..header import only_model_rows
from ..outcome.meaning import means_something
from ..words import BAD, DIM, NAME, plural
from . import said
from .answer_rows import answer_rows
from .head_rows import head_rows
from .magnitude_map import MagnitudeMap
from .range_rows import LEGEND, RangeRows
from .unit_rows import unit_rows
from .view import View

_WORST = 12
_MASSIVE = 8


def profile_page(profile: Profile, view: View) -> Group:
    """Return what `profile show` shows: what was profiled, what stands out, how large the steps get."""
    parts: list[RenderableType] = [*_head(profile), Text()]
    if nothing := said.nothing(profile.input):
        return Group(*parts, Text(nothing))
    if view.narrowed:
        parts += _ranges(profile, view)
        return Group(*parts)
    found = findings(profile)
    parts += [*_outliers(found), Text()]
    if found.magnitudes:
        parts += [Text("magnitudes", style=NAME), MagnitudeMap(states=found.magnitudes), Text()]
    parts += [Text("heads", style=NAME), *head_rows(found.heads), Text()]
    parts += [Text("units", style=NAME), *unit_rows(found.units), Text()]
    parts += _ranges(profile, view)
    parts += _answers(profile)
    return Group(*parts)


def profile_summary(profile: Profile) -> Group:
    """Return what is left on the screen once the pager with `profile_page` is closed."""
    if nothing := said.nothing(profile.input):
        return Group(*_head(profile), Text(), Text(nothing))
    found = findings(profile)
    return Group(*_head(profile), Text(), *_outliers(found), Text(said.units(found.units)))


def _head(profile: Profile) -> Iterator[RenderableType]:
    rows: Table = only_model_rows(profile.model)
    rows.add_row("corpus", Text(f"{said.files(profile.input)}: {said.corpus(profile)}"))
    if lacking := said.blocks(profile.input):
        rows.add_row("", Text(lacking, style=BAD))
    if selected := said.selection(profile):
        rows.add_row("selected", Text(f"{selected}; other steps were not profiled"))
    yield rows
    if noise := said.noise(profile):
        yield Text()
        yield Text(noise, style=BAD)


def _outliers(found: Findings) -> Iterator[RenderableType]:
    yield Text("outlier dimensions", style=NAME)
    for one in found.outliers:
        yield Text.assemble((f"dimension {one.dimension}: ", NAME), said.outlier(one, len(found.magnitudes)))
    if not found.outliers:
        yield Text(said.no_outliers(found))
    for massive in found.massive[:_MASSIVE]:
        yield Text.assemble((f"massive activation, dimension {massive.dimension}: ", NAME), said.massive(massive))
    if len(found.massive) > _MASSIVE:
        yield Text(f"... {plural(len(found.massive) - _MASSIVE, 'more massive activation')}", style=DIM)
    if not found.massive and found.magnitudes:
        yield Text(said.NO_MASSIVE)
    for one_ in found.not_finite:
        yield Text(f"not finite: {said.name(one_.held)}: {one_.not_finite}", style=BAD)


def _ranges(profile: Profile, view: View) -> Iterator[RenderableType]:
    found = ranges(held for held in tensors(profile) if view.wants(held))
    if not found:
        yield Text("no numbers are in this profile", style=DIM)
        return
    losing = worst(found)
    every = view.all or view.narrowed
    if every:
        yield Text("ranges by step, in the order in which they run", style=NAME)
    else:
        yield Text(f"ranges of the {min(_WORST, len(losing))} steps of which int8 loses most", style=NAME)
    yield RangeRows(found=found if every else losing[:_WORST])
    if not every and len(found) > _WORST:
        yield Text(f"... {plural(len(found) - min(_WORST, len(losing)), 'more step')}: --all shows them", style=DIM)
    yield Text(LEGEND, style=DIM)


def _answers(profile: Profile) -> Iterator[RenderableType]:
    if profile.answers is None or not any(profile.answers.counts):
        return
    yield Text()
    yield Text("answers", style=NAME)
    if means_something(profile.model):
        yield from answer_rows(profile.answers)
    else:
        yield Text("none: the weights that make them are random", style=DIM)
