"""The component that a station is in, and the whole model, as dataflows."""

from typing import Literal

from ...dataflow import Dataflow, dataflow, folded, tokenizer_flow
from ...stations.walk import Walk


def component_flow(walk: Walk, component: int | Literal["tokenizer"]) -> Dataflow:
    """Return the dataflow of a component, by its step: all of it, and of the whole model one level."""
    if isinstance(component, str):
        return tokenizer_flow(walk.trace.input)
    root = walk.trace.steps[component]
    return folded(dataflow(walk.trace, root, depth=1 if root.parent is None else None))


def whole_flow(walk: Walk) -> Dataflow:
    """Return the dataflow of the whole run, equal layers once."""
    return folded(dataflow(walk.trace, walk.trace.steps[0]))
