"""The tour as a part of the report."""

from typing import TYPE_CHECKING

from ..errors import BertInspectError
from .again import typed_again

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer

    from ..cells.follow import Source
    from ..loading.loaded import Loaded
    from ..stations.walk import Walk
    from ..traces.edits import Edit
    from ..traces.record import Input, Trace

_WHOLE = "the walk: it is of whole runs, without --layer, --module and --level"


def tour_of_run(
    loaded: "Loaded", batch: "Input", ran: "Trace", left_out: list[str], edits: "Sequence[Edit]" = ()
) -> "Walk | None":
    """Return the tour of a whole run, which is run again for its numbers; say so where there is none."""
    if ran.selection:
        left_out.append(_WHOLE)
        return None
    from ..analysis.cell import Runs

    try:
        return _tour(Runs(loaded, batch, edits=edits))
    except BertInspectError as error:
        left_out.append(f"the walk: {error.message}")
        return None


def tour_of_saved(trace: "Trace", path: str, left_out: list[str]) -> "Walk | None":
    """Return the tour of a saved trace, with the numbers that it holds; say so where there is none."""
    if trace.selection or trace.failure is not None or not trace.steps:
        left_out.append(_WHOLE)
        return None
    from ..cells.saved import Saved

    try:
        return _tour(Saved(trace, path))
    except BertInspectError as error:
        left_out.append(f"the walk: {error.message}")
        return None


def _tour(source: "Source") -> "Walk":
    from ..stations.walk import walk

    return walk(source)


def part_of(context: "typer.Context", tour: "Walk | None") -> str | None:
    """Return a tour as a part of a page."""
    if tour is None:
        return None
    from ..render.walk.page import walk_part

    return walk_part(tour, typed_again(context, tour.trace))
