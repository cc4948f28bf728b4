"""The page on effects alone: what each edit does, and what ran."""

from markupsafe import Markup

from ...analysis.effects.record import Effects
from ...safetext import safe_document
from ..effects.picture import title
from ..effects.view import View
from .document import inlined, policy, template
from .edited import effects_of
from .facts import facts, run_of

_STYLES = ("page.css", "explain.css", "effects/effects.css")


def effects_html(found: Effects, view: View) -> str:
    """Return the page: what each edit does to the answers, then what ran."""
    style, _ = inlined(_STYLES, ())
    page = template("effects.html.j2").render(
        title=title(found),
        policy=policy([style], []),
        style=Markup(style),
        effects=effects_of(found, view),
        facts=facts(run_of(found.environment, found.model, found.input)),
    )
    return safe_document(page)
