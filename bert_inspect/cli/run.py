"""``bert-inspect run``: tokenize, run the model once, show the whole pass."""

from typing import Annotated

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import options as o
from .deliver import check_folder, check_output, deliver
from .inputs import ModelChoice, shows_help
from .many import run_many
from .prepare import Request, prepare, told_outcome
from .screen import for_the_screen


def run(
    context: typer.Context,
    texts: o.Texts = None,
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
    depth: o.Depth = None,
    fold: o.Fold = False,
    stats: o.Stats = False,
    values: o.ShowValues = False,
    axes: o.Axes = False,
    verify: o.Verify = False,
    time: Annotated[bool, typer.Option("--time", help="Seconds that each step took.")] = False,
    json: o.Json = False,
    output: o.OutputFile = None,
    tensors: Annotated[
        str | None, typer.Option(metavar="FILE", help="The selected steps' full tensors, as safetensors.")
    ] = None,
    input_file: Annotated[
        str | None, typer.Option("--input", metavar="FILE", help="Many sentences, one a line, into JSON Lines.")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, metavar="N", help="Sentences a batch, with --input.")] = 16,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a run with --input stopped.")] = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_pager: o.NoPager = False,
    debug: o.Debug = False,
) -> int:
    """Run a BERT once over the sentences and show the whole forward pass."""
    if input_file is None and shows_help(context, texts):
        return ExitCode.USAGE
    from ..capture.keep import VALUES_LIMIT, Keep
    from ..traces.selection import Selection

    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    selection = Selection.parse(layer=layer, module=module or (), level=level)
    json_to_stdout = check_output(output, json=json, others=[tensors, input_file])
    check_folder(tensors)
    if weights == "none" and (stats or values or tensors or verify):
        raise UsageError("without weights there are no numbers, only shapes", "leave --weights none out")
    if resume and input_file is None:
        raise UsageError("--resume goes with --input", "name the file of sentences")
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
    exports = json_to_stdout or output is not None
    keep = Keep(
        stats=stats,
        values=("full" if exports else for_the_screen()) if values else None,
        tensors=tensors is not None,
        seconds=time,
        limit=VALUES_LIMIT,
    )
    if input_file is not None:
        if texts or pair or labels or tensors or not exports:
            raise UsageError(
                "--input reads its sentences from the file and writes JSON Lines",
                f"bert-inspect run --input {input_file} -o traces.jsonl",
            )
        return run_many(
            input_file,
            output=output,
            resume=resume,
            batch_size=batch_size,
            choice=choice,
            selection=selection,
            keep=keep,
            verify=verify,
            max_length=max_length,
            truncate=truncate,
            terminal=terminal,
        )
    request = Request(
        texts=texts, pair=pair, labels=labels, max_length=max_length, truncate=truncate, selection=selection
    )
    loaded, batch = prepare(request, choice, terminal)
    from ..capture.forward import run_forward

    with terminal.waiting("running the model"):
        trace, stored = run_forward(loaded, batch, selection=selection, keep=keep, verify=verify)
    versions = trace.environment
    terminal.detail(f"torch {versions.torch}, transformers {versions.transformers}, {len(trace.steps)} steps recorded")
    if verify and time:
        terminal.say("the times of modules include their checks: leave --verify out to time them")
    if tensors is not None:
        from ..capture.tensor_file import save_tensors

        save_tensors(tensors, stored)
        terminal.say(f"{len(stored)} tensors written to {tensors}")

    from ..render.tree import View

    view = View(depth=depth, fold=fold, stats=stats, values=values, axes=axes)
    deliver(trace, view, terminal, json=json_to_stdout, output=output)
    return told_outcome(trace)
