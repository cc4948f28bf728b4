"""The page on an explanation alone."""

import re

from markupsafe import Markup

from ...analysis.explain.explanation import Explanation
from ...safetext import safe_document, safe_text
from ..explain.view import View
from ..words import sentence
from .document import inlined, policy, template
from .facts import facts, run_of
from .why import why_of

_STYLES = ("page.css", "explain.css")
_SCRIPTS = ("explain.js",)
_TITLE = 200


def explanation_html(explanation: Explanation, view: View) -> str:
    """Return the page: for each sentence the number that is explained as a sum, then what ran."""
    why = why_of(explanation, view)
    style, script = inlined(_STYLES, _SCRIPTS)
    name = safe_text(explanation.model.name or explanation.model.class_)
    ran = run_of(explanation.environment, explanation.model, explanation.input)
    page = template("explanation.html.j2").render(
        title=f"Why {name} answers as it does",
        policy=policy([style, *re.findall(r"<style>(.*?)</style>", why.pictures, re.DOTALL)], [script]),
        style=Markup(style),
        script=Markup(script),
        why=why,
        text=sentence(why.answers[0].title, most=_TITLE) if why.answers else "",
        others=f"and {len(explanation.answers) - 1} more" if len(explanation.answers) > 1 else "",
        facts=facts(ran),
    )
    return safe_document(page)
