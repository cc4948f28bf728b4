"""An explanation as it displays itself in a notebook."""

from ...analysis.explain.explanation import Explanation
from ..notebook import shown
from . import said
from .page import explanation_page
from .view import View


def mimebundle(explanation: Explanation) -> dict[str, str]:
    """Return what `explain` shows as plain text and as HTML."""
    told = "; ".join(said.heading(explanation, answer) for answer in explanation.answers[:_TOLD])
    return shown(explanation_page(explanation, View()), title=f"why: {told}")


_TOLD = 4
