"""The HTML page: one file that holds a run and everything that is needed to look at it."""

from .effects import effects_html
from .explanation import explanation_html
from .page import attention_html, report_html
from .profile_page import profile_html

__all__ = ["attention_html", "effects_html", "explanation_html", "profile_html", "report_html"]
