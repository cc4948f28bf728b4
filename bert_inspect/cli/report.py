"""``bert-inspect report``: one self-contained HTML page on a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, TraceFileError, UsageError
from ..terminal import Terminal
from . import help
from . import options as o
from .ablated_part import ablated_for_report, check_ablate_map
from .expand import Only, Without, expanded
from .explained import explained_for_report
from .inputs import check_no_edits, saved, shows_help
from .kept_attention import attention_of_run, layers_that_fit, recorded_attention
from .outcome import told_outcome
from .outfile import check_folder
from .placed_part import check_corpus, check_profile, placed_for_report
from .prepare import check_weights, prepare
from .screen import for_the_screen
from .walk_part import part_of, tour_of_run, tour_of_saved

if TYPE_CHECKING:
    from ..analysis.attention import LayerAttention
    from ..analysis.effects.record import Effects
    from ..analysis.explain.explanation import Explanation
    from ..capture.keep import Ends, Keep
    from ..cells.record import Opened
    from ..loading.loaded import Loaded
    from ..loading.spec import ModelSpec
    from ..profiles.placement.placement import Placement
    from ..profiles.record import Profile
    from ..stations.walk import Walk
    from ..traces.edits import Edit
    from ..traces.record import Input, Trace
    from ..traces.selection import Selection


@expanded
def report(
    context: typer.Context,
    *,
    text: o.TextOptions,
    model: o.ModelOptions,
    edit: o.EditOptions,
    select: o.SelectionOptions,
    look: Annotated[o.ViewOptions, Only("stats")],
    values: Annotated[
        bool,
        typer.Option("--values", help="Values of each tensor, as heatmaps of its ends.", rich_help_panel=help.SHOW),
    ] = False,
    verify: o.Verify = False,
    ablate_map: Annotated[
        bool,
        typer.Option(
            "--ablate-map",
            help="What matters: a map of what each head does to the answer, taken away in turn.",
            rich_help_panel=help.SHOW,
        ),
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="FILE",
            help="Where the run lies in a corpus, whose profile this is.",
            rich_help_panel=help.SHOW,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", help="The page; '-' is stdout.", rich_help_panel=help.SAVE),
    ] = "report.html",
    term: Annotated[o.TerminalOptions, Without("no_pager")],
) -> int:
    """Write one self-contained HTML page on a run.

    With the sentences, the prediction, attention, every step and its source.
    """
    terminal = term.terminal()
    selection, edits = select.selection(), edit.edits()
    if output != "-":
        _check_name(output)
    left_out: list[str] = []
    if ablate_map:
        check_ablate_map(text.trace, edits)
    corpus = None if profile is None else check_profile(profile, text.trace, edits)
    if text.trace is not None:
        check_no_edits(edits)
        if verify:
            raise UsageError(
                "--verify runs the model again, which a saved trace does not hold", "leave one of the two out"
            )
        from ..traces.selection import narrowed

        ran = narrowed(saved(text), selection)
        found = _Found(ran, _recorded(ran, left_out), tour=tour_of_saved(ran, text.trace, left_out))
        left_out.append("why the model answers so: that takes the model, which a saved trace does not hold")
    elif shows_help(context, text.texts):
        return ExitCode.USAGE
    else:
        from ..capture.keep import Keep

        keep = Keep(stats=look.stats, values=_of_many_heads(for_the_screen()) if values else None)
        found = _run(
            text,
            model.spec(),
            selection,
            keep,
            edits,
            verify=verify,
            ablate_map=ablate_map,
            corpus=corpus,
            left_out=left_out,
            terminal=terminal,
        )
    from ..render.report import report_html

    page = report_html(
        found.ran,
        found.layers,
        left_out=left_out,
        diagram=_diagram(found.ran, left_out),
        explanation=found.why,
        effects=found.effects,
        placed=found.placed,
        opened=found.opened,
        walk=part_of(context, found.tour),
    ).encode()
    if output == "-":
        terminal.write([page])
    else:
        terminal.save(output, [page])
    return told_outcome(found.ran)


def _check_name(output: str) -> None:
    """Refuse a name that is not one of an HTML file.

    Raises:
        UsageError: it does not end like one, or its folder is not there.
    """
    if not output.lower().endswith((".html", ".htm")):
        raise UsageError(f"the report is an HTML page, and {output!r} does not end in .html", "write -o report.html")
    check_folder(output)


def _run(
    text: o.TextOptions,
    spec: "ModelSpec",
    selection: "Selection",
    keep: "Keep",
    edits: "Sequence[Edit]",
    *,
    verify: bool,
    ablate_map: bool,
    corpus: "Profile | None",
    left_out: list[str],
    terminal: Terminal,
) -> "_Found":
    """Run the model once, for the trace and for the attention, and again to explain its answers and its numbers, to
    take its heads away, and to walk through it.
    """
    if keep.stats or keep.values or verify or ablate_map or corpus is not None:
        check_weights(spec)
    loaded, batch = prepare(text, spec, terminal, selection=selection, edits=edits)
    if corpus is not None:
        check_corpus(loaded, corpus)
    from ..capture.attention_spec import attention_spec
    from ..capture.forward import run_for_traces
    from ..capture.keep import TraceSpec

    specs = [TraceSpec(selection=selection, keep=keep)]
    if loaded.weights == "none":
        left_out.append("attention: without weights there are only shapes")
    elif layers := layers_that_fit(loaded, batch, sorted(selection.layers) or list(range(loaded.layers)), left_out):
        specs.append(attention_spec(loaded, layers))
    with terminal.waiting("running the model"):
        traces = run_for_traces(loaded, batch, specs, verify=verify, edits=edits)
        ran, *others = (traced.trace for traced in traces)
    if ran.failure is not None:
        return _Found(ran)
    why = explained_for_report(loaded, batch, left_out, edits)
    effects = ablated_for_report(loaded, batch, left_out, terminal) if ablate_map else None
    placed = None if corpus is None else placed_for_report(loaded, batch, corpus, ran, selection, terminal)
    opened = _opened(loaded, batch, ran, left_out, edits, terminal) if keep.values else None
    with terminal.waiting("walking through the run"):
        tour = tour_of_run(loaded, batch, ran, left_out, edits)
    attention: list[LayerAttention] = []
    try:
        attention = [layer for other in others for layer in attention_of_run(other)]
    except UsageError as error:
        left_out.append(f"attention: {error.message}")
    return _Found(ran, attention, why=why, effects=effects, placed=placed, opened=opened, tour=tour)


@dataclass(frozen=True)
class _Found:
    """What the page shows."""

    ran: "Trace"
    layers: "Sequence[LayerAttention]" = ()
    why: "Explanation | None" = None
    effects: "Effects | None" = None
    placed: "Placement | None" = None
    opened: "Opened | None" = None
    tour: "Walk | None" = None


def _of_many_heads(ends: "Ends") -> "Ends":
    """Return what is kept where a page offers the heads to choose from, as many as it has room for."""
    from msgspec import structs

    from ..render.sizes import SHOWN_STACK

    return structs.replace(ends, stack=SHOWN_STACK)


def _opened(
    loaded: "Loaded",
    batch: "Input",
    ran: "Trace",
    left_out: list[str],
    edits: "Sequence[Edit]",
    terminal: Terminal,
) -> "Opened | None":
    """Return the numbers whose arithmetic the page can open; None where it can open none, and say why."""
    from ..analysis.opened_cells import opened_cells
    from ..render.sizes import SHOWN_ENDS, SHOWN_SENTENCES

    if ran.selection:
        left_out.append("the arithmetic of numbers: of whole runs alone, without --layer, --module and --level")
        return None
    try:
        with terminal.waiting("working out numbers"):
            return opened_cells(loaded, batch, ran, ends=SHOWN_ENDS, sentences=SHOWN_SENTENCES, edits=edits)
    except UsageError as error:
        left_out.append(f"the arithmetic of numbers: {error.message}")
        return None


def _diagram(trace: "Trace", left_out: list[str]) -> str | None:
    """Return the dataflow of a whole run as SVG; say so where the run is not whole."""
    if trace.selection or trace.failure is not None or not trace.steps:
        left_out.append("the diagram: it is drawn of whole runs, without --layer, --module and --level")
        return None
    from ..dataflow import dataflow, folded
    from ..render.diagram.svg import TooLarge, svg

    try:
        return svg(folded(dataflow(trace, trace.steps[0])))
    except TooLarge:
        left_out.append("the diagram: this run has too many steps for one; bert-inspect diagram --module draws a part")
        return None


def _recorded(trace: "Trace", left_out: list[str]) -> "Sequence[LayerAttention]":
    """Return the attention that a saved trace holds; say if it holds none."""
    try:
        return recorded_attention(trace)
    except UsageError as error:
        left_out.append(f"attention: this trace holds no values of it; {error.hint}")
    except TraceFileError as error:
        left_out.append(f"attention: {error.message}")
    return []
