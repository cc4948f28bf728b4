"""The tour, a station of it and a number's arithmetic, as they display themselves in a notebook."""

from rich.console import Group

from ...cells.record import Cell
from ...stations.walk import Walk
from ..cell import cell_of_station
from ..notebook import shown
from .terminal import station, whole_tour


def tour_bundle(walk: Walk) -> dict[str, str]:
    """Return all stations as plain text and as HTML."""
    return shown(whole_tour(walk), title=repr(walk))


def station_bundle(walk: Walk, at: int) -> dict[str, str]:
    """Return a station as plain text and as HTML."""
    return shown(station(walk, at), title=walk.stops[at].station.title)


def arithmetic_bundle(cell: Cell) -> dict[str, str]:
    """Return the arithmetic of a number as plain text and as HTML."""
    return shown(Group(*cell_of_station(cell)), title=cell.name)
