"""What the commands have in common that run the model once, or look at a saved run in its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import BertInspectError, ExitCode, UsageError
from ..terminal import Terminal, report
from .inputs import ModelChoice, check_before_loading, encode_sentences, parse_sentences

if TYPE_CHECKING:
    from ..loading.loaded import Loaded
    from ..traces.record import Input, Trace
    from ..traces.selection import Selection


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything about the sentences that a command line says."""

    texts: Sequence[str] | None
    pair: Sequence[str] | None = None
    labels: str | None = None
    max_length: int | None = None
    truncate: bool = False
    selection: "Selection | None" = None


def prepare(request: Request, choice: ModelChoice, terminal: Terminal) -> "tuple[Loaded, Input]":
    """Return the loaded model and the encoded sentences; what can be refused is refused before torch is loaded.

    Raises:
        UsageError: unusable sentences.
        ModelError: the model or its tokenizer cannot be loaded.
    """
    from ..traces.selection import Selection

    sentences = parse_sentences(request.texts, pair=request.pair, labels=request.labels)
    checkpoint = choice.locate(terminal)
    check_before_loading(checkpoint, sentences, request.selection or Selection(), choice.num_labels)
    batch = encode_sentences(
        checkpoint, sentences, max_length=request.max_length, truncate=request.truncate, terminal=terminal
    )
    with terminal.waiting("loading torch and the model"):
        return choice.load(checkpoint, terminal), batch


def saved(trace: str, texts: Sequence[str] | None) -> "Trace":
    """Return the saved trace that takes the place of sentences.

    Raises:
        UsageError: sentences are given too.
        TraceFileError: it cannot be read.
    """
    from ..traces.trace_file import load_trace

    if texts:
        raise UsageError("--trace takes the place of sentences", "give one of the two")
    return load_trace(trace)


def say_what_is_missing(trace: "Trace", terminal: Terminal, *, stats: bool, values: bool) -> None:
    """Say on stderr that a saved trace does not hold what is asked for."""
    outputs = [tensor for step in trace.steps for tensor in step.outputs]
    if stats and all(tensor.stats is None for tensor in outputs):
        terminal.say("this trace holds no statistics: run with --stats to record them")
    if values and all(tensor.values is None for tensor in outputs):
        terminal.say("this trace holds no values: run with --values to record them")


def told_failure(trace: "Trace") -> ExitCode:
    """Return the exit code of a run, and say why its forward failed if it did."""
    if trace.failure is None:
        return ExitCode.OK
    where = trace.failure.path or "the model"
    report(BertInspectError(f"the forward failed in {where}: {trace.failure.cause}"))
    return ExitCode.NO


def told_outcome(trace: "Trace") -> ExitCode:
    """Return the exit code of a run, and say why its forward failed, or its proof, if one did."""
    if trace.failure is not None or trace.proof is None or trace.proof.fault is None:
        return told_failure(trace)
    from ..render.proof import in_words

    report(BertInspectError(f"the proof failed: {in_words(trace.proof.fault)}"))
    return ExitCode.NO
