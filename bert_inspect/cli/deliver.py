"""How a product leaves the program: as a picture on the screen, as JSON, or both."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ..terminal import Terminal
from .flags import in_flags
from .options import OutputOptions

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..analysis.explain.explanation import Explanation
    from ..diff import Diff
    from ..render.cells import View
    from ..traces.record import Trace
    from ..traces.selection import Wanted


def deliver(
    terminal: Terminal,
    out: OutputOptions,
    *,
    json: Callable[[], Iterable[bytes]],
    picture: "Callable[[], RenderableType]",
    summary: "Callable[[], RenderableType] | None" = None,
) -> None:
    """Write the file first, then what goes to stdout. Only what is written is made; the summary is what stays on the
    screen after a pager.

    Raises:
        UsageError: the file cannot be written.
    """
    if out.file is not None:
        terminal.save(out.file, json())
    if out.to_stdout:
        terminal.write(json())
    else:
        terminal.show(picture(), summary=summary)


def deliver_trace(trace: "Trace", view: "View", terminal: Terminal, out: OutputOptions) -> None:
    """Deliver a trace; its picture is header, tree and result.

    Raises:
        UsageError: the file cannot be written.
    """
    from ..traces.trace_file import trace_json

    def picture() -> "RenderableType":
        from ..render.page import page

        return page(trace, view)

    def summary() -> "RenderableType":
        from ..render.result import result

        return result(trace)

    deliver(terminal, out, json=lambda: trace_json(trace), picture=picture, summary=summary)


def deliver_diff(
    found: "Diff",
    terminal: Terminal,
    out: OutputOptions,
    *,
    every: bool,
    selection: "Wanted",
    reasons: "Sequence[Explanation]" = (),
) -> None:
    """Deliver a comparison; its picture has a line for each part of the model or, with ``every``, step. What explains
    the answers of its two sides follows it, as JSON on lines of its own.

    Raises:
        UsageError: the file cannot be written.
    """
    from msgspec import structs

    told = structs.replace(found, notes=[in_flags(note) for note in found.notes])
    if told.cause is not None:
        told = structs.replace(told, cause=structs.replace(told.cause, note=in_flags(told.cause.note)))

    def json() -> "Iterable[bytes]":
        from ..traces.codec import encode_line

        return [told.json(), *map(encode_line, reasons)]

    def picture() -> "RenderableType":
        from ..render.comparison.page import DiffPage, DiffView

        page = DiffPage(told, DiffView(all=every, selection=selection))
        return _with_reasons(page, reasons, told) if reasons else page

    def summary() -> "RenderableType":
        from ..render.comparison.page import answer

        return answer(told)

    deliver(terminal, out, json=json, picture=picture, summary=summary)


def _with_reasons(page: "RenderableType", explained: "Sequence[Explanation]", found: "Diff") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    from ..render.explain.page import reasons
    from ..render.explain.view import View

    titles = (f"why A: {found.a}", f"why B: {found.b}")
    parts = [(Text(), reasons(each, title, View())) for each, title in zip(explained, titles, strict=True)]
    return Group(page, *(part for pair in parts for part in pair))
