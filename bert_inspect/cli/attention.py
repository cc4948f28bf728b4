"""``bert-inspect attention``: attention heatmaps."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import options as o
from .inputs import ModelChoice, shows_help
from .prepare import Request, prepare, saved, told_failure

if TYPE_CHECKING:
    from ..capture.forward import Loaded
    from ..record import Input, Trace


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
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_pager: o.NoPager = False,
    debug: o.Debug = False,
) -> int:
    """Show where each head looks: query tokens by key tokens."""
    from ..selection import parse_layers

    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    if head is not None and mean:
        raise UsageError("--head shows one head, --mean the mean of all", "give one of the two")
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
            ran = run_for_attention(loaded, batch, wanted)
    from ..attention import attentions, chosen
    from ..render.attention import attention_page

    if ran.failure is not None:
        return told_failure(ran)
    layers = chosen(attentions(ran), wanted, head)
    overview = layer is None and head is None and not mean
    terminal.show(attention_page(ran, layers, head=head, mean=mean, overview=overview))
    return told_failure(ran)


def run_for_attention(loaded: "Loaded", batch: "Input", layers: list[int]) -> "Trace":
    """Run the model once and keep what attention is taken from, and no more: the probabilities where the model computes
    them; else queries, keys, values, the mask and the fused output.

    Raises:
        UsageError: there are more numbers than a trace may hold.
    """
    from ..capture.forward import run_forward
    from ..capture.notes import VALUES_LIMIT, Keep
    from ..selection import Selection

    config = loaded.model.config
    tokens = len(batch.tokens[0])
    count = (len(layers) or config.num_hidden_layers) * config.num_attention_heads * len(batch.tokens) * tokens**2
    if count > VALUES_LIMIT:
        raise UsageError(
            f"attention over {len(batch.tokens)} x {tokens} tokens is {count:,} numbers, the limit is {VALUES_LIMIT:,}",
            "name fewer layers with --layer, or give fewer sentences",
        )
    paths = [f"**.layer.{number}.attention.self" for number in layers] or ["**.attention.self"]
    eager = config._attn_implementation == "eager"
    selection = Selection.parse(module=paths if eager else [*paths, "bert"], level="module" if eager else "op")
    return run_forward(loaded, batch, selection=selection, keep=Keep(values="full"))[0]
