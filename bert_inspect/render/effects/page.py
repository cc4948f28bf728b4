"""Effects in the terminal, as the command shows them that made them; in a notebook they stand the same way."""

from rich.console import Group

from ...analysis.effects.record import Effects
from ..explain import said as number_said
from ..notebook import shown
from .ablate_page import ablate_page, ablate_summary
from .patch_page import patch_page, patch_summary
from .view import View

_TOLD = 4


def effects_page(found: Effects, view: View) -> Group:
    """Return what `ablate` or `patch` shows."""
    return patch_page(found, view) if found.command == "patch" else ablate_page(found, view)


def effects_summary(found: Effects) -> Group:
    """Return what is left of it on the screen once the pager with it is closed."""
    return patch_summary(found) if found.command == "patch" else ablate_summary(found)


def mimebundle(found: Effects) -> dict[str, str]:
    """Return what `ablate` or `patch` shows as plain text and as HTML, for a notebook."""
    told = "; ".join(number_said.heading(found, answer) for answer in found.answers[:_TOLD])
    return shown(effects_page(found, View()), title=f"{found.command}: {told}")
