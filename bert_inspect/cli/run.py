"""``bert-inspect run``: tokenize, run the model once, show the whole pass."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import help
from . import options as o
from .deliver import deliver_trace
from .engine_options import EngineOptions
from .expand import Without, expanded
from .flags import in_flags
from .inputs import shows_help
from .many import ManyEngine, ManyOptions, Recording, run_many
from .outcome import told_outcome
from .outfile import check_folder, check_output
from .prepare import check_weights, prepare
from .screen import for_the_screen

if TYPE_CHECKING:
    from ..loading.spec import ModelSpec
    from ..traces.focus import Focus
    from ..traces.record import Trace


@expanded
def run(
    context: typer.Context,
    *,
    text: Annotated[o.TextOptions, Without("trace")],
    model: o.ModelOptions,
    edit: o.EditOptions,
    select: o.SelectionOptions,
    look: o.ViewOptions,
    verify: o.Verify = False,
    time: Annotated[
        bool, typer.Option("--time", help="Seconds that each step took.", rich_help_panel=help.SHOW)
    ] = False,
    out: o.OutputOptions,
    tensors: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The selected steps' full tensors, as safetensors.", rich_help_panel=help.SAVE
        ),
    ] = None,
    many: ManyOptions,
    engine: ManyEngine,
    term: o.TerminalOptions,
) -> int:
    """Run a BERT once and show the whole forward pass."""
    if many.input_file is None and shows_help(context, text.texts):
        return ExitCode.USAGE
    from ..capture.keep import Keep
    from ..traces.values import VALUES_LIMIT

    terminal = term.terminal()
    selection = select.selection()
    check_output(out.file, others=[tensors, many.input_file])
    check_folder(tensors)
    spec, focus, edits = model.spec(), look.focus(), edit.edits()
    if look.stats or look.values or tensors or verify:
        check_weights(spec)
    exports = out.to_stdout or out.file is not None
    _check_input(many, text, tensors, engine, exports=exports)
    keep = Keep(
        stats=look.stats,
        values=("full" if exports else for_the_screen()) if look.values else None,
        tensors=tensors is not None,
        seconds=time,
        limit=VALUES_LIMIT,
    )
    recording = Recording(selection=selection, keep=keep, verify=verify, edits=edits)
    if many.input_file is not None:
        return run_many(many, text, spec, recording, engine=engine, out=out, terminal=terminal)
    trace = _run(text, spec, recording, tensors, terminal, focus=focus)
    deliver_trace(trace, look.view(), terminal, out)
    return told_outcome(trace)


def _check_input(
    many: ManyOptions, text: o.TextOptions, tensors: str | None, engine: EngineOptions, *, exports: bool
) -> None:
    """Refuse what does not go together with a file of sentences.

    Raises:
        UsageError: names it.
    """
    if many.input_file is None:
        if many.resume:
            raise UsageError("--resume goes with --input", "name the file of sentences")
        given = [name for name, value in vars(engine).items() if value != getattr(EngineOptions(), name)]
        if given:
            raise UsageError(f"--{given[0]} goes with --input", "name the file of sentences")
    elif text.texts or text.pair or text.labels or tensors or not exports:
        raise UsageError(
            "--input reads its sentences from the file and writes JSON Lines",
            f"bert-inspect run --input {many.input_file} -o traces.jsonl",
        )


def _run(
    text: o.TextOptions,
    spec: "ModelSpec",
    recording: Recording,
    tensors: str | None,
    terminal: Terminal,
    *,
    focus: "Focus",
) -> "Trace":
    """Run the model once, and save the tensors if they have a file.

    Raises:
        UsageError: more numbers would be kept than a trace may hold, or the file cannot be written.
    """
    from msgspec import structs

    loaded, batch = prepare(text, spec, terminal, selection=recording.selection, focus=focus, edits=recording.edits)
    from ..capture.forward import run_forward
    from ..capture.keep import Ends, TooManyValues

    if isinstance(recording.keep.values, Ends):
        keep = structs.replace(recording.keep, values=for_the_screen(focus, batch))
        recording = replace(recording, keep=keep)

    with terminal.waiting("running the model"):
        try:
            trace, stored = run_forward(loaded, batch, **vars(recording))
        except TooManyValues as error:
            hint = f"save them with --tensors FILE, or {in_flags(error.hint or '')}"
            raise UsageError(error.message, hint) from error
    versions = trace.environment
    terminal.detail(f"torch {versions.torch}, transformers {versions.transformers}, {len(trace.steps)} steps recorded")
    if recording.verify and recording.keep.seconds:
        terminal.say("the times of modules include their checks: leave --verify out to time them")
    if tensors is not None:
        from ..capture.tensor_file import save_tensors

        save_tensors(tensors, stored)
        terminal.say(f"{len(stored)} tensors written to {tensors}")
    return trace
