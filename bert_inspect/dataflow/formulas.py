"""What a trace says only by its numbers: where a factor comes from, and which component a tensor is of."""

from collections.abc import Iterable, Sequence
from math import isclose, sqrt

from ..traces.ops import DIVIDE, SCALE, op_of
from ..traces.record import Step


def by_head_size(step: Step, beside: Iterable[Step]) -> str:
    """Return ``/ sqrt(64)`` for an op that divides by the root of the size of a head, or multiplies with one by it,
    nothing for all others. ``beside`` are the steps of the same module: their tensors tell how big a head is.
    """
    family = op_of(step.type).family
    if step.kind != "op" or family not in (SCALE, DIVIDE):
        return ""
    try:
        number = float(step.arguments)
    except ValueError:
        return ""
    for size in dict.fromkeys(size for each in beside for size in _head_sizes(each)):
        root = sqrt(size)
        if size > 1 and isclose(number, root if family == DIVIDE else 1 / root, rel_tol=1e-6):
            return f"/ sqrt({size})"
    return ""


def _head_sizes(step: Step) -> Iterable[int]:
    for tensor in step.outputs:
        if tensor.axes is not None and "head_dim" in tensor.axes:
            yield tensor.shape[tensor.axes.index("head_dim")]


def maker(steps: Sequence[Step], step: Step, root: Step) -> Step:
    """Return which component made a tensor, seen from a module that received it: the outermost one around the step
    that is not around the module too. Of what the embeddings return that is the embeddings, not their dropout.
    """
    around = {root.id}
    above = root
    while above.parent is not None:
        above = steps[above.parent]
        around.add(above.id)
    while step.parent is not None and step.parent not in around:
        step = steps[step.parent]
    return step
