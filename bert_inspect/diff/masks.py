"""Attention masks: one run adds it to the scores, another has truth values, a third has none. What counts is which
keys a query may see.
"""

import math
from typing import TYPE_CHECKING

from ..traces.record import Step, TensorOut
from ..traces.vocabulary import labels
from .align import CannotAlign, Rows, align_axes
from .gap import Gap, Tolerance
from .side import Side

if TYPE_CHECKING:
    from .arrays import Array

_SAME = Gap(0.0, 1.0, 0.0, 0.0)


def is_mask(step: Step, other: Step) -> bool:
    """Whether two steps build the attention mask."""
    return step.label == other.label and step.label in labels.MASKS


def mask_gap_to(array: "Array", run: tuple[Side, Step], like: TensorOut | None, rows: Rows) -> Gap:
    """Return how far truth values (batch, 1, query tokens, key tokens) are from a run's mask; ``like`` is the mask of
    the run that they stand for.
    """
    import numpy as np

    from .arrays import blocks, gap_of_values, visible

    side, step = run
    output = next(iter(step.outputs), None)
    theirs = np.ones_like(array) if output is None else visible(side.values(step, output), output)
    axes = next((each.axes for each in (output, like) if each is not None and each.axes is not None), None)
    if array.ndim != theirs.ndim:
        return Gap(math.inf, math.inf, math.inf, 0.0)
    parts = blocks(array, theirs, axes, rows, padding=True)
    return gap_of_values(parts, allowed=Tolerance(0.0, 0.0), masked=None)


def mask_gap(a: tuple[Side, Step], b: tuple[Side, Step], rows: Rows) -> tuple[Gap | None, str]:
    """Return how far the masks of two runs are apart, and a remark; no gap where nothing tells what they hide.

    A run without a mask hides nothing. Padding that only one of the two batches has is not looked at.
    """
    with_mask = [(side, step, step.outputs[0]) for side, step in (a, b) if step.outputs]
    if not with_mask:
        causal = [name for name, (side, _) in (("A", a), ("B", b)) if _is_told_causal(side)]
        if len(causal) == 1:
            return Gap(1.0, 1.0, math.inf, 0.0), f"the attention of {causal[0]} is told to be causal (is_causal)"
        return _SAME, "neither run needs one"
    if len(with_mask) == 2:
        return _two(with_mask, rows)
    side, step, output = with_mask[0]
    only, none = ("A", "B") if step is a[1] else ("B", "A")
    if _is_told_causal((b if step is a[1] else a)[0]):
        gap = _gap_to_causal(side, step, output, rows, first=only == "A")
        return gap, f"only {only} has a mask; the attention of {none} is told to be causal (is_causal)"
    hidden = _hidden_beyond_padding(side, step, output, rows, first=only == "A")
    if hidden is None:
        return None, f"only {only} has a mask"
    if hidden:
        return Gap(1.0, 1.0, math.inf, 0.0), f"{only} hides {hidden:,} entries, {none} has no mask"
    return _SAME, f"only {only} has a mask; it hides no token that both have"


def _is_told_causal(side: Side) -> bool:
    """Whether a run without a mask tells its fused attention that each token sees those before it alone."""
    fused = (step for step in side.steps if step.label == labels.FUSED_ATTENTION)
    return any("is_causal=True" in step.arguments for step in fused)


def _gap_to_causal(side: Side, step: Step, output: TensorOut, rows: Rows, *, first: bool) -> Gap | None:
    """Return how far a mask is from one that hides what follows each token; None where nothing tells."""
    if not side.has_values(step, output) or len(output.shape) < 2:
        return None
    import numpy as np

    from .arrays import blocks, gap_of_values, visible

    array = visible(side.values(step, output), output)
    causal = np.broadcast_to(np.tri(*array.shape[-2:]) > 0, array.shape)
    parts = blocks(array, causal, output.axes, rows.of_one(first=first), padding=False)
    return gap_of_values(parts, allowed=Tolerance(0.0, 0.0), masked=None)


def _two(both: list[tuple[Side, Step, TensorOut]], rows: Rows) -> tuple[Gap | None, str]:
    (side_a, step_a, out_a), (side_b, step_b, out_b) = both
    if side_a.has_values(step_a, out_a) and side_b.has_values(step_b, out_b):
        from .arrays import blocks, gap_of_values, visible

        try:
            order = align_axes(out_a, out_b, rows)
        except CannotAlign as error:
            return None, error.why
        array_a = visible(side_a.values(step_a, out_a), out_a)
        array_b = visible(side_b.values(step_b, out_b), out_b)
        array_b = array_b if order is None else array_b.transpose(order)
        parts = blocks(array_a, array_b, out_a.axes or out_b.axes, rows, padding=True)
        return gap_of_values(parts, allowed=Tolerance(0.0, 0.0), masked=None), ""
    hidden_a, hidden_b = _hidden(side_a, step_a, out_a), _hidden(side_b, step_b, out_b)
    if hidden_a is None or hidden_b is None or not rows.same_padding:
        return None, "" if rows.same_padding else "the batches are padded differently"
    if hidden_a == hidden_b:
        return _SAME, ""
    return Gap(1.0, 1.0, math.inf, 0.0), f"A hides {hidden_a:,} entries, B {hidden_b:,}"


def _hidden(side: Side, step: Step, output: TensorOut) -> int | None:
    """Return how many entries of a mask hide a token: those that are False or, where the mask is added, not 0."""
    stats = side.stats(step, output)
    if stats is None:
        return None
    return stats.zeros if output.dtype == "bool" else math.prod(output.shape) - stats.zeros


def _hidden_beyond_padding(side: Side, step: Step, output: TensorOut, rows: Rows, *, first: bool) -> int | None:
    """Return how many entries a mask hides, those left out that are padding in a run that has more of it."""
    if rows.same_padding:
        return _hidden(side, step, output)
    if not side.has_values(step, output) or output.axes is None:
        return None
    from .arrays import blocks, visible

    array = visible(side.values(step, output), output)
    parts = blocks(array, array, output.axes, rows.of_one(first=first), padding=False)
    return sum(int((~part.a).sum()) for part in parts)
