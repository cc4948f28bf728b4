"""``bert-inspect cell``: one number of one step and its arithmetic."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ExitCode, ModelError, TraceFileError, UsageError
from ..quoting import quoted
from ..terminal import Terminal
from . import complete, help
from . import options as o
from .deliver import deliver
from .expand import expanded
from .inputs import saved, shows_help
from .made_by import spec_of
from .outcome import told_failure
from .outfile import check_output
from .prepare import check_weights, find, load, prepare

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..cells.follow import Source
    from ..cells.record import Cell, CellReport
    from ..cells.tell import Asked
    from ..loading.loaded import Loaded
    from ..traces.edits import Edit
    from ..traces.record import Trace


@expanded
def cell(
    context: typer.Context,
    step: Annotated[
        str,
        typer.Argument(
            metavar="STEP",
            help="A label ('attention scores'), a path, PATH:LABEL, a name in transformers (logits, 'attentions[3]'), "
            "or probabilities.",
            autocompletion=complete.steps,
        ),
    ],
    *,
    text: o.TextOptions,
    model: o.ModelOptions,
    layer: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="The encoder layer, from 0.", rich_help_panel=help.FILTER)
    ] = None,
    sentence: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="The sentence, from 1.", rich_help_panel=help.FILTER)
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AXIS=PLACE,...",
            help="The number: head=7,query=love,key=cats. Of what is not named: the largest.",
            rich_help_panel=help.FILTER,
        ),
    ] = None,
    depth: Annotated[
        int,
        typer.Option(
            min=0, max=20, metavar="N", help="Follow the largest operands so deep.", rich_help_panel=help.SHOW
        ),
    ] = 0,
    terms: Annotated[
        int, typer.Option(min=1, metavar="N", help="The terms that are listed.", rich_help_panel=help.SHOW)
    ] = 6,
    out: o.OutputOptions,
    term: o.TerminalOptions,
) -> int:
    """Show where one number comes from: its arithmetic, term by term.

    Exit 1 if it does not give the number that was recorded.
    """
    terminal = term.terminal()
    if not step.strip():
        raise UsageError("STEP is empty", f"bert-inspect cell logits {quoted('I love cats!')}")
    check_output(out.file, others=[text.trace])
    from ..cells.tell import Asked
    from ..cells.where import parse_at

    asked = Asked(at=parse_at(at or ()), sentence=sentence, terms=terms, depth=depth)
    tell = _teller(step, layer, asked, terminal)
    if text.trace is not None:
        named = context.get_parameter_source("name")
        given = model.name if named is not None and named.name == "COMMANDLINE" else None
        trace, found = _of_saved(saved(text), tell, given, text.trace, terminal)
    elif shows_help(context, text.texts):
        return ExitCode.USAGE
    else:
        spec = model.spec()
        check_weights(spec)
        loaded, batch = prepare(text, spec, terminal)
        from ..analysis.cell import Runs

        with terminal.waiting("running the model"):
            runs = Runs(loaded, batch)
            if runs.trace.failure is not None:
                return told_failure(runs.trace)
            trace, found = runs.trace, tell(runs)
    _deliver(_report(trace, found), out, terminal)
    return ExitCode.OK if found.all_reproduce else ExitCode.NO


def _teller(step: str, layer: int | None, asked: "Asked", terminal: Terminal) -> "Callable[[Source], Cell]":
    """Return what tells the cell that is asked for; what was taken where several may be meant is said once."""
    said: set[str] = set()

    def tell(source: "Source") -> "Cell":
        from ..cells.find import find_step
        from ..cells.tell import cell_of

        found = find_step(source.trace, step, layer=layer)
        cell = cell_of(source, found, asked)
        if found.note is not None and found.note not in said:
            said.add(found.note)
            terminal.say(found.note)
        return cell

    return tell


def _of_saved(
    trace: "Trace", tell: "Callable[[Source], Cell]", given: str | None, name: str, terminal: Terminal
) -> "tuple[Trace, Cell]":
    """Return the cell out of a saved trace: with the weights of its model where they are needed, else of a new run of
    that model over the same tokens where the trace does not hold what is needed.

    Raises:
        ModelError: the model is needed, and is not on this machine or cannot be loaded.
        UsageError: it is not known where the model lies, or it is another one.
    """
    from ..cells.run_numbers import Missing
    from ..cells.saved import Saved

    source = Saved(trace, name)
    try:
        return trace, tell(source)
    except Missing as error:
        wanted = error
    loaded = _loaded(trace, given, terminal)
    from msgspec import structs

    from ..analysis.cell import Runs, parameters_of

    if wanted.parameters:
        try:
            found = tell(source.with_parameters(parameters_of(loaded.model)))
        except Missing:
            pass
        else:
            terminal.say(f"the numbers are the trace's, the weights those of {loaded.name}")
            if not found.all_reproduce:
                terminal.say(f"{loaded.name} may not be the model that made the trace: --model FOLDER names another")
            return trace, found
    terminal.say(f"the trace does not hold the numbers that this needs: they are of a new run of {loaded.name}")
    with terminal.waiting("running the model"):
        runs = Runs(loaded, trace.input, edits=_edits_of_model(trace, name))
        if runs.trace.failure is not None:
            raise UsageError(
                f"{loaded.name} cannot be run on what the trace holds: {runs.trace.failure.cause}",
                "name the model that made the trace: --model FOLDER",
            )
        # What is told of is the run that was saved: with the edits of its tokens.
        model = structs.replace(runs.trace.model, edits=trace.model.edits)
        return structs.replace(runs.trace, model=model), tell(runs)


def _edits_of_model(trace: "Trace", name: str) -> "list[Edit]":
    """Return what was edited in the run of a saved trace, but for tokens: those are edited in its input.

    Raises:
        TraceFileError: it does not say it as edits are written.
    """
    from ..traces.edits import parse_edits

    try:
        return [edit for edit in parse_edits(trace.model.edits) if edit.kind != "token"]
    except UsageError as error:
        raise TraceFileError(f"{name} is damaged: of its edits, {error.message}", "trace it again") from error


def _loaded(trace: "Trace", given: str | None, terminal: Terminal) -> "Loaded":
    """Load the model that made a trace."""
    spec = spec_of(trace.model, given, trace="the trace")
    try:
        checkpoint = find(spec, terminal)
    except ModelError as error:
        raise ModelError(error.message, "name the model that made the trace: --model FOLDER") from error
    with terminal.waiting("loading torch and the model"):
        loaded = load(checkpoint, spec, terminal)
    made: Any = type(loaded.model).__name__
    if made != trace.model.class_:
        raise UsageError(
            f"{loaded.name} is a {made}, the trace is of a {trace.model.class_}",
            "name the model that made the trace: --model FOLDER",
        )
    return loaded


def _report(trace: "Trace", found: "Cell") -> "CellReport":
    from ..cells.record import CellReport

    return CellReport(environment=trace.environment, model=trace.model, input=trace.input, cell=found)


def _deliver(report: "CellReport", out: o.OutputOptions, terminal: Terminal) -> None:
    def picture() -> "RenderableType":
        from ..render.cell import cell_page

        return cell_page(report)

    def summary() -> "RenderableType":
        from ..render.cell import answer

        return answer(report)

    deliver(terminal, out, json=lambda: [report.json()], picture=picture, summary=summary)
