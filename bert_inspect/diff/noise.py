"""The rounding tolerance: how far two right runs may part by rounding alone.

A number that is rounded to a type with unit roundoff u is off by at most u of its size, and n roundings in a row by at
most n u. That bound is never met: roundings go up as often as down, so they add up like a random walk, and after n of
them the error exceeds ``lambda sqrt(n) u`` only with a probability below ``2 exp(-lambda^2 / 2)``: N. J. Higham and
T. Mary, A New Approach to Probabilistic Rounding Error Analysis, SIAM J. Sci. Comput. 41(5), 2019, theorem 2.4. One
bound holds for all that a number went through, since roundings in a row simply count on (N. J. Higham, Accuracy and
Stability of Numerical Algorithms, 2nd ed., lemma 3.3). So a step's floor, relative to the size of its tensor, is

    floor = lambda * sqrt(sum of n_i u_acc^2 + k_i u^2)

over the steps i on the longest way through the dataflow since the two runs last agreed to the bit. There

- ``u`` is the unit roundoff of the coarser of the two runs' types;
- ``n_i`` is how many roundings a sum inside the step takes: the inner length of a matrix product, the logarithm of
  the length for norms and softmax, which torch sums pairwise (Higham, section 4.2). Sums of half precision are
  accumulated in float32 (P. Blanchard et al., Mixed Precision Block Fused Multiply-Add, SIAM J. Sci. Comput. 42(3),
  2020), so that ``u_acc`` is at most that of float32;
- ``k_i`` counts the roundings of what is stored: the step's result, and its parameters where the types differ; none
  for what only moves numbers (a view, a lookup).

The size of a tensor, of which the floor is a part, is its root mean square or that of what flowed in, whichever is
larger (a sum that cancels keeps the errors of its terms), and for each entry its own magnitude besides.
"""

import math
from collections.abc import Callable, Collection, Sequence

from ..traces.ops import FUSED_ATTENTION, op_of
from ..traces.record import Step, TensorIn, Trace
from ..traces.tree import completion
from ..traces.values import UNIT_ROUNDOFF

CONFIDENCE = 6.0
"""Lambda. ``2 exp(-18)`` is 3e-8: of the millions of numbers of a trace, none exceeds its floor by rounding alone. Of
right pairs that were measured (a trained model of 6 layers and a random one of 12; eager against sdpa, alone against
padded, float32 against each other type, one CPU and release of torch against another and against a GPU) none came to
more than half of it.
"""

_LARGEST = 0.5
"""No floor is more than half of a tensor's size: beyond that nothing could ever be called different."""

_UNSEEN = 16
"""Roundings that a module is granted for ops of its own that were not recorded."""
_MOST = 10**9
"""The longest sum that is believed: a trace is a file that anybody may have written."""


def unit_roundoff(dtype: str) -> float:
    """Return the unit roundoff of a type, 0 of one whose numbers are exact (integers, truth values)."""
    return UNIT_ROUNDOFF.get(dtype, 0.0 if dtype.startswith(("int", "uint", "bool")) else UNIT_ROUNDOFF["float32"])


def variances(
    trace: Trace, unit: Callable[[Step], float], *, mixed: bool, identical: Collection[int], parted: Collection[int]
) -> dict[int, float]:
    """Return each step's sum of ``n u_acc^2 + k u^2`` since its run last agreed with the other to the bit.

    ``unit`` gives the unit roundoff at a step, ``mixed`` says that the two runs' types differ. ``identical`` holds the
    steps whose outputs agree to the bit, ``parted`` those that were compared and do not.

    What came from a step that was filtered out at capture is taken for equal while all that was compared before is;
    else for as rough as the layers that lie before make it.
    """
    found: dict[int, float] = {}
    inside: dict[int, list[Step]] = {}
    for step in trace.steps:
        if step.parent is not None:
            inside.setdefault(step.parent, []).append(step)
    agree: bool | None = None
    for step in completion(trace.steps):
        u = unit(step)
        children = inside.get(step.id, ())
        came = [found.get(tensor.from_, 0.0) for tensor in step.inputs if tensor.from_ is not None]
        made = maker(step, children)
        # Where all that ran inside was recorded, a module returns what one of the steps inside it made.
        came = [found[made.id]] if made and not _unseen(step, children) else came + [found[c.id] for c in children]
        if trace.selection and not agree and any(is_unrecorded(tensor) for tensor in step.inputs):
            came.append(_way_before(trace, step, u, mixed=mixed))
        own = _own(step, children, u, mixed=mixed)
        found[step.id] = 0.0 if step.id in identical else max(came, default=0.0) + own
        if step.id in parted:
            agree = False
        elif step.id in identical and agree is None:
            agree = True
    return found


def maker(step: Step, inside: Sequence[Step]) -> Step | None:
    """Return the step inside a module that made what it returns: the last one whose result is like it."""
    for output in step.outputs[:1]:
        for child in reversed(inside):
            if any(made.shape == output.shape and made.dtype == output.dtype for made in child.outputs):
                return child
    return None


def is_unrecorded(tensor: TensorIn) -> bool:
    """Whether a tensor came from a step that was not recorded, in a trace of which a part was filtered out."""
    return tensor.from_ is None and tensor.parameter is None and unit_roundoff(tensor.dtype) > 0


def _way_before(trace: Trace, step: Step, unit: float, *, mixed: bool) -> float:
    """Return the variance of what a step received from steps that were not recorded, by the number of layers before."""

    def size(key: str) -> int:
        return min(max(0, getattr(trace.model.sizes, key) or 0), _MOST)

    layers = size("layers") if step.layer is None else min(step.layer + 1, _MOST)
    # Query, attention output and intermediate projection sum over the hidden size, the output projection over the
    # intermediate size; the rest (scores, context, norms) is short beside them. A dozen results are stored.
    summed = 4 * size("hidden") + size("intermediate")
    u_acc = min(unit, UNIT_ROUNDOFF["float32"])
    return layers * (summed * u_acc * u_acc + 12 * (2 if mixed else 1) * unit * unit)


def _own(step: Step, inside: Sequence[Step], unit: float, *, mixed: bool) -> float:
    """Return what a step itself adds, beside the steps inside it."""
    stored = 2 if mixed else 1
    if inside or (is_exact(step) and not (mixed and step.kind == "module")):
        stored = 0
    u_acc = min(unit, UNIT_ROUNDOFF["float32"])
    return _inner(step, inside) * u_acc * u_acc + stored * unit * unit


def is_exact(step: Step) -> bool:
    """Whether a step only moves numbers and rounds nothing."""
    return step.no_op or op_of(step.type).moves


def _inner(step: Step, inside: Sequence[Step]) -> float:
    """Return how many roundings a sum inside a step takes."""
    main = next(iter(step.outputs), None)
    if main is None or is_exact(step):
        return 0
    if op_of(step.type).family == FUSED_ATTENTION and len(step.inputs) > 1 and len(step.inputs[1].shape) > 1:
        keys, width = (min(size, _MOST) for size in step.inputs[1].shape[-2:])
        return keys + width + math.log2(keys + 1)
    unseen = _unseen(step, inside)
    length = min(unseen // (2 * max(1, math.prod(main.shape))), _MOST)
    if inside:
        return length + (_UNSEEN if unseen else 0)
    return length + (math.log2(1 + (main.shape or [1])[-1]) if op_of(step.type).sums_pairwise else 0)


def _unseen(step: Step, inside: Sequence[Step]) -> int:
    """Return the floating point operations of a step that ran in no recorded step inside it."""
    return max(0, step.total_flops - sum(child.total_flops for child in inside))


def relative_floor(variance: float, unit: float) -> float:
    """Return the floor as a part of a tensor's size; it is never below one rounding."""
    return min(_LARGEST, CONFIDENCE * math.sqrt(max(variance, unit * unit)))
