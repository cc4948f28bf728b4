"""``bert-inspect explore``: the whole trace in a full-screen terminal program."""

from typing import Annotated

import typer

from ..errors import ExitCode, UsageError
from . import options as o
from .expand import Without, expanded
from .full_screen import has_streams, is_drawable, is_installed, is_light, shown
from .inputs import shows_help
from .outcome import told_outcome


@expanded
def explore(
    context: typer.Context,
    *,
    text: o.TextOptions,
    model: o.ModelOptions,
    select: o.SelectionOptions,
    term: Annotated[o.TerminalOptions, Without("no_pager")],
) -> int:
    """Explore a whole run on a full screen: values, source, dataflow.

    The tree of steps beside the tensor, source, dataflow, attention, explanation and arithmetic of each.
    """
    if text.trace is None and shows_help(context, text.texts):
        return ExitCode.USAGE
    _check_screen(text)
    from .explored import of_model, of_saved

    terminal, selection = term.terminal(), select.selection()
    if text.trace is not None:
        run, rerun = of_saved(text, selection), None
    else:
        run, rerun = of_model(text, model.spec(), selection, terminal)
    from ..tui.app import Explorer

    app = Explorer(run, rerun=rerun, light=is_light())
    shown(app, term.color)
    return told_outcome(app.now.trace)


def _check_screen(text: o.TextOptions) -> None:
    """Refuse to start without a package for it, or where there is no terminal to fill.

    Raises:
        UsageError: says which.
    """
    if not is_installed():
        raise UsageError("explore needs the package textual, which is not installed", 'pip install "bert-inspect[tui]"')
    if not has_streams():
        given = "show FILE" if text.trace is not None else "run TEXT"
        raise UsageError(
            "explore fills a terminal: stdin, stdout and stderr have to be one",
            f"bert-inspect {given} writes the same into a pipe or a file",
        )
    if not is_drawable():
        raise UsageError(
            "this terminal cannot be filled: TERM does not say what it is, or says that it can do nothing",
            "set TERM to what the terminal is, such as TERM=xterm-256color",
        )
