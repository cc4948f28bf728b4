"""``bert-inspect source``: the code of a module's forward, each line with the tensors that it made in this run."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, UsageError
from ..quoting import quoted
from ..terminal import Terminal
from . import complete
from . import options as o
from .expand import Only, expanded
from .inputs import saved, shows_help
from .outcome import say_what_is_missing, told_failure
from .prepare import prepare
from .screen import for_the_screen

if TYPE_CHECKING:
    from ..loading.spec import ModelSpec
    from ..source_view.implementation import Executed
    from ..traces.record import Trace


@expanded
def source(
    context: typer.Context,
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A module: its path, the end of it, a pattern, or a class.",
            autocompletion=complete.modules,
        ),
    ],
    *,
    text: o.TextOptions,
    model: o.ModelOptions,
    look: Annotated[o.ViewOptions, Only("stats", "values", "axes")],
    term: o.TerminalOptions,
) -> int:
    """Show a module's source beside the tensors of this run.

    Each line of its forward, and of the functions that it calls, with what it made.
    """
    from ..traces.lookup import find_module, first_call, modules_of

    terminal = term.terminal()
    _check_path(path, text)
    executed = None
    if text.trace is not None:
        ran = saved(text)
        say_what_is_missing(ran, terminal, stats=look.stats, values=look.values)
        found, note = find_module(path, modules_of(ran))
    elif shows_help(context, text.texts):
        return ExitCode.USAGE
    else:
        ran, executed, found, note = _watched(path, text, model.spec(), look, terminal)
    from ..render.listing.page import source_page
    from ..source_view.listing import listing

    if note is not None:
        terminal.say(note)
    step = first_call(ran, found)
    terminal.show(source_page(listing(ran, step, executed=executed), ran, look.view()))
    return told_failure(ran)


def _check_path(path: str, text: o.TextOptions) -> None:
    """Refuse a sentence in the place of the module.

    Raises:
        UsageError: the path has blanks in it, which no path has.
    """
    if " " in path.strip():
        given = "--trace " + text.trace if text.trace is not None else quoted(path)
        raise UsageError(
            f"{path!r} is not a module: PATH comes first, then the sentences",
            f"bert-inspect source attention.self {given}",
        )


def _watched(
    path: str, text: o.TextOptions, spec: "ModelSpec", look: o.ViewOptions, terminal: Terminal
) -> "tuple[Trace, Executed | None, str, str | None]":
    """Run the model and watch the lines of one module; its path and a note come back as from `find_module`."""
    loaded, batch = prepare(text, spec, terminal)
    from ..capture.keep import Keep
    from ..capture.line_trace import run_watched
    from ..traces.lookup import find_module

    found, note = find_module(path, loaded.modules())
    keep = Keep(stats=look.stats, values=for_the_screen() if look.values else None)
    with terminal.waiting("running the model"):
        ran, executed = run_watched(loaded, batch, found, keep=keep)
    return ran, executed, found, note
