"""``bert-inspect attention``: attention heatmaps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import options as o
from .deliver import check_folder
from .inputs import ModelChoice, shows_help
from .prepare import Request, prepare, saved, told_failure

if TYPE_CHECKING:
    from ..analysis.attention import LayerAttention
    from ..loading.loaded import Loaded
    from ..traces.record import Input, Trace


def attention(
    context: typer.Context,
    texts: o.Texts = None,
    trace: o.SavedTrace = None,
    pair: o.Pair = None,
    max_length: o.MaxLength = None,
    truncate: o.Truncate = False,
    model: o.ModelName = "bert-base-cased",
    download: o.Download = False,
    weights: o.Weights = "auto",
    seed: o.Seed = 123,
    attention: o.Attention = "eager",
    device: o.Device = "cpu",
    dtype: o.Dtype = None,
    allow_missing: o.AllowMissing = False,
    layer: o.Layer = None,
    head: Annotated[int | None, typer.Option(min=0, metavar="N", help="One head, counted from 0.")] = None,
    mean: Annotated[bool, typer.Option("--mean", help="The mean over a layer's heads.")] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="A picture of all heads too: .svg, .png or .html."),
    ] = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_pager: o.NoPager = False,
    debug: o.Debug = False,
) -> int:
    """Show where each head looks: query tokens by key tokens."""
    from ..traces.selection import parse_layers

    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    if head is not None and mean:
        raise UsageError("--head shows one head, --mean the mean of all", "give one of the two")
    kind = None if output is None else _kind(output)
    wanted = sorted(parse_layers(layer)) if layer is not None else []
    if trace is not None:
        ran = saved(trace, texts)
    elif shows_help(context, texts):
        return ExitCode.USAGE
    else:
        if weights == "none":
            raise UsageError("without weights there is no attention, only shapes", "leave --weights none out")
        choice = ModelChoice(
            name=model,
            download=download,
            weights=weights,
            num_labels=None,
            seed=seed,
            attention=attention,
            device=device,
            dtype=dtype,
            allow_missing=allow_missing,
        )
        request = Request(texts=texts, pair=pair, max_length=max_length, truncate=truncate)
        loaded, batch = prepare(request, choice, terminal)
        with terminal.waiting("running the model"):
            ran = run_for_attention(loaded, batch, wanted if kind is None else [])
    from ..analysis.attention import attentions, chosen
    from ..render.heads.page import attention_page

    if ran.failure is not None:
        return told_failure(ran)
    found = attentions(ran)
    layers = chosen(found, wanted, head)
    if kind is not None and output is not None:
        picture = _picture(kind, ran, found, layer=(layers[0] if wanted else layers[-1]).layer, head=head)
        terminal.save(output, [picture])
    overview = layer is None and head is None and not mean
    terminal.show(attention_page(ran, layers, head=head, mean=mean, overview=overview))
    return told_failure(ran)


def _kind(output: str) -> str:
    """Return which picture a file's name asks for.

    Raises:
        UsageError: none that is known, or its folder is not there.
    """
    kind = output.lower().rpartition(".")[2]
    if kind not in ("svg", "png", "html"):
        raise UsageError(f"{output!r} names no picture", "end it in .svg, .png or .html")
    check_folder(output)
    if kind == "png":
        from ..render.raster import check_rasterizer

        check_rasterizer()
    return kind


def _picture(kind: str, ran: "Trace", layers: "Sequence[LayerAttention]", *, layer: int, head: int | None) -> bytes:
    """Return all heads of all layers with one enlarged, as the bytes of a file of that kind."""
    if kind == "html":
        from ..render.report import attention_html

        return attention_html(ran, layers, layer=layer, head=head).encode()
    from ..render.heads.svg import attention_svg

    svg = attention_svg(ran, layers, layer=layer, head=head)
    if kind == "svg":
        return svg.encode()
    from ..render.raster import rasterized

    return rasterized(svg)


def run_for_attention(loaded: "Loaded", batch: "Input", layers: list[int]) -> "Trace":
    """Run the model once and keep what attention is taken from, and no more: the probabilities where the model computes
    them; else queries, keys, values, the mask and the fused output.

    Raises:
        UsageError: there are more numbers than a trace may hold.
    """
    from ..capture.forward import run_forward
    from ..capture.keep import VALUES_LIMIT, Keep
    from ..traces.selection import Selection

    config = loaded.model.config
    tokens = len(batch.tokens[0])
    count = count_of(loaded, batch, len(layers) or config.num_hidden_layers)
    if count > VALUES_LIMIT:
        raise UsageError(
            f"attention over {len(batch.tokens)} x {tokens} tokens is {count:,} numbers, the limit is {VALUES_LIMIT:,}",
            "name fewer layers with --layer, or give fewer sentences",
        )
    paths = [f"**.layer.{number}.attention.self" for number in layers] or ["**.attention.self"]
    eager = config._attn_implementation == "eager"
    selection = Selection.parse(module=paths if eager else [*paths, "bert"], level="module" if eager else "op")
    return run_forward(loaded, batch, selection=selection, keep=Keep(values="full"))[0]


def count_of(loaded: "Loaded", batch: "Input", layers: int) -> int:
    """Return how many probabilities so many layers have."""
    heads: int = loaded.model.config.num_attention_heads
    return layers * heads * len(batch.tokens) * len(batch.tokens[0]) ** 2
