"""What `ablate` and `patch` give: a file, and a picture or JSON on stdout."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..terminal import Terminal
from . import help
from . import options as o
from .deliver import deliver
from .outfile import check_picture, drawn

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..analysis.effects.record import Effects
    from ..render.effects.view import View

_FORMATS = (".svg", ".png", ".html", ".json")
EffectsFile = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="A file too: .svg, .png, .html or .json; '-' is JSON on stdout.",
        rich_help_panel=help.SAVE,
    ),
]


def check_effects_file(output: str | None) -> None:
    """Refuse a file that effects cannot be written to.

    Raises:
        UsageError: its name ends in nothing that is known, or it cannot be written.
    """
    if output is not None and output != "-":
        check_picture(output, _FORMATS)


def deliver_effects(
    found: "Effects", terminal: Terminal, out: o.OutputOptions, *, output: str | None, every: bool
) -> None:
    """Write effects to a file, where one is named, and to stdout; with ``every`` no row is left out."""
    from ..render.effects.view import View

    view = View(all=every)
    if output is not None and output != "-":
        terminal.save(output, [_file(found, check_picture(output, _FORMATS), view)])

    def picture() -> "RenderableType":
        from ..render.effects.page import effects_page

        return effects_page(found, view)

    def summary() -> "RenderableType":
        from ..render.effects.page import effects_summary

        return effects_summary(found)

    told = o.OutputOptions(json=out.json or output == "-")
    deliver(terminal, told, json=lambda: _json(found), picture=picture, summary=summary)


def _file(found: "Effects", suffix: str, view: "View") -> bytes:
    """Return effects as the bytes of a file of that kind."""
    if suffix == ".json":
        return b"".join(_json(found))
    if suffix == ".html":
        from ..render.report import effects_html

        return effects_html(found, view).encode()
    from ..render.effects.picture import effects_svg

    return drawn(effects_svg(found, view), suffix)


def _json(found: "Effects") -> list[bytes]:
    """Return effects as a line of strict JSON."""
    from ..traces.codec import encode_line

    return [encode_line(found)]
