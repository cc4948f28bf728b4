"""``bert-inspect diff``: where two saved traces first part, without torch."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, ModelError, UsageError
from ..terminal import Terminal
from . import options as o
from .deliver import check_output, deliver_diff
from .inputs import ModelChoice

if TYPE_CHECKING:
    from ..diff import Comparison, Diff
    from ..diff.tensors import TensorFile


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A trace that run saved with -o.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The trace to hold against it.")],
    tensors_a: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A's tensors, as --tensors wrote them; else A.safetensors beside it."),
    ] = None,
    tensors_b: Annotated[str | None, typer.Option(metavar="FILE", help="B's tensors.")] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Name the cause: loads A's model and computes the step anew.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME_OR_DIR", help="The model that made A, for --explain; by default as A names it."),
    ] = None,
    every: o.All = False,
    layer: o.Layer = None,
    module: o.Module = None,
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
    """Show where two saved traces first part; exit 0 if nowhere, 1 if they differ."""
    from ..diff import Comparison, Side
    from ..traces.selection import Selection
    from ..traces.trace_file import load_trace

    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    selection = Selection.parse(layer=layer, module=module or ())
    json_to_stdout = check_output(output, json=json)
    if model is not None and not explain:
        raise UsageError("--model goes with --explain", "leave it out, or ask for the cause too")
    sides = [
        Side(load_trace(file), _tensors(file, tensors, terminal)) for file, tensors in ((a, tensors_a), (b, tensors_b))
    ]
    layers = [step.layer for side in sides for step in side.steps if step.layer is not None]
    selection.check_layers(1 + max(layers, default=-1))
    selection.check_paths([(step.path, step.layer) for side in sides for step in side.steps])
    comparison = Comparison(*sides, atol=atol, rtol=rtol)
    found = comparison.diff(names=(a, b))
    if explain and found.first is not None:
        found = _explained(comparison, found, model, terminal)
    deliver_diff(found, terminal, every=every, selection=selection, json=json_to_stdout, output=output)
    return ExitCode.OK if found.same else ExitCode.NO


def _explained(comparison: "Comparison", found: "Diff", model: str | None, terminal: Terminal) -> "Diff":
    """Load the model that made A, as A's trace says it was, and add the cause to what was found.

    Raises:
        ModelError: the model is not on this machine, or cannot be loaded.
    """
    made = comparison.a.trace.model
    if model is None and made.source == "python":
        raise UsageError("A was traced from Python: where its model lies is not known", "name it: --model FOLDER")
    choice = ModelChoice(
        name=model or made.name,
        weights="random" if made.weights == "random" else "auto",
        seed=made.seed,
        dtype=made.dtype,
        num_labels=len(made.config.get("id2label") or ()) or None,
        allow_missing=True,
    )
    try:
        checkpoint = choice.locate(terminal)
    except ModelError as error:
        raise ModelError(error.message, "name the model that made A: --model FOLDER") from error
    with terminal.waiting("loading torch and the model"):
        from ..analysis.causes.cause import with_cause

        loaded = choice.load(checkpoint, terminal)
    return with_cause(comparison, found, loaded.model)


def _tensors(trace: str, given: str | None, terminal: Terminal) -> "TensorFile | None":
    """Open the file of tensors that was named, else the one that bears the trace's name, if there is one."""
    from pathlib import Path

    beside = Path(trace).with_suffix(".safetensors")
    if given is None and not beside.is_file():
        return None
    from ..diff.tensors import TensorFile

    terminal.detail(f"tensors of {trace}: {given or beside}")
    return TensorFile(given or beside)
