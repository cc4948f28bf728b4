"""The source of the module that ran, the line of the chosen step marked."""

from ...render.cells import View
from ...render.listing.page import MARK, SourceListing
from ...source_view.listing import Listing
from ...traces.record import Step, Trace
from ..picture import Picture


def module_of(trace: Trace, step: Step) -> Step | None:
    """Return the step of the module in whose source a step is found: itself, or the one that ran the op."""
    if step.kind == "module":
        return step
    return None if step.parent is None else trace.steps[step.parent]


def listed(picture: Picture, found: Listing, trace: Trace, step: Step) -> None:
    """Show a listing with the line of a step in sight."""
    picture.show(SourceListing(found, trace, View(), marked=step), find=lambda line: MARK in line[:8])
