"""The page that lists figures: a title, a sentence and a picture for each, which is a file beside it."""

from collections.abc import Sequence
from html import escape

from ...safetext import safe_document, safe_text
from ...traces.record import Trace
from .figures import Figure

_STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --ink: #1f2328; --quiet: #59636e; --line: #d8dee4; --link: #0757ba; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0d1117; --ink: #e6edf3; --quiet: #9198a1; --line: #30363d; --link: #79b8ff; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 2.5rem clamp(1rem, 4vw, 3rem); background: var(--page);
  color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
h1 { font-size: clamp(1.6rem, 5vw, 2.3rem); line-height: 1.15; margin: 0 0 0.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 0.3rem; }
p { margin: 0 0 0.6rem; max-width: 44rem; }
a { color: var(--link); }
nav ol { columns: 13rem; padding-left: 1.4rem; margin: 1.2rem 0 0; }
section { border-top: 1px solid var(--line); margin-top: 2.2rem; padding-top: 1.6rem; }
code { font: 0.85rem ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; color: var(--quiet);
  overflow-wrap: anywhere; }
img { display: block; max-width: 100%; height: auto; margin-top: 0.8rem; border: 1px solid var(--line);
  border-radius: 10px; }
@media print { nav { display: none; } section { break-inside: avoid; border: 0; } img { max-height: 90vh; } }
"""


def index_page(figures: Sequence[Figure], trace: Trace) -> str:
    """Return the page as HTML; the pictures are the files that the figures name."""
    name = escape(safe_text(trace.model.name or trace.model.class_))
    links, sections = [], []
    for number, figure in enumerate(figures, 1):
        file, title = escape(figure.file(number)), escape(safe_text(figure.title))
        links.append(f'<li><a href="#figure-{number}">{title}</a></li>')
        sections += [
            f'<section id="figure-{number}">',
            f"<h2>{number}. {title}</h2>",
            f"<p>{escape(figure.sentence)}</p>",
            f"<code>{escape(safe_text(figure.path))}</code>",
            f'<a href="{file}"><img src="{file}" alt="Dataflow: {title}"></a>',
            "</section>",
        ]
    lines = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{name}: diagrams</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
        f"<h1>{name}, component by component</h1>",
        f"<p>{escape(safe_text(_told(trace)))}</p>",
        "<nav><ol>",
        *links,
        "</ol></nav>",
        *sections,
        "</body>\n</html>\n",
    ]
    return safe_document("\n".join(lines))


def _told(trace: Trace) -> str:
    return (
        f"The dataflow of one forward pass of {trace.model.class_}, as it was traced: every arrow is a tensor that "
        "went from one step to another, with its shape. Select a picture to see it alone."
    )
