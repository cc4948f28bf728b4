"""One self-contained document: templates, what is inlined in them, and the policy that forbids all else."""

import re
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec
from jinja2 import Environment, FunctionLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup, escape

from ...safetext import safe_json

_TEMPLATES = files("bert_inspect.render") / "templates"


def template(name: str) -> Template:
    """Return a template, which escapes whatever it is filled with."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_read),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = unbroken
    return environment


def unbroken(text: str) -> Markup:
    """Return a text as HTML in which no line ends between a number and its percent sign or in an option."""
    return Markup(_UNBROKEN.sub(r'<span class="whole">\g<0></span>', str(escape(text))))


def light_on_paper(picture: str) -> str:
    """Return an SVG that is dark on a dark screen alone, for paper is white."""
    return re.sub(r"@media\s*\(prefers-color-scheme", "@media screen and (prefers-color-scheme", picture)


_UNBROKEN = re.compile(r"\(?[\d.]+ %\)?|--[a-z][a-z-]*")


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


@cache
def inlined(styles: Sequence[str], scripts: Sequence[str]) -> tuple[str, str]:
    """Return the style and the script, each as the one text that stands in the page."""
    parts = [_read(name) for name in scripts]
    return "\n".join(map(_read, styles)), '"use strict";\n(() => {\n' + "\n".join(parts) + "\n})();\n"


def policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Return a Content-Security-Policy: nothing is loaded, and only these very styles and scripts count."""
    return (
        f"default-src 'none'; style-src {_hashes(styles)}; script-src {_hashes(scripts)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashes(texts: Sequence[str]) -> str:
    found = [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts]
    return " ".join(found) or "'none'"


def in_script(data: Any) -> str:
    r"""Return JSON that no HTML parser mistakes for anything else: every ``<`` is written ``\u003c``."""
    return safe_json(msgspec.json.encode(data)).decode().replace("<", "\\u003c")
