"""Why the model answers so, as `explain` shows it, without what the banner says already."""

from rich.console import Group, RenderableType
from rich.text import Text

from ...analysis.explain.explanation import Explanation
from ...render.explain.page import notes, reasons
from ...render.explain.view import View
from ...render.words import DIM

_BY = {"token": "by token", "component": "by component", "layer": "by layer"}


def explained(explanation: Explanation) -> RenderableType:
    """Return an explanation, and what has to be known to read it."""
    told = [Text(note, style=DIM) for note in notes(explanation)]
    title = f"{_BY[explanation.by]}   (y: another way)"
    return Group(reasons(explanation, title, View()), Text(), *told)
