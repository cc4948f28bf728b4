"""What another sentence changed: the answers before and after, the words, and how far each part of the model moved."""

from rich.console import Group, RenderableType
from rich.text import Text

from ..diff import diff
from ..render.comparison.page import DiffPage, DiffView
from ..render.words import DIM
from ..traces.record import Trace


def change(before: Trace, after: Trace) -> RenderableType:
    """Return what `compare` says of two sentences: A is the one before, B the one after."""
    found = diff(before, after, names=("before", "after"))
    return Group(Text("A is the sentence before, B the one after", style=DIM), DiffPage(found, DiffView()))
