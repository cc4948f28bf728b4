"""``bert-inspect attention``: attention heatmaps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import help
from . import options as o
from .expand import Only, Without, expanded
from .inputs import check_no_edits, saved, shows_help
from .kept_attention import attention_of_run, check_amount, recorded_attention
from .outcome import told_failure
from .outfile import check_picture, drawn
from .prepare import check_weights, prepare

if TYPE_CHECKING:
    from ..analysis.attention import LayerAttention
    from ..loading.spec import ModelSpec
    from ..traces.edits import Edit
    from ..traces.record import Trace
    from ..traces.selection import Selection

_FORMATS = (".svg", ".png", ".html")


@expanded
def attention(
    context: typer.Context,
    *,
    text: Annotated[o.TextOptions, Without("labels")],
    model: Annotated[o.ModelOptions, Without("num_labels")],
    edit: o.EditOptions,
    select: Annotated[o.SelectionOptions, Only("layer")],
    head: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="One head, counted from 0.", rich_help_panel=help.SHOW)
    ] = None,
    mean: Annotated[
        bool, typer.Option("--mean", help="The mean over a layer's heads.", rich_help_panel=help.SHOW)
    ] = False,
    padding: o.Padding = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A picture of all heads too: .svg, .png or .html.",
            rich_help_panel=help.SAVE,
        ),
    ] = None,
    term: o.TerminalOptions,
) -> int:
    """Show where each head looks: query tokens by key tokens."""
    from ..traces.selection import layer_count

    terminal = term.terminal()
    if head is not None and mean:
        raise UsageError("--head shows one head, --mean the mean of all", "give one of the two")
    suffix = None if output is None else check_picture(output, _FORMATS)
    selection, edits = select.selection(), edit.edits()
    wanted = sorted(selection.layers)
    if text.trace is not None:
        check_no_edits(edits)
        ran = saved(text)
        selection.check_layers(layer_count(ran))
    elif shows_help(context, text.texts):
        return ExitCode.USAGE
    else:
        ran = _run(text, model.spec(), selection, wanted if output is None else [], edits, terminal)
    if ran.failure is not None:
        return told_failure(ran)
    from ..analysis.attention import chosen
    from ..render.heads.page import attention_page, attention_summary

    found = attention_of_run(ran) if text.trace is None else recorded_attention(ran)
    layers = chosen(found, wanted, head)
    if output is not None and suffix is not None:
        picture = _picture(
            suffix, ran, found, layer=(layers[0] if wanted else layers[-1]).layer, head=head, padding=padding
        )
        terminal.save(output, [picture])
    overview = not wanted and head is None and not mean
    terminal.show(
        attention_page(ran, layers, head=head, mean=mean, overview=overview, padding=padding),
        summary=lambda: attention_summary(ran, layers, head=head, mean=mean, overview=overview),
    )
    return told_failure(ran)


def _run(
    text: o.TextOptions,
    spec: "ModelSpec",
    selection: "Selection",
    layers: list[int],
    edits: "Sequence[Edit]",
    terminal: Terminal,
) -> "Trace":
    from ..traces.vocabulary import labels

    check_weights(spec, what=labels.ATTENTION_PROBABILITIES)
    for edit in edits:
        if edit.kind == "layer" and edit.how == "zero" and edit.layer in layers:
            raise UsageError(f"layer {edit.layer} is taken away, so it has no attention", "name another with --layer")
    loaded, batch = prepare(text, spec, terminal, selection=selection, edits=edits)
    from ..capture.attention_spec import attention_spec
    from ..capture.forward import run_for_traces

    check_amount(loaded, batch, len(layers) or loaded.layers)
    with terminal.waiting("running the model"):
        return run_for_traces(loaded, batch, [attention_spec(loaded, layers)], edits=edits)[0].trace


def _picture(
    suffix: str,
    ran: "Trace",
    layers: "Sequence[LayerAttention]",
    *,
    layer: int,
    head: int | None,
    padding: bool,
) -> bytes:
    """Return all heads of all layers with one enlarged, as the bytes of a file of that kind."""
    if suffix == ".html":
        from ..render.report import attention_html

        return attention_html(ran, layers, layer=layer, head=head).encode()
    from ..render.heads.svg import attention_svg

    return drawn(attention_svg(ran, layers, layer=layer, head=head, padding=padding), suffix)
