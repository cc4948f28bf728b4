"""What is said about a run, new or saved: what its trace does not hold, and how it ended."""

from typing import TYPE_CHECKING

from ..errors import BertInspectError, ExitCode
from ..terminal import Terminal, report

if TYPE_CHECKING:
    from ..traces.record import Trace


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
