"""``bert-inspect explore``: the whole trace in a full-screen terminal program."""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, UsageError
from ..terminal import sits_at_terminal
from . import options as o
from .expand import Without, expanded
from .inputs import shows_help
from .outcome import told_outcome

if TYPE_CHECKING:
    from ..tui.app import Explorer


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

    with _colours(term.color):
        app = Explorer(run, rerun=rerun, light=os.environ.get("COLORFGBG", "").endswith(";15"))
        _show(app)
    return told_outcome(app.now.trace)


def _check_screen(text: o.TextOptions) -> None:
    """Refuse to start without a package for it, or where there is no terminal to fill.

    Raises:
        UsageError: says which.
    """
    if find_spec("textual") is None:
        raise UsageError("explore needs the package textual, which is not installed", 'pip install "bert-inspect[tui]"')
    if not (sits_at_terminal() and sys.stdout.isatty() and sys.stderr.isatty()):
        given = "show FILE" if text.trace is not None else "run TEXT"
        raise UsageError(
            "explore fills a terminal: stdin, stdout and stderr have to be one",
            f"bert-inspect {given} writes the same into a pipe or a file",
        )
    if os.environ.get("TERM") in (None, "", "dumb") and os.name == "posix":
        raise UsageError(
            "this terminal cannot be filled: TERM does not say what it is, or says that it can do nothing",
            "set TERM to what the terminal is, such as TERM=xterm-256color",
        )


@contextmanager
def _colours(wanted: str) -> Iterator[None]:
    """Let NO_COLOR, which alone tells Textual whether there is colour, say what is wanted."""
    before = os.environ.get("NO_COLOR")
    if wanted == "never":
        os.environ["NO_COLOR"] = "1"
    elif wanted == "always":
        os.environ.pop("NO_COLOR", None)
    try:
        yield
    finally:
        os.environ.pop("NO_COLOR", None)
        if before is not None:
            os.environ["NO_COLOR"] = before


def _show(app: "Explorer") -> None:
    """Run the program until it is left, and report how if that was not by its own key.

    Raises:
        KeyboardInterrupt: it was interrupted.
        Exception: it failed; the terminal is as it was.
    """
    gc.freeze()  # a trace of many steps need not be looked through again and again
    gc.enable()  # the command's entry turns the collector off for processes of seconds
    with _ended_by_signals(app):
        code = app.run() or 0
    if app.failure is not None:
        raise app.failure
    if code == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code:
        signal.raise_signal(code - 128)  # with the terminal as it was, it ends the process as it would any


@contextmanager
def _ended_by_signals(app: "Explorer") -> Iterator[None]:
    """Let the signals that ask this process to end close the program first: it has changed the terminal's modes."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [number for name in names if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: app.end(128 + number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
