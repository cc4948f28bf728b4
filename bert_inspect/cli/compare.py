"""``bert-inspect compare``: two settings of the model side by side, in one process."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import complete, help
from . import options as o
from .deliver import deliver_diff
from .expand import Without, expanded
from .explained import Asked, NumberOptions
from .inputs import sentences_of, shows_help
from .outfile import check_output
from .prepare import check_before_loading, check_tokens, check_weights, encode_sentences, find, load, tokenizer_of
from .sides import SideChoice, parse_side, shared

if TYPE_CHECKING:
    from ..analysis.compare import Run
    from ..analysis.explain.explanation import Explanation
    from ..diff import Diff
    from ..loading.checkpoint import Checkpoint
    from ..traces.record import Input
    from ..traces.selection import Selection, Wanted


@expanded
def compare(
    context: typer.Context,
    *,
    a: Annotated[
        list[str] | None,
        typer.Option(
            "--a",
            metavar="KEY=VALUE",
            help="A setting of side A; may be repeated.",
            rich_help_panel=help.COMPARE,
            autocompletion=complete.settings,
        ),
    ] = None,
    b: Annotated[
        list[str] | None,
        typer.Option(
            "--b",
            metavar="KEY=VALUE",
            help="A setting of side B: attention=sdpa, model=DIR, text=..., ablate=layer.3.head.7",
            autocompletion=complete.settings,
            rich_help_panel=help.COMPARE,
        ),
    ] = None,
    text: Annotated[o.TextOptions, Without("trace")],
    model: o.ModelOptions,
    every: o.All = False,
    why: Annotated[
        bool,
        typer.Option("--why", help="Why each side answers so: what each token contributes.", rich_help_panel=help.SHOW),
    ] = False,
    number: NumberOptions,
    select: o.ComparedOptions,
    tolerance: o.ToleranceOptions,
    out: o.OutputOptions,
    term: o.TerminalOptions,
) -> int:
    """Run two settings of the model and show where they first differ.

    Each with all its steps, in one process; the cause is named where it is found.
    """
    own_texts = all(any(said.startswith("text=") for said in side or ()) for side in (a, b))
    if not own_texts and shows_help(context, text.texts):
        return ExitCode.USAGE
    terminal = term.terminal()
    selection = select.selection()
    check_output(out.file)
    sentences = None if own_texts and not text.texts else sentences_of(text, terminal)
    base = model.spec()
    if not why and any(vars(number).values()):
        raise UsageError("--target, --against and --token choose what --why explains", "add --why")
    sides = [parse_side(f"--{name}", said, base=base, sentences=sentences) for name, said in (("a", a), ("b", b))]
    for side in sides if why else ():
        check_weights(side.spec)
    found, wanted, runs = _compared(sides, text, selection, tolerance, terminal)
    reasons = _explained(runs, Asked(**vars(number)), terminal) if why else []
    deliver_diff(found, terminal, out, every=every, selection=wanted, reasons=reasons)
    return ExitCode.OK if found.same else ExitCode.NO


def _compared(
    sides: list[SideChoice],
    text: o.TextOptions,
    selection: "Selection",
    tolerance: o.ToleranceOptions,
    terminal: Terminal,
) -> "tuple[Diff, Wanted, list[Run]]":
    """Load what the sides need, run them, and compare; what the selection comes to and both sides come with it."""
    checkpoints = [find(side.spec, terminal) for side in sides]
    tokenizers = [tokenizer_of(checkpoints[0], terminal)]
    tokenizers += tokenizers if checkpoints[1] == checkpoints[0] else [tokenizer_of(checkpoints[1], terminal)]
    batches = _encoded(sides, checkpoints, tokenizers, text, selection, terminal)
    with terminal.waiting("loading torch and the model"):
        from ..analysis.compare import Run, compare_runs
        from ..traces.lookup import types_of

        first, second = tokenizers
        loaded = load(checkpoints[0], sides[0].spec, terminal, tokenizer=first)
        other = loaded if shared(*sides) else load(checkpoints[1], sides[1].spec, terminal, tokenizer=second)
    runs = [
        Run(loaded=loaded_side, batch=batch, attention=side.spec.attention, name=side.name, edits=side.edits)
        for loaded_side, batch, side in zip((loaded, other), batches, sides, strict=True)
    ]
    with terminal.waiting("running both sides"):
        found = compare_runs(*runs, selection=selection, atol=tolerance.atol, rtol=tolerance.rtol)
    return found, selection.of(types_of({**other.modules(), **loaded.modules()})), runs


def _explained(runs: "list[Run]", asked: Asked, terminal: Terminal) -> "list[Explanation]":
    """Explain the answers of both sides.

    Raises:
        UsageError: a side's model gives no such number.
    """
    from ..capture.undisturbed import attending

    found = []
    with terminal.waiting("explaining both sides"):
        for run in runs:
            with attending(run.loaded.model, run.attention):
                found.append(asked.explained(run.loaded, run.batch, run.edits))
    return found


def _encoded(
    sides: list[SideChoice],
    checkpoints: "list[Checkpoint]",
    tokenizers: list[Any],
    text: o.TextOptions,
    selection: "Selection",
    terminal: Terminal,
) -> "list[Input]":
    batches: list[Input] = []
    for side, checkpoint, tokenizer in zip(sides, checkpoints, tokenizers, strict=True):
        check_before_loading(checkpoint, side.sentences, side.spec, selection, side.edits)
        if batches and side.sentences is sides[0].sentences and checkpoint == checkpoints[0]:
            batches.append(batches[0])  # what was cut from a sentence is told once
        else:
            batches.append(encode_sentences(checkpoint, tokenizer, side.sentences, text, terminal, spec=side.spec))
        check_tokens(batches[-1], side.edits)
    return batches
