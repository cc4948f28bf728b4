"""``bert-inspect walk``: the guided tour of one pass, station by station."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode
from ..terminal import Terminal, is_interactive
from . import complete, help
from . import options as o
from .again import typed_again
from .expand import Without, expanded
from .full_screen import has_streams, is_drawable, is_installed, is_light, shown
from .inputs import saved, shows_help
from .outcome import told_failure
from .prepare import prepare
from .walk_files import WalkFile

if TYPE_CHECKING:
    from ..cells.follow import Source
    from ..render.walk.words import Typed
    from ..stations.walk import Walk


@expanded
def walk(
    context: typer.Context,
    *,
    text: o.TextOptions,
    model: o.ModelOptions,
    layer: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Walk through this encoder layer.", rich_help_panel=help.FILTER),
    ] = None,
    sentence: Annotated[
        int, typer.Option(min=1, metavar="N", help="Show this sentence.", rich_help_panel=help.FILTER)
    ] = 1,
    station: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="One station: its name or number.",
            rich_help_panel=help.FILTER,
            autocompletion=complete.stations,
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="All stations at once, without keys.", rich_help_panel=help.SHOW)
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="In place of the screen: a page (.html), Markdown and pictures (.md), a notebook (.ipynb).",
            rich_help_panel=help.SAVE,
        ),
    ] = None,
    term: Annotated[o.TerminalOptions, Without("no_pager")],
) -> int:
    """Walk through one pass, from the text to the answer.

    Some 25 stations: the code that ran, its diagram, the tensor, one number's arithmetic.
    """
    terminal = Terminal(color=term.color, quiet=term.quiet, verbose=term.verbose, pager=False)
    if text.trace is None and shows_help(context, text.texts):
        return ExitCode.USAGE
    file = None if output is None else WalkFile(path=output, text=text, spec=model.spec())
    if file is not None:
        file.check()
    source = _source(text, model, terminal)
    if source.trace.failure is not None:
        return told_failure(source.trace)
    from ..stations.walk import walk as walked

    tour = walked(source, row=sentence - 1, layer=layer)
    typed = typed_again(context, tour.trace)
    at = None if station is None else tour.place(station)
    if file is not None:
        file.write(tour, typed, terminal, only=at)
        return ExitCode.OK
    if at is None and not plain and is_interactive():
        _guided(tour, typed, terminal)
        return ExitCode.OK
    from ..render.walk.terminal import station as one
    from ..render.walk.terminal import whole_tour

    terminal.show(whole_tour(tour, typed) if at is None else one(tour, at, typed))
    return ExitCode.OK


def _guided(tour: "Walk", typed: "Typed", terminal: Terminal) -> None:
    """Go through the tour on a full screen where that can be drawn, else line by line."""
    if not (is_installed() and has_streams() and is_drawable()):
        from .walk_keys import guided

        guided(tour, typed, terminal)
        return
    from ..render.walk.terminal import station
    from ..tui.tour import Tour

    shown(Tour(tour, lambda at: station(tour, at, typed), light=is_light()), terminal.color)


def _source(text: o.TextOptions, model: o.ModelOptions, terminal: Terminal) -> "Source":
    """Return where the numbers of the run come from: a saved trace, or a run of the model."""
    if text.trace is not None:
        from ..cells.saved import Saved

        return Saved(saved(text), text.trace)
    loaded, batch = prepare(text, model.spec(), terminal)
    from ..analysis.cell import Runs

    with terminal.waiting("running the model"):
        return Runs(loaded, batch)
