"""Two settings of the model, run one after the other in one process and compared."""

from dataclasses import dataclass

from msgspec import structs

from ..capture.forward import run_forward
from ..capture.keep import Keep
from ..capture.undisturbed import attending
from ..diff import Comparison, Diff, Side
from ..loading.loaded import Loaded
from ..traces.edits import Edit
from ..traces.record import Input, Trace
from ..traces.selection import Selection
from .causes.cause import with_cause

MOST_NUMBERS = 200_000_000
"""Up to how many numbers a side all values are held (a gigabyte at float32); beyond, statistics have to do."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One side: a model, which both may share, the batch, the implementation of attention, how it is called, and what
    is edited in its run.
    """

    loaded: Loaded
    batch: Input
    attention: str
    name: str
    edits: tuple[Edit, ...] = ()


def compare_runs(a: Run, b: Run, *, selection: Selection, atol: float | None = None, rtol: float | None = None) -> Diff:
    """Run both sides, compare every step, and name the cause where they part.

    Raises:
        UsageError: the selection matches nothing.
    """
    values = max(_count_numbers(run, selection) for run in (a, b)) <= MOST_NUMBERS
    sides = [Side(_trace(run, selection=selection, values=values)) for run in (a, b)]
    comparison = Comparison(*sides, atol=atol, rtol=rtol)
    found = comparison.diff(names=(a.name, b.name))
    if not values:
        note = "the values of all steps are too many to hold: compared by statistics; `layer` compares values of a part"
        found = structs.replace(found, notes=[*found.notes, note])
    if "none" in (a.loaded.weights, b.loaded.weights):
        return found
    return with_cause(comparison, found, a.loaded.model, b.loaded.model)


def _count_numbers(run: Run, selection: Selection) -> int:
    """Return about how many numbers the steps of a forward return, by the sizes in the configuration."""
    sizes = run.loaded.sizes
    rows, length = len(run.batch.tokens), max((len(row) for row in run.batch.tokens), default=0)
    # A layer returns some twenty tensors of the hidden size, two of the intermediate size and five of scores.
    features = rows * length * (20 * sizes["hidden"] + 2 * sizes["intermediate"])
    scores = 5 * rows * sizes["heads"] * length * length
    return (len(selection.layers) or run.loaded.layers) * (features + scores)


def _trace(run: Run, *, selection: Selection, values: bool) -> Trace:
    """Return a side's trace: with all values, else with statistics, without weights with neither."""
    numbers = run.loaded.weights != "none"
    keep = Keep(stats=numbers and not values, values="full" if numbers and values else None)
    with attending(run.loaded.model, run.attention):
        return run_forward(run.loaded, run.batch, selection=selection, keep=keep, edits=run.edits).trace
