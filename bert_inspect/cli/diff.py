"""``bert-inspect diff``: where two saved traces first differ, without torch."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, ModelError, UsageError
from ..terminal import Terminal
from . import complete, help
from . import options as o
from .deliver import deliver_diff
from .expand import expanded
from .made_by import spec_of
from .outfile import check_output
from .prepare import find, load

if TYPE_CHECKING:
    from ..diff import Comparison, Diff
    from ..diff.tensors import TensorFile


@expanded
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A trace that run saved with -o.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The trace to compare it with.")],
    *,
    tensors_a: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A's tensors, as --tensors wrote them; else A.safetensors beside it.",
            rich_help_panel=help.INPUT,
        ),
    ] = None,
    tensors_b: Annotated[
        str | None, typer.Option(metavar="FILE", help="B's tensors.", rich_help_panel=help.INPUT)
    ] = None,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Name the cause: loads A's model and computes the step again.",
            rich_help_panel=help.COMPARE,
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_DIR",
            help="The model that made A, for --explain; by default as A names it.",
            rich_help_panel=help.MODEL,
            autocompletion=complete.models,
        ),
    ] = None,
    every: o.All = False,
    select: o.ShownOptions,
    tolerance: o.ToleranceOptions,
    out: o.OutputOptions,
    term: o.TerminalOptions,
) -> int:
    """Show where two saved traces first differ.

    Exit 0 if they do nowhere, 1 if they do.
    """
    from ..diff import Comparison, Side
    from ..traces.lookup import modules_of, types_of
    from ..traces.trace_file import load_trace

    terminal = term.terminal()
    selection = select.selection()
    check_output(out.file)
    if model is not None and not explain:
        raise UsageError("--model goes with --explain", "leave it out, or ask for the cause too")
    sides = [
        Side(load_trace(file), _tensors(file, tensors, terminal)) for file, tensors in ((a, tensors_a), (b, tensors_b))
    ]
    layers = [step.layer for side in sides for step in side.steps if step.layer is not None]
    selection.check_layers(1 + max(layers, default=-1))
    wanted = selection.of(types_of({**modules_of(sides[1].trace), **modules_of(sides[0].trace)}))
    wanted.check([(step.path, step.layer) for side in sides for step in side.steps])
    comparison = Comparison(*sides, atol=tolerance.atol, rtol=tolerance.rtol)
    found = comparison.diff(names=(a, b))
    if explain and found.first is not None:
        found = _explained(comparison, found, model, terminal)
    deliver_diff(found, terminal, out, every=every, selection=wanted)
    return ExitCode.OK if found.same else ExitCode.NO


def _explained(comparison: "Comparison", found: "Diff", model: str | None, terminal: Terminal) -> "Diff":
    """Load the model that made A, as A's trace says it was, and add the cause to what was found.

    Raises:
        ModelError: the model is not on this machine, or cannot be loaded.
    """
    spec = spec_of(comparison.a.trace.model, model, trace="A")
    try:
        checkpoint = find(spec, terminal)
    except ModelError as error:
        raise ModelError(error.message, "name the model that made A: --model FOLDER") from error
    with terminal.waiting("loading torch and the model"):
        from ..analysis.causes.cause import with_cause

        loaded = load(checkpoint, spec, terminal)
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
