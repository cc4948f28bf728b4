"""The component that a station is in, and the whole model, as dataflows."""

from ...dataflow import Dataflow, dataflow, folded, tokenizer_flow
from ...stations.station import Station
from ...stations.walk import Walk


def component_flow(walk: Walk, station: Station) -> Dataflow:
    """Return the dataflow of a station's component, as deep as the station says."""
    if not isinstance(station.component, int):
        return tokenizer_flow(walk.trace.input)
    return folded(dataflow(walk.trace, walk.trace.steps[station.component], depth=station.depth))


def whole_flow(walk: Walk) -> Dataflow:
    """Return the dataflow of the whole run, equal layers once."""
    return folded(dataflow(walk.trace, walk.trace.steps[0]))
