"""The whole answer of `run` and `show`: header, tree, result."""

from rich.console import Group

from ..traces.record import Trace
from .header import header
from .result import result
from .tree import Tree, View


def page(trace: Trace, view: View) -> Group:
    """Return a trace as a renderable."""
    return Group(header(trace), Tree(trace, view), result(trace))
