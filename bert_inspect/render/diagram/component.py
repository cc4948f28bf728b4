"""The picture of one component of a run, in one call: for pages and walks that show a step beside its numbers."""

from collections.abc import Set

from ...dataflow import Dataflow, dataflow, folded
from ...traces.record import Step, Trace
from .svg import svg
from .words import caption

_MOST = 24
"""How many nodes a picture beside other things holds at most, if closing modules can bring it down to that."""
_DEEPEST = 8


def component_svg(
    trace: Trace,
    step: Step,
    *,
    depth: int | None = None,
    upwards: bool = True,
    name: str = "flow",
    marked: Set[int] = frozenset(),
) -> str:
    """Return the dataflow of one call of a module as SVG, equal layers drawn once.

    Args:
        trace: the run.
        step: the step of the module's call; the first step of a whole run is the model.
        depth: how many levels of modules are opened; None for as many as leave the picture easy to look at.
        upwards: what comes in stands at the bottom.
        name: begins the ids in the picture; on a page that shows several each needs its own.
        marked: ids of steps that have a strong border, if they have a node of their own at that depth.

    Raises:
        TooLarge: there is more in it than can be laid out in seconds.
    """
    flow = useful_dataflow(trace, step) if depth is None else folded(dataflow(trace, step, depth=depth))
    return svg(flow, upwards=upwards, caption=caption(flow, trace), name=name, marked=marked)


def useful_dataflow(trace: Trace, step: Step) -> Dataflow:
    """Return a module's dataflow with equal layers folded, opened as deep as leaves it easy to look at."""
    best = folded(dataflow(trace, step, depth=1))
    for depth in range(2, _DEEPEST):
        deeper = folded(dataflow(trace, step, depth=depth))
        if deeper == best or sum(1 for node in deeper.walk() if not node.children) > _MOST:
            break
        best = deeper
    return best
