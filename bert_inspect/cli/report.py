"""``bert-inspect report``: one self-contained HTML page on a run."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import options as o
from .attention import count_of, run_for_attention
from .deliver import check_folder
from .inputs import ModelChoice, shows_help
from .prepare import Request, prepare, saved, told_outcome
from .screen import for_the_screen

if TYPE_CHECKING:
    from ..analysis.attention import LayerAttention
    from ..loading.loaded import Loaded
    from ..traces.record import Input, Trace
    from ..traces.selection import Selection


def report(
    context: typer.Context,
    texts: o.Texts = None,
    trace: o.SavedTrace = None,
    pair: o.Pair = None,
    labels: o.Labels = None,
    max_length: o.MaxLength = None,
    truncate: o.Truncate = False,
    model: o.ModelName = "bert-base-cased",
    download: o.Download = False,
    weights: o.Weights = "auto",
    num_labels: o.NumLabels = None,
    seed: o.Seed = 123,
    attention: o.Attention = "eager",
    device: o.Device = "cpu",
    dtype: o.Dtype = None,
    allow_missing: o.AllowMissing = False,
    layer: o.Layer = None,
    module: o.Module = None,
    level: o.Level = "op",
    stats: o.Stats = False,
    values: Annotated[bool, typer.Option("--values", help="Values of each tensor, as heatmaps of its ends.")] = False,
    verify: o.Verify = False,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The page; '-' is stdout.")
    ] = "report.html",
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    debug: o.Debug = False,
) -> int:
    """Write a page to look at and to share: sentences, prediction, attention, every step and its source."""
    from ..traces.selection import Selection, narrowed

    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=False)
    selection = Selection.parse(layer=layer, module=module or (), level=level)
    if output != "-":
        _check_name(output)
    left_out: list[str] = []
    if trace is not None:
        if verify:
            raise UsageError("--verify runs the model, a saved trace cannot be run", "leave one of the two out")
        ran = narrowed(saved(trace, texts), selection)
        layers = _recorded(ran, left_out)
    elif shows_help(context, texts):
        return ExitCode.USAGE
    else:
        if weights == "none" and (stats or values or verify):
            raise UsageError("without weights there are no numbers, only shapes", "leave --weights none out")
        choice = ModelChoice(
            name=model,
            download=download,
            weights=weights,
            num_labels=num_labels,
            seed=seed,
            attention=attention,
            device=device,
            dtype=dtype,
            allow_missing=allow_missing,
        )
        request = Request(
            texts=texts, pair=pair, labels=labels, max_length=max_length, truncate=truncate, selection=selection
        )
        loaded, batch = prepare(request, choice, terminal)
        from ..capture.forward import run_forward
        from ..capture.keep import Keep

        keep = Keep(stats=stats, values=for_the_screen() if values else None)
        with terminal.waiting("running the model"):
            ran, _ = run_forward(loaded, batch, selection=selection, keep=keep, verify=verify)
            layers = _seen(loaded, batch, selection, left_out) if ran.failure is None else []
    from ..render.report import report_html

    page = report_html(ran, layers, left_out=left_out, diagram=_diagram(ran, left_out)).encode()
    if output == "-":
        terminal.write([page])
    else:
        terminal.save(output, [page])
    return told_outcome(ran)


def _diagram(trace: "Trace", left_out: list[str]) -> str | None:
    """Return the dataflow of a whole run as SVG; say so where the run is not whole."""
    if trace.selection or trace.failure is not None or not trace.steps:
        left_out.append("the diagram: it is drawn of whole runs, without --layer, --module and --level")
        return None
    from ..dataflow import dataflow, folded
    from ..render.diagram.svg import svg

    return svg(folded(dataflow(trace, trace.steps[0])))


def _check_name(output: str) -> None:
    """Refuse a name that is not one of an HTML file.

    Raises:
        UsageError: it ends otherwise, or its folder is not there.
    """
    if not output.lower().endswith((".html", ".htm")):
        raise UsageError(f"the report is an HTML page, {output!r} is no name for one", "write -o report.html")
    check_folder(output)


def _recorded(trace: "Trace", left_out: list[str]) -> "Sequence[LayerAttention]":
    """Return the attention that a saved trace holds; say if it holds none."""
    from ..analysis.attention import HOW_TO_KEEP, attentions

    try:
        return attentions(trace)
    except UsageError:
        left_out.append(f"attention: this trace holds no values of it; {HOW_TO_KEEP}")
        return []


def _seen(loaded: "Loaded", batch: "Input", selection: "Selection", left_out: list[str]) -> "Sequence[LayerAttention]":
    """Run the model again and return its attention, of as many of the wanted layers as can be held, the last first."""
    from ..analysis.attention import attentions
    from ..capture.keep import VALUES_LIMIT

    if loaded.weights == "none":
        left_out.append("attention: without weights there are only shapes")
        return []
    wanted = sorted(selection.layers) or list(range(loaded.model.config.num_hidden_layers))
    fits = VALUES_LIMIT // count_of(loaded, batch, 1)
    if fits < len(wanted):
        left_out.append(
            f"attention: of {len(wanted)} layers only {', '.join(map(str, wanted[len(wanted) - fits :]))}; all have "
            f"{count_of(loaded, batch, len(wanted)):,} numbers. --layer chooses others"
            if fits
            else f"attention: one layer alone has {count_of(loaded, batch, 1):,} numbers; give fewer sentences"
        )
        wanted = wanted[len(wanted) - fits :]
    if not wanted:
        return []
    ran = run_for_attention(loaded, batch, wanted)
    return attentions(ran) if ran.failure is None else []
