"""What displays itself in a notebook, as it stands in the terminal."""

import html
import io

from rich.console import Console, RenderableType

from ..safetext import safe_document
from ..traces.record import Trace
from .page import page
from .tree import View

_WIDTH = 130


def mimebundle(trace: Trace) -> dict[str, str]:
    """Return the page as plain text and as HTML; layers are folded, statistics shown where there are any."""
    stats = any(tensor.stats is not None for step in trace.steps for tensor in step.outputs)
    return shown(page(trace, View(fold=True, stats=stats)), title=repr(trace))


def shown(product: RenderableType, *, title: str) -> dict[str, str]:
    """Return a picture for the terminal as plain text and as HTML that says ``title`` where it is pointed at."""
    console = Console(file=io.StringIO(), record=True, width=_WIDTH, color_system="truecolor", force_terminal=True)
    console.print(product)
    code = console.export_html(inline_styles=True, code_format="{code}", clear=False)
    plain = console.export_text()
    style = "font-family: monospace; line-height: 1.35; white-space: pre; overflow-x: auto"
    page_ = f'<pre style="{style}" title="{html.escape(title)}">{code}</pre>'
    return {"text/plain": safe_document(plain), "text/html": safe_document(page_)}
