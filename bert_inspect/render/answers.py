"""What the model answers, whatever its head, and what has to be known to read that."""

from ..traces.record import Trace
from .outcome.by_task import outcome_of
from .outcome.meaning import Answer


def answers(trace: Trace) -> list[Answer]:
    """Return the answer to every sentence; none where the forward failed or computed no numbers, or has no head."""
    return [] if trace.output is None else outcome_of(trace).answers(trace, trace.output)


def notes(trace: Trace) -> list[str]:
    """Return what has to be known to read the answers."""
    return [] if trace.output is None else outcome_of(trace).notes(trace, trace.output)


def title(trace: Trace) -> str:
    """Return what the answers are called: ``prediction``, ``entities``, ``answer`` ..."""
    return outcome_of(trace).title
