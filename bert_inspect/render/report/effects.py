"""The page on effects alone: their picture, and what ran."""

import re

from markupsafe import Markup

from ...analysis.effects.record import Effects
from ...safetext import safe_document
from ..effects.picture import effects_svg, title
from ..effects.said import noise, notes
from ..effects.view import View
from .document import inlined, light_on_paper, policy, template
from .facts import facts, run_of

_STYLES = ("page.css",)


def effects_html(found: Effects, view: View) -> str:
    """Return the page: what each edit does to the answers, then what ran."""
    style, _ = inlined(_STYLES, ())
    picture = light_on_paper(effects_svg(found, view, titled=False))
    page = template("effects.html.j2").render(
        title=title(found),
        policy=policy([style, *re.findall(r"<style>(.*?)</style>", picture, re.DOTALL)], []),
        style=Markup(style),
        noise=noise(found.model),
        notes=notes(found),
        picture=Markup(picture),
        facts=facts(run_of(found.environment, found.model, found.input)),
    )
    return safe_document(page)
