"""Effects as they display themselves in a notebook."""

from ...analysis.effects.record import Effects
from ..explain import said
from ..notebook import shown
from .page import effects_page
from .patch_page import patch_page
from .view import View

_TOLD = 4


def mimebundle(found: Effects) -> dict[str, str]:
    """Return what `ablate` or `patch` shows as plain text and as HTML."""
    told = "; ".join(said.heading(found, answer) for answer in found.answers[:_TOLD])
    page = patch_page if found.command == "patch" else effects_page
    return shown(page(found, View()), title=f"{found.command}: {told}")
