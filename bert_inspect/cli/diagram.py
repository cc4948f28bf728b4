"""``bert-inspect diagram``: the traced dataflow as a picture."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import complete, help
from . import options as o
from .expand import Only, expanded
from .figures import check_figures, save_figures
from .inputs import saved, shows_help
from .outcome import told_failure
from .outfile import check_picture, drawn
from .prepare import prepare

if TYPE_CHECKING:
    from ..dataflow import Dataflow
    from ..loading.spec import ModelSpec
    from ..traces.record import Trace

_FORMATS = (".svg", ".png", ".mmd", ".dot", ".gv")


@expanded
def diagram(
    context: typer.Context,
    *,
    text: o.TextOptions,
    model: Annotated[o.ModelOptions, Only("name", "task", "download", "num_labels", "attention")],
    module: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="One component: a path, the end of it, a pattern, a class; or 'tokenizer'.",
            rich_help_panel=help.FILTER,
            autocompletion=complete.parts,
        ),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Open this many levels of modules.", rich_help_panel=help.SHOW),
    ] = None,
    fold: Annotated[
        bool, typer.Option("--fold/--no-fold", help="Draw equal layers once.", rich_help_panel=help.SHOW)
    ] = True,
    direction: Annotated[
        Literal["up", "down"], typer.Option(help="Which way the tensors flow.", rich_help_panel=help.SHOW)
    ] = "up",
    all: Annotated[
        bool,
        typer.Option("--all", help="A figure of each component, and a page.", rich_help_panel=help.SHOW),
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=f"A picture: {', '.join(_FORMATS)}; with --all a folder.",
            rich_help_panel=help.SAVE,
        ),
    ] = None,
    term: o.TerminalOptions,
) -> int:
    """Draw the dataflow of this run.

    In the terminal, or with -o as SVG, PNG, Mermaid or Graphviz; with --all every component, in a folder.
    """
    terminal = term.terminal()
    folder = check_figures(output, _FORMATS, module=module, depth=depth) if all else None
    suffix = None if output is None or all else check_picture(output, _FORMATS)
    if text.trace is not None:
        ran = saved(text)
    elif shows_help(context, text.texts):
        return ExitCode.USAGE
    else:
        # Only shapes are drawn: no weights are needed for them.
        ran = _shapes(text, model.spec(weights="none"), terminal)

    if folder is not None:
        save_figures(ran, folder, terminal, fold=fold, upwards=direction == "up")
        return told_failure(ran)
    flow, note = _flow(ran, module, depth=depth, fold=fold)
    if note is not None:
        terminal.say(note)
    upwards = direction == "up"
    if output is None or suffix is None:
        from ..render.diagram.text import TextDiagram

        terminal.show(TextDiagram(flow, upwards=upwards))
    else:
        terminal.save(output, [_picture(flow, ran, suffix, upwards=upwards, terminal=terminal)])
    return told_failure(ran)


def _shapes(text: o.TextOptions, spec: "ModelSpec", terminal: Terminal) -> "Trace":
    loaded, batch = prepare(text, spec, terminal)
    from ..capture.forward import run_forward
    from ..capture.keep import Keep
    from ..traces.selection import Selection

    return run_forward(loaded, batch, selection=Selection(), keep=Keep())[0]


def _flow(trace: "Trace", module: str | None, *, depth: int | None, fold: bool) -> "tuple[Dataflow, str | None]":
    """Return the dataflow of a part of a run, and a note where the part was not named in full.

    Raises:
        UsageError: there is no such module, or it was never called.
    """
    from ..dataflow import dataflow, folded, tokenizer_flow
    from ..traces.lookup import find_module, first_call, modules_of

    if module == "tokenizer":
        return tokenizer_flow(trace.input), None
    path, note = find_module(module or "", modules_of(trace))
    flow = dataflow(trace, first_call(trace, path), depth=depth)
    return (folded(flow) if fold else flow), note


def _picture(flow: "Dataflow", trace: "Trace", suffix: str, *, upwards: bool, terminal: Terminal) -> bytes:
    """Return a dataflow as the bytes of a file of that kind.

    Raises:
        UsageError: there is no font for a PNG, or too much in the dataflow.
    """
    from ..render.diagram.words import caption

    below = caption(flow, trace)
    if suffix in (".svg", ".png"):
        from ..render.diagram.svg import TooLarge, svg

        try:
            return drawn(svg(flow, upwards=upwards, caption=below), suffix)
        except TooLarge as error:
            raise UsageError(
                f"{len(flow.arrows):,} arrows are too many for a picture",
                "draw a part: --module PATH, or fewer levels: --depth N; the terminal, .mmd and .dot take them all",
            ) from error
    if suffix != ".mmd":
        from ..render.diagram.dot import dot

        return dot(flow, upwards=upwards, caption=below).encode()
    from ..render.diagram.mermaid import MOST_ARROWS, MOST_SIGNS, mermaid

    data = mermaid(flow, upwards=upwards, caption=below).encode()
    if len(flow.arrows) > MOST_ARROWS or len(data) > MOST_SIGNS:
        terminal.say(f"{len(flow.arrows)} arrows: Mermaid draws them if its maxEdges and maxTextSize are raised")
    return data
