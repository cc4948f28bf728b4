"""``bert-inspect compare``: two settings of the model side by side, in one process."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode
from ..terminal import Terminal
from . import options as o
from .deliver import check_output, deliver_diff
from .inputs import ModelChoice, check_before_loading, encode_sentences, parse_sentences, shows_help
from .sides import parse_side, shared

if TYPE_CHECKING:
    from ..traces.record import Input


def compare(
    context: typer.Context,
    texts: o.Texts = None,
    a: Annotated[
        list[str] | None, typer.Option("--a", metavar="KEY=VALUE", help="A setting of side A; may be repeated.")
    ] = None,
    b: Annotated[
        list[str] | None,
        typer.Option("--b", metavar="KEY=VALUE", help="A setting of side B: attention=sdpa, model=DIR, text=..."),
    ] = None,
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
    every: o.All = False,
    layer: o.Layer = None,
    module: o.Module = None,
    level: o.Level = "op",
    atol: o.Atol = None,
    rtol: o.Rtol = None,
    json: o.Json = False,
    output: o.OutputFile = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_pager: o.NoPager = False,
    debug: o.Debug = False,
) -> int:
    """Run two settings of the model side by side, show where they part, and why."""
    own_texts = all(any(said.startswith("text=") for said in side or ()) for side in (a, b))
    if not own_texts and shows_help(context, texts):
        return ExitCode.USAGE
    from ..traces.selection import Selection

    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    selection = Selection.parse(layer=layer, module=module or (), level=level)
    json_to_stdout = check_output(output, json=json)
    sentences = None if own_texts and not texts else parse_sentences(texts, pair=pair, labels=labels)
    base = ModelChoice(
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
    sides = [parse_side(f"--{name}", said, base=base, sentences=sentences) for name, said in (("a", a), ("b", b))]
    checkpoints = [side.choice.locate(terminal) for side in sides]
    batches: list[Input] = []
    for side, checkpoint in zip(sides, checkpoints, strict=True):
        check_before_loading(checkpoint, side.sentences, selection, side.choice.num_labels)
        if batches and side.sentences is sides[0].sentences and checkpoint == checkpoints[0]:
            batches.append(batches[0])  # what was cut from a sentence is told once
            continue
        batches.append(
            encode_sentences(checkpoint, side.sentences, max_length=max_length, truncate=truncate, terminal=terminal)
        )
    with terminal.waiting("loading torch and the model"):
        from ..analysis.compare import Run, compare_runs

        loaded = sides[0].choice.load(checkpoints[0], terminal)
        other = loaded if shared(*sides) else sides[1].choice.load(checkpoints[1], terminal)
    runs = [
        Run(loaded=loaded_side, batch=batch, attention=side.choice.attention, name=side.name)
        for loaded_side, batch, side in zip((loaded, other), batches, sides, strict=True)
    ]
    with terminal.waiting("running both sides"):
        found = compare_runs(*runs, selection=selection, atol=atol, rtol=rtol)
    deliver_diff(found, terminal, every=every, selection=selection, json=json_to_stdout, output=output)
    return ExitCode.OK if found.same else ExitCode.NO
