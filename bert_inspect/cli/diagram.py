"""``bert-inspect diagram``: the traced dataflow as a picture."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..errors import ExitCode
from ..terminal import Terminal
from . import options as o
from .inputs import ModelChoice, shows_help
from .picture import FORMATS, check_format, written
from .prepare import Request, prepare, saved, told_failure

if TYPE_CHECKING:
    from ..traces.record import Trace


def diagram(
    context: typer.Context,
    texts: o.Texts = None,
    trace: o.SavedTrace = None,
    pair: o.Pair = None,
    labels: o.Labels = None,
    max_length: o.MaxLength = None,
    truncate: o.Truncate = False,
    model: o.ModelName = "bert-base-cased",
    download: o.Download = False,
    num_labels: o.NumLabels = None,
    attention: o.Attention = "eager",
    module: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="One component: a path, the end of it, a pattern, a class; or 'tokenizer'."),
    ] = None,
    depth: Annotated[int | None, typer.Option(min=0, metavar="N", help="Open this many levels of modules.")] = None,
    fold: Annotated[bool, typer.Option("--fold/--no-fold", help="Draw equal layers once.")] = True,
    direction: Annotated[Literal["up", "down"], typer.Option(help="Which way the tensors go.")] = "up",
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help=f"A picture: {', '.join(FORMATS)}.")
    ] = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_pager: o.NoPager = False,
    debug: o.Debug = False,
) -> int:
    """Draw the dataflow of this run: in the terminal, or with -o as SVG, PNG, Mermaid or Graphviz."""
    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    check_format(output)
    if trace is not None:
        ran = saved(trace, texts)
    elif shows_help(context, texts):
        return ExitCode.USAGE
    else:
        # Only shapes are drawn: no weights are needed for them.
        choice = ModelChoice(name=model, download=download, weights="none", num_labels=num_labels, attention=attention)
        request = Request(texts=texts, pair=pair, labels=labels, max_length=max_length, truncate=truncate)
        ran = _shapes(request, choice, terminal)
    from ..render.diagram.text import TextDiagram
    from .picture import flow_of

    flow, note = flow_of(ran, module, depth=depth, fold=fold)
    if note is not None:
        terminal.say(note)
    if output is None:
        terminal.show(TextDiagram(flow, upwards=direction == "up"))
    else:
        written(flow, ran, output, upwards=direction == "up", terminal=terminal)
    return told_failure(ran)


def _shapes(request: Request, choice: ModelChoice, terminal: Terminal) -> "Trace":
    loaded, batch = prepare(request, choice, terminal)
    from ..capture.forward import run_forward
    from ..capture.keep import Keep
    from ..traces.selection import Selection

    return run_forward(loaded, batch, selection=Selection(), keep=Keep())[0]
